"""The second factor at the door of the admin: asked for, set up, replaced, turned off, reset, and guessed at."""

import base64
import re
import time
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from catalog import second_factor
from catalog.models import AuditEntry

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse 9"
ASK, SET_UP = "/admin/second-factor/", "/admin/second-factor/set-up/"
CODES, OFF = "/admin/second-factor/codes/", "/admin/second-factor/off/"
STEP = 30


def code_of(secret: str, steps: int = 0) -> str:
    totp = TOTP(bytes.fromhex(secret))
    totp.time = time.time() + steps * STEP
    return f"{totp.token():06d}"


@pytest.fixture(autouse=True)
def _own_limits() -> None:
    cache.clear()


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True, is_superuser=True)


@pytest.fixture
def secret(ada) -> str:
    """Of a device that was set up a while ago."""
    secret = second_factor.new_secret()
    TOTPDevice.objects.create(user=ada, name="app", key=secret)
    return secret


def signed_in(page: str = "/admin/login/", name: str = "ada") -> Client:
    client = Client()
    client.post(page, {"username": name, "password": PASSWORD, "next": "/"})
    assert "_auth_user_id" in client.session
    return client


def give(client: Client, code: str, **more: str):
    return client.post(ASK, {"code": code, **more})


# The door ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["/admin/login/", "/sign-in"])
@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/catalog/product/", "/admin/operations/", "/admin/password_change/"]
)
def test_the_code_is_asked_for_wherever_one_signed_in(secret, page, path):
    client = signed_in(page)
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{ASK}?next=%2Fadmin")
    assert client.post(path).headers["Location"] == ASK


def test_a_right_code_opens_the_admin_and_renews_the_session(secret):
    client = signed_in()
    before = client.session.session_key
    answer = give(client, code_of(secret), next="/admin/catalog/brand/")
    assert answer.headers["Location"] == "/admin/catalog/brand/"
    assert client.session.session_key != before
    assert client.get("/admin/catalog/brand/").status_code == 200


@pytest.mark.parametrize("next_", ["https://example.org/", "//example.org", "javascript:alert(1)"])
def test_it_leads_to_no_other_site(secret, next_):
    assert give(signed_in(), code_of(secret), next=next_).headers["Location"] == "/admin/"


def test_a_wrong_code_opens_nothing(secret):
    client = signed_in()
    assert client.post(ASK).status_code == 400
    right = code_of(secret)
    answer = give(client, "000000" if right != "000000" else "000001")
    assert answer.status_code == 400
    assert "not right" in answer.content.decode()
    assert client.get("/admin/").status_code == 302


def test_a_code_that_another_session_used_opens_nothing(secret):
    code = code_of(secret)
    assert give(signed_in(), code).status_code == 302
    thief = signed_in()
    assert give(thief, code).status_code == 400
    assert thief.get("/admin/").status_code == 302


@pytest.mark.slow
def test_wrong_codes_count_as_attempts(secret, monkeypatch):
    monkeypatch.setattr("django_otp.models.ThrottlingMixin.throttling_enabled", False)
    client = signed_in()
    wrong = "000000" if code_of(secret) != "000000" else "000001"
    answers = [give(client, wrong).status_code for _ in range(22)]
    assert answers[:19] == [400] * 19
    assert answers[-2:] == [429] * 2
    assert give(client, code_of(secret)).status_code == 429, "nor is a right one looked at any more"
    assert AuditEntry.objects.filter(action="locked out").count() == 1


@pytest.mark.slow
def test_attempts_at_setting_one_up_count_as_well(ada):
    client = signed_in()
    client.get(SET_UP)
    right = code_of(client.session["second_factor_secret"])
    answers = [
        client.post(SET_UP, {"code": "000000" if right != "000000" else "000001"}).status_code for _ in range(22)
    ]
    assert answers[-2:] == [429] * 2
    assert AuditEntry.objects.filter(action="locked out").count() == 1


def test_a_device_is_known_only_after_the_code(secret):
    client = signed_in()
    assert "known" not in client.cookies
    give(client, code_of(secret))
    assert "known" in client.cookies


def test_a_device_of_somebody_else_opens_nothing(secret):
    User.objects.create_user("bob", password=PASSWORD, is_staff=True)
    second_factor.set_up(User.objects.get(username="bob"), other := second_factor.new_secret(), code_of(other))
    client = signed_in(name="bob")
    assert give(client, code_of(secret)).status_code == 400


def test_who_has_only_the_password_changes_nothing_of_the_second_factor(secret):
    client = signed_in()
    for page in (SET_UP, CODES, OFF):
        assert client.post(page, {"code": code_of(secret)}).headers["Location"] == ASK
    assert client.get(SET_UP).headers["Location"] == ASK
    assert TOTPDevice.objects.get().key == secret


def test_without_a_second_factor_it_is_as_before(ada):
    client = signed_in()
    assert client.get("/admin/").status_code == 200
    assert "known" in client.cookies


def test_shoppers_are_asked_for_nothing(secret):
    User.objects.create_user("eve@example.com", password=PASSWORD)
    assert signed_in("/sign-in", "eve@example.com").get("/you").status_code == 200


# Required ------------------------------------------------------------------------------------------------------------


def test_where_it_is_required_staff_without_one_only_set_one_up(ada, settings):
    settings.STAFF_SECOND_FACTOR = "required"
    client = signed_in()
    for path in ("/admin/", "/admin/catalog/product/", "/admin/operations/", "/admin/auth/user/add/"):
        assert client.get(path).headers["Location"].startswith(SET_UP)
        assert client.post(path).headers["Location"] == SET_UP
    assert client.get(ASK).headers["Location"] == SET_UP
    assert client.get(SET_UP).status_code == 200
    assert client.post("/admin/logout/").status_code == 200


