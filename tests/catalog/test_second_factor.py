"""Codes of the second factor: none works twice, clocks drift, guessing is slow, and recovery codes work once."""

import time

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from catalog import second_factor
from catalog.models import AuditEntry
from catalog.second_factor import WrongCode

pytestmark = pytest.mark.django_db
STEP = 30  # seconds
SECRET = "31" * 20


class Clock:
    """Stands in for the clock of the server."""

    def __init__(self, monkeypatch) -> None:
        self.now = 1_800_000_000.0
        monkeypatch.setattr(time, "time", lambda: self.now)

    def code(self, steps: int = 0) -> str:
        totp = TOTP(bytes.fromhex(SECRET))
        totp.time = self.now + steps * STEP
        return f"{totp.token():06d}"


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ada", is_staff=True)


@pytest.fixture
def codes(user, clock) -> list[str]:
    """Recovery codes of a device that was just set up; the clock has gone on since."""
    made = second_factor.set_up(user, SECRET, clock.code())
    clock.now += 5 * STEP
    return made


@pytest.fixture
def quick(monkeypatch) -> None:
    """No waiting after a wrong code."""
    monkeypatch.setattr("django_otp.models.ThrottlingMixin.throttling_enabled", False)


def test_the_code_is_that_of_the_standard(clock):
    clock.now = 59.0
    assert TOTP(b"12345678901234567890", digits=8, t0=0).step == STEP
    totp = TOTP(b"12345678901234567890", digits=8)
    totp.time = clock.now
    assert totp.token() == 94287082  # RFC 6238, appendix B


def test_a_wrong_code_sets_nothing_up(user, clock):
    for wrong in ("000000" if clock.code() != "000000" else "000001", "", "12345", "١٢٣٤٥٦", "1e5", "0x1234"):
        with pytest.raises(WrongCode):
            second_factor.set_up(user, SECRET, wrong)
    assert not second_factor.has_device(user)


def test_the_code_that_set_it_up_is_used(user, clock):
    code = clock.code()
    second_factor.set_up(user, SECRET, code)
    with pytest.raises(WrongCode):
        second_factor.verify(user, code)


def test_a_code_works_once(user, clock, codes, quick):
    code = clock.code()
    assert second_factor.verify(user, f" {code[:3]} {code[3:]} ").user == user
    with pytest.raises(WrongCode):
        second_factor.verify(user, code)
    with pytest.raises(WrongCode):
        second_factor.verify(user, clock.code(-1))  # an older one neither
    clock.now += STEP
    assert second_factor.verify(user, clock.code())


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_a_step_off(user, clock, codes, steps, right):
    if right:
        assert second_factor.verify(user, clock.code(steps))
    else:
        with pytest.raises(WrongCode):
            second_factor.verify(user, clock.code(steps))


def test_a_drifting_clock_is_followed(user, clock, codes):
    for drift in (1, 2, 3):
        clock.now += 10 * STEP
        assert second_factor.verify(user, clock.code(drift))
    assert TOTPDevice.objects.get().drift == 3


def test_guessing_waits_longer_with_each_wrong_code(user, clock, codes, settings):
    settings.OTP_TOTP_THROTTLE_FACTOR = 600  # the first wait, too, outlasts a busy machine
    with pytest.raises(WrongCode, match="not right"):
        second_factor.verify(user, "000000" if clock.code() != "000000" else "000001")
    with pytest.raises(WrongCode, match="too soon"):
        second_factor.verify(user, clock.code())  # the right one, too
    settings.OTP_TOTP_THROTTLE_FACTOR = 1
    device = TOTPDevice.objects.get()
    for count, seconds in ((1, 1), (5, 16), (10, 512)):
        device.throttling_failure_count = count
        waits = device.verify_is_allowed()[1]["locked_until"] - device.throttling_failure_timestamp
        assert waits.total_seconds() == seconds


def test_a_failure_is_counted_though_it_is_told_as_an_error(user, clock, codes):
    with pytest.raises(WrongCode):
        second_factor.verify(user, "000000" if clock.code() != "000000" else "000001")
    assert TOTPDevice.objects.get().throttling_failure_count == 1


def test_a_recovery_code_works_once(user, clock, codes, quick):
    assert len(set(codes)) == second_factor.CODES
    assert second_factor.verify(user, codes[0].upper().replace("-", " ")).user == user
    assert second_factor.codes_left(user) == second_factor.CODES - 1
    with pytest.raises(WrongCode):
        second_factor.verify(user, codes[0])
    assert second_factor.verify(user, codes[1])


def test_recovery_codes_are_nobody_else_s(user, clock, codes):
    other = User.objects.create_user("bob", is_staff=True)
    second_factor.set_up(other, SECRET, clock.code())
    with pytest.raises(WrongCode):
        second_factor.verify(other, codes[0])
    assert second_factor.codes_left(user) == second_factor.CODES


def test_new_recovery_codes_replace_the_old_ones(user, clock, codes, quick):
    new = second_factor.new_codes(user)
    with pytest.raises(WrongCode):
        second_factor.verify(user, codes[0])
    assert second_factor.verify(user, new[0])


def test_the_database_holds_no_recovery_code(user, codes):
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == second_factor.CODES
    assert not kept & {code.replace("-", "") for code in codes}


def test_recovery_codes_outlive_a_change_of_the_key(user, codes, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-of-fifty-characters-that-is-long-enough"
    assert second_factor.verify(user, codes[0])


def test_the_row_is_locked_while_a_code_is_looked_at(user, clock, codes):
    if not connection.features.has_select_for_update:
        pytest.skip("SQLite takes its only lock with BEGIN")
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        second_factor.verify(user, clock.code())
    assert "FOR UPDATE" in " ".join(query["sql"] for query in queries)


def test_turning_it_off_leaves_nothing(user, codes):
    assert second_factor.turn_off(user)
    assert not second_factor.has_device(user)
    assert not StaticToken.objects.exists()
    assert not second_factor.turn_off(user)


def test_the_audit_log_tells_of_it_without_secrets(user, clock, codes, quick):
    second_factor.verify(user, codes[0])
    with pytest.raises(WrongCode):
        second_factor.verify(user, codes[0])
    second_factor.turn_off(user)
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == [
        "second factor on", "recovery codes made", "recovery code used", "wrong code", "second factor off",
    ]  # fmt: skip
    told = str(list(AuditEntry.objects.values()))
    assert SECRET not in told
    assert codes[0] not in told
