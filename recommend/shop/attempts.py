"""How often passwords may be tried: by address, and for an account by all who never signed in to it.

A limit for an account alone would let anybody lock its owner out. So a device that has signed in keeps a signed cookie
that says to which account, and is counted by itself ("device cookies", OWASP, "Slow Down Online Guessing Attacks").
"""

import hashlib

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from catalog.accounts import is_shared
from catalog.api.throttles import admits
from catalog.per_shop import named

ATTEMPTS = "20/min"
LONG = "100/hour"  # for an account by strangers to it: who waits between attempts guesses slowly (OWASP ASVS 6.3)
COOKIE = "known"
SALT = "recommend.shop.attempts"
SECONDS = 365 * 86_400


def may_try(request: HttpRequest, name: str = "") -> bool:
    """Count an attempt; `name` is of the account that somebody wants to sign in to, empty where one is made."""
    if not admits(request, "sign-in", ATTEMPTS, everywhere=True):
        return False
    if not name:
        return True
    device = request.COOKIES.get(COOKIE, "")
    if _is_known(device, name):
        return admits(request, "sign-in-device", ATTEMPTS, of=device)
    shared = is_shared(name)  # guessing goes no faster by going from shop to shop
    as_stranger = admits(request, "sign-in-as", ATTEMPTS, of=name.lower(), everywhere=shared)
    return as_stranger and admits(request, "sign-in-as-long", LONG, of=name.lower(), everywhere=shared)


def know(response: HttpResponse, name: str) -> None:
    """Let this device be known as one that signed in to the account."""
    response.set_cookie(
        COOKIE,
        signing.dumps(_told(name), salt=named(SALT)),
        max_age=SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _is_known(device: str, name: str) -> bool:
    try:
        return constant_time_compare(signing.loads(device, salt=named(SALT), max_age=SECONDS), _told(name))
    except signing.BadSignature:
        return False


def _told(name: str) -> str:
    # Who finds the cookie on a shared device need not learn whose account it was.
    return hashlib.sha256(f"{settings.SECRET_KEY}:{name.lower()}".encode()).hexdigest()