def test_where_it_is_required_nobody_turns_it_off(secret, settings):
    settings.STAFF_SECOND_FACTOR = "required"
    client = signed_in()
    give(client, code_of(secret))
    answer = client.post(OFF, {"code": code_of(secret, 1)})
    assert answer.status_code == 400
    assert "superuser can reset" in answer.content.decode()
    assert TOTPDevice.objects.exists()


# Setting up, changing, resetting -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_is_set_up_with_a_code_of_the_secret_that_was_shown(ada):
    client = signed_in()
    page = client.get(SET_UP).content.decode()
    secret = client.session["second_factor_secret"]
    assert second_factor.typed(secret) in page
    assert "<svg" in page
    assert "otpauth" not in page, "the address is in the picture alone"
    assert client.get(SET_UP).context["secret"] == second_factor.typed(secret), "the same when it is opened again"
    assert client.post(SET_UP, {"code": "12345"}).status_code == 400
    answer = client.post(SET_UP, {"code": code_of(secret)})
    codes = re.findall(r"<code>(\w{5}-\w{5})</code>", answer.content.decode())
    assert len(codes) == 10
    assert "no-store" in answer.headers["Cache-Control"]
    assert "second_factor_secret" not in client.session
    assert client.get("/admin/").status_code == 200, "who set it up has given a code"
    for path in ("/admin/", ASK):
        text = client.get(path).content.decode()
        assert not any(code in text for code in codes)
    assert give(signed_in(), codes[0]).status_code == 302


def test_a_secret_that_was_never_shown_is_not_taken(ada):
    for body in ({"code": "123456"}, {}):
        assert signed_in().post(SET_UP, body).status_code == 400
    assert not TOTPDevice.objects.exists()


@pytest.mark.slow
def test_new_recovery_codes_and_turning_off_take_a_code(secret, ada):
    while time.time() % STEP > STEP - 5:  # the first code is at the edge of what is taken
        time.sleep(0.1)
    client = signed_in()
    give(client, code_of(secret, -1))
    assert client.post(CODES, {"code": ""}).status_code == 400
    page = client.post(CODES, {"code": code_of(secret)}).content.decode()
    assert len(re.findall(r"<code>\w{5}-\w{5}</code>", page)) == 10
    assert client.post(OFF, {"code": code_of(secret, 1)}).headers["Location"] == "/admin/"
    assert not second_factor.has_device(ada)
    assert client.get("/admin/").status_code == 200


def test_a_superuser_resets_it_and_nobody_else_may(secret, ada, sign_in):
    body = {"action": "reset_second_factor", "_selected_action": [ada.pk]}
    sign_in("administrator").post("/admin/auth/user/", body)
    assert second_factor.has_device(ada)
    sign_in("root").post("/admin/auth/user/", body)
    assert not second_factor.has_device(ada)
    entry = AuditEntry.objects.get(action="second factor reset")
    assert (entry.actor, entry.object) == ("root", "ada")


@pytest.mark.slow
def test_no_page_of_the_admin_shows_a_secret(secret, ada, sign_in):
    root = sign_in("root")
    for path in ("/admin/", f"/admin/auth/user/{ada.pk}/change/", f"/admin/auth/user/{ada.pk}/delete/"):
        text = root.get(path).content.decode()
        assert secret not in text
        assert second_factor.typed(secret) not in text
    assert root.get("/admin/otp_totp/totpdevice/").status_code in (302, 404)
    assert root.get("/admin/otp_static/staticdevice/").status_code in (302, 404)


# In a browser --------------------------------------------------------------------------------------------------------


def violations(page: "Page", of: str = "#page") -> list:
    found = Axe().run(page, context=of).response["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_whole_way_in_a_browser(browser: "Browser", live_server, width, scheme, settings):
    settings.STAFF_SECOND_FACTOR = "required"
    User.objects.create_user("ada", password=PASSWORD, is_staff=True, is_superuser=True)
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": width, "height": 844}, color_scheme=scheme
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if "Content Security" in line.text else None)

    def sign_in() -> None:
        page.goto("/admin/")
        page.fill("#id_username", "ada")
        page.fill("#id_password", PASSWORD)
        page.keyboard.press("Enter")

    sign_in()
    page.wait_for_url("**/second-factor/set-up/**")
    assert page.locator(".factor-picture svg").bounding_box()["width"] > 150
    secret = page.locator(".factor-secret").inner_text()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    key = base64.b32decode(secret.replace(" ", "")).hex()
    page.fill("#id_code", "000000")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    page.fill("#id_code", code_of(key))
    page.keyboard.press("Enter")
    page.wait_for_selector(".factor-codes")
    codes = page.locator(".factor-codes code").all_inner_texts()
    assert len(codes) == 10
    assert violations(page) == []
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/admin/")
    context.clear_cookies()

    sign_in()
    page.wait_for_url("**/second-factor/?next=**")
    page.locator("#id_code[autofocus]").focus()
    assert violations(page, "main") == []
    page.fill("#id_code", "wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert violations(page, "main") == []
    cache.clear()
    page.wait_for_timeout(1100)  # what was wrong has to be waited for
    page.fill("#id_code", codes[0])
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")
    page.goto(ASK)
    assert "9 recovery codes are left" in page.locator("#content, main").first.inner_text()
    assert violations(page) == []
    context.close()
    assert problems == []
