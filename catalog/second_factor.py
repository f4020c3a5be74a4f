"""A second factor for the staff: codes of an app (TOTP, RFC 6238), and recovery codes for when it is lost.

django-otp keeps the devices and checks the codes: none works twice, a clock may be a step of 30 seconds off and is
followed as it drifts, and after a wrong one the next is looked at only after 1, 2, 4, 8 … seconds.
"""

import base64
import re
import secrets
import time
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import salted_hmac
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from catalog import audit

SECRET_BYTES: Final = 20  # as long as the hash, RFC 4226, section 4
CODES: Final = 10
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # without l, o, 0 and 1: codes are copied by hand
_HALF: Final = 5  # of 10 letters: 50 bits
_TOTP, _RECOVERY = re.compile(r"[0-9]{6}"), re.compile(rf"[{_ALPHABET}]{{{2 * _HALF}}}")
_SALT: Final = "catalog.second_factor.recovery"


class WrongCode(Exception):  # noqa: N818  a code that is wrong is no fault
    """A code that is wrong, was used before, or came too soon after a wrong one; the message is a sentence."""


def has_device(user: User) -> bool:
    return TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).exists()


def new_secret() -> str:
    """A new secret, in hexadecimal, as a device keeps it."""
    return secrets.token_hex(SECRET_BYTES)


def address_of(user: User, secret: str) -> str:
    """The otpauth:// address that an authenticator app reads from the picture."""
    return str(TOTPDevice(user=user, key=secret).config_url)


def typed(secret: str) -> str:
    """The secret as it is typed into an app that reads no picture: base 32, in groups of four."""
    text = base64.b32encode(bytes.fromhex(secret)).decode().rstrip("=")
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def set_up(user: User, secret: str, code: str) -> list[str]:
    """Make the device once its code shows that the app has the secret; return new recovery codes. Raises WrongCode."""
    totp = TOTP(bytes.fromhex(secret))
    totp.time = time.time()
    wanted = _cleaned(code)
    if not _TOTP.fullmatch(wanted) or not totp.verify(int(wanted), tolerance=1):
        raise WrongCode("That code is not right. It changes every 30 seconds; is the clock of your device right?")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # of two forms that were sent, one makes the device
        if has_device(user):
            raise WrongCode("You have a second factor already.")
        # The code that confirmed it counts as used.
        TOTPDevice.objects.create(user=user, name="app", key=secret, drift=totp.drift, last_t=totp.t())
        audit.record("second factor on", user)
        return new_codes(user)


def new_codes(user: User) -> list[str]:
    """Replace the recovery codes and return the new ones. Only a keyed hash of each is kept."""
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(2 * _HALF)) for _ in range(CODES)]
    with transaction.atomic():
        StaticDevice.objects.filter(user_id=user.pk).delete()
        device = StaticDevice.objects.create(user=user, name="recovery codes")
        StaticToken.objects.bulk_create(StaticToken(device=device, token=_kept(user, code)) for code in codes)
        audit.record("recovery codes made", user)
    return [f"{code[:_HALF]}-{code[_HALF:]}" for code in codes]


def codes_left(user: User) -> int:
    return StaticToken.objects.filter(device__user_id=user.pk).count()


def verify(user: User, code: str) -> Device:
    """Return the device whose code this is; the code is used up. Raises WrongCode.

    The device's row is locked meanwhile: of two requests with one code, one gets in.
    """
    wanted = _cleaned(code)
    with transaction.atomic():  # ends before anything is raised, so that a failure stays counted
        model = TOTPDevice if _TOTP.fullmatch(wanted) else StaticDevice
        device = model.objects.select_for_update().filter(user_id=user.pk, confirmed=True).first()
        allowed, why = device.verify_is_allowed() if device is not None else (True, None)
        right = allowed and device is not None and device.verify_token(_given(user, device, wanted))
        if right and model is StaticDevice:
            audit.record("recovery code used", user)
        elif not right:
            audit.record("wrong code", user)
    if device is not None and right:
        return device
    if not allowed and why and "locked_until" in why:
        raise WrongCode("That came too soon after a wrong code. Wait a little, then take the next one.")
    raise WrongCode("That code is not right, or was used before.")


def turn_off(user: User, action: str = "second factor off") -> bool:
    """Delete the devices and recovery codes of an account; return whether there were any."""
    with transaction.atomic():
        count, _ = TOTPDevice.objects.filter(user_id=user.pk).delete()
        StaticDevice.objects.filter(user_id=user.pk).delete()
        if count:
            audit.record(action, user)
    return bool(count)


def _cleaned(code: str) -> str:
    return re.sub(r"[\s-]", "", code[:64]).lower()


def _given(user: User, device: Device, code: str) -> str:
    if isinstance(device, TOTPDevice):
        return code
    if not _RECOVERY.fullmatch(code):
        return ""
    # Codes outlive a change of the key, as sessions do.
    hashes = [_kept(user, code, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    found = StaticToken.objects.filter(device_id=device.pk, token__in=hashes).values_list("token", flat=True).first()
    return found or hashes[0]


def _kept(user: User, code: str, key: str | None = None) -> str:
    """What is kept of a recovery code: 80 bits of an HMAC-SHA-256, as many as the library's column takes."""
    digest = salted_hmac(_SALT, f"{user.pk}:{code}", secret=key, algorithm="sha256").digest()
    return base64.b32encode(digest[:10]).decode().lower()


def app_of(user: User) -> Device:
    """The device of an account. Raises TOTPDevice.DoesNotExist."""
    return TOTPDevice.objects.get(user_id=user.pk, confirmed=True)
