"""Who is shopping: an anonymous key on a device, an account on all of them, and how the one becomes the other."""

import hmac
import uuid
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.middleware import get_user
from django.core.signing import BadSignature
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from catalog.per_shop import named
from catalog.tenancy import current_shop_id
from recommend.events.consent import consent_of
from recommend.events.models import Shopper
from recommend.privacy import tombstones

COOKIE = "shopper"
SALT = "recommend.shopper"
COOKIE_SECONDS = 400 * 86_400  # what browsers keep at most (RFC 6265bis)
SESSION_HEADER = "X-Shopper-Session"
# A session stands for a shopper only if nobody can guess it.
SHORTEST_SECRET = 16
# Names that other systems have for their customers become keys by this (RFC 9562, version 5).
_NAMES = uuid.UUID("6f1d0c0e-5a5b-4a67-9f0f-0c8f4a2b7d10")
_REMEMBER, _ASKED, _FOUND = "_shopper_to_remember", "_shopper_was_asked", "_shopper_found"


def shopper_of(
    request: Any, *, create: bool = False, session: str = "", without_consent: bool = False
) -> Shopper | None:
    """Return the account's shopper for who is logged in, else the device's; None for strangers and without consent.

    With `create` a stranger becomes known: the key goes out as a signed cookie with the response. A device is known by
    that cookie, or where there is none (an app, or two requests of a first page at once) by `session` or the header
    X-Shopper-Session, a secret of at least 16 characters that the client made. The history of an account is shown to
    nobody who is not logged in: a device that was merged into one starts anew after the logout.

    `without_consent` is for those who want to see or delete what was kept while they agreed; it makes nobody known.
    The answer is kept on the request, until somebody is made known, logs in or logs out.
    """
    request = getattr(request, "_request", request)  # REST framework's, or Django's own
    setattr(request, _ASKED, True)
    agreed = consent_of(request)
    if not (agreed or without_consent):
        return None
    found: dict[str, Shopper | None] = request.__dict__.setdefault(_FOUND, {})
    shopper = found.get(session)
    if shopper is None and (session not in found or (create and agreed)):
        shopper = found[session] = _look_up(request, create=create and agreed, session=session, remember=agreed)
    return shopper


def _look_up(request: Any, *, create: bool, session: str, remember: bool) -> Shopper | None:
    user = user_of(request)
    if user is not None and user.is_authenticated:
        return _of_account(user, create=create)
    key = _key_in_cookie(request)
    remembered = key is not None
    key = key or of_session(session or request.headers.get(SESSION_HEADER, ""))
    known = _of_key(key) if key else None
    if key is not None and known is None and not remembered and (stands := _standing(key)) != key:
        key, known = stands, _of_key(stands)
    shopper = _unmerged(known)
    if shopper is None and create:
        # What an old cookie brings after an erasure belongs to somebody new.
        taken = key is not None and (Shopper.objects.filter(key=key).exists() or tombstones.is_erased(key))
        shopper, _ = Shopper.objects.get_or_create(key=uuid.uuid4() if key is None or taken else key)
        remembered = remembered and not taken
    if shopper is not None and remember and not remembered:
        setattr(request, _REMEMBER, shopper.key)
    return shopper


def key_of_stranger(request: Any, *, make: bool) -> tuple[uuid.UUID | None, bool]:
    """The key of who agreed and is no shopper yet, as they have done nothing: and whether the request brought it.

    With `make` who has none gets one with the response. It becomes a shopper's with the first event.
    """
    key = _key_in_cookie(request)
    # The key of a device that belongs to an account is nobody's after the logout.
    if key is not None and _of_key(key) is None and not tombstones.is_erased(key):
        return key, True
    if session := of_session(request.headers.get(SESSION_HEADER, "")):
        stands = _standing(session)
        return (stands, False) if _of_key(stands) is None else (None, False)
    if not make:
        return None, False
    made: uuid.UUID = uuid.uuid4()
    setattr(request, _REMEMBER, made)
    return made, False


def all_behind(request: Any) -> list[Shopper]:
    """All whom this browser is, agreed to or not: the account's shopper, and the device's where it never joined."""
    key = _key_in_cookie(request)
    device = _unmerged(_of_key(key)) if key else None
    found = [shopper_of(request, without_consent=True), device]
    return list({each.pk: each for each in found if each is not None}.values())


def user_of(request: Any) -> Any:
    """Return who is logged in. Not `request.user`: a REST view without authentication of its own overwrites that."""
    request = getattr(request, "_request", request)
    return get_user(request) if hasattr(request, "session") else getattr(request, "user", None)


def of_name(name: str) -> uuid.UUID:
    """Return the key of the shopper whom another system calls `name`; a UUID is a key itself."""
    try:
        return uuid.UUID(name)
    except ValueError:
        return uuid.uuid5(_NAMES, name)


def called(name: str) -> Shopper | None:
    """The shopper whom another system calls `name`, or who came by that name after an erasure. Follows no merge."""
    key = of_name(name)
    shopper = _of_key(key)
    if shopper is None and (stands := _standing(key)) != key:
        shopper = _of_key(stands)
    return shopper


def of_session(session: str) -> uuid.UUID | None:
    """Return the key that a client's session stands for; None for one that could be guessed.

    One session is one key, however many requests carry it at once, and nobody can find the session from the key.
    """
    if not SHORTEST_SECRET <= len(session) <= 64:
        return None
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"{named(SALT)}:{session}".encode("utf-8", "replace"), "sha256")
    return uuid.UUID(bytes=digest[:16])


def _standing(key: uuid.UUID) -> uuid.UUID:
    """The key that a session's own stands for now: after an erasure another one."""
    return tombstones.standing_for([key])[key]


def by_keys(keys: Iterable[uuid.UUID]) -> dict[uuid.UUID, Shopper]:
    """Return the shopper of each key, made where it is new, in a fixed number of queries. Merged ones are followed."""
    wanted = set(keys)
    known = _known(wanted)
    if new := wanted - known.keys():
        stands = tombstones.standing_for(new)
        # In one order everywhere, so that two processes that make the same ones do not wait for each other.
        made = [Shopper(key=key) for key in sorted(stands.values())]
        Shopper.objects.bulk_create(made, ignore_conflicts=True)
        made_known = _known(set(stands.values()))
        known |= {key: made_known[stands[key]] for key in new}
    return known


def merge(anonymous: Shopper, account: Shopper) -> bool:
    """Let the account's history contain the device's. Return False if the device was merged already, or one of them
    has just been erased.

    From then on the account alone decides about personalisation. Who switched it off on the device has switched it off
    on the account. No event is rewritten; `unmerge` undoes the merge, and leaves that choice.

    Raises ValueError where it would make a circle or a chain.
    """
    with transaction.atomic():
        ids = sorted({anonymous.pk, account.pk, account.merged_into_id or account.pk})
        locked = {each.pk: each for each in Shopper.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
        if not {anonymous.pk, account.pk} <= locked.keys():
            return False
        device, target = locked[anonymous.pk], locked[account.pk]
        if device.merged_into_id:
            return False
        if target.merged_into_id:
            target = locked.get(target.merged_into_id) or Shopper.objects.get(pk=target.merged_into_id)
        if device.pk == target.pk:
            raise ValueError("A shopper cannot be merged into itself.")
        if device.user_id:
            raise ValueError("An account cannot be merged into another shopper.")
        if Shopper.objects.filter(merged_into=device).exists():
            raise ValueError("Others are merged into this shopper; take them apart first.")
        device.merged_into, device.merged_at = target, timezone.now()
        device.save(update_fields=["merged_into", "merged_at"])
        if not device.personalised:
            Shopper.objects.filter(pk=target.pk).update(personalised=False)
    return True


def unmerge(anonymous: Shopper) -> bool:
    """Take a merge back, for good: the next login does not repeat it. Return False if there was none."""
    return bool(Shopper.objects.filter(pk=anonymous.pk, merged_into__isnull=False).update(merged_into=None))


def devices_of(shopper: Shopper) -> list[Shopper]:
    """Return the shopper at the root of the merges, and all that were merged into it; read now, in one query."""
    root = Shopper.objects.filter(pk=shopper.pk).values(root=Coalesce("merged_into", "pk"))
    return list(Shopper.objects.filter(Q(pk__in=root) | Q(merged_into__in=root)))


def join_device(request: HttpRequest | None, user: AbstractBaseUser) -> None:
    """At login: what this device did so far belongs to the account, unless it is another's, or was taken apart."""
    if request is None:
        return
    _ask_anew(request)
    if not consent_of(request):
        return
    key = _key_in_cookie(request)
    if key is not None and _of_key(key) is None and not tombstones.is_erased(key):
        Shopper.objects.get_or_create(key=key)  # who only searched so far, which is theirs as well
    device = Shopper.objects.filter(key=key, user=None, merged_into=None, merged_at=None).first() if key else None
    account = _of_account(user, create=True) if device else None
    if device and account:
        merge(device, account)


def part_from_device(request: HttpRequest | None) -> None:
    """At logout: the device forgets its key, and who comes next is somebody new."""
    if request is not None:
        _ask_anew(request)
        setattr(request, _REMEMBER, None)


def _ask_anew(request: HttpRequest) -> None:
    """Forget who was found, and whom Django's middleware found: neither login nor logout renews that."""
    for name in (_FOUND, "_cached_user"):
        request.__dict__.pop(name, None)


def write_cookie(request: HttpRequest, response: Any) -> None:
    """Put into the response what `shopper_of` and `part_from_device` decided while it was made."""
    if getattr(request, _ASKED, False):
        patch_vary_headers(response, ["Cookie"])
    if not hasattr(request, _REMEMBER):
        return
    key: uuid.UUID | None = getattr(request, _REMEMBER)
    if key is None:
        response.delete_cookie(COOKIE, samesite="Lax")
        return
    response.set_signed_cookie(
        COOKIE,
        key.hex,
        salt=named(SALT),
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="Lax",  # so that no other site can make events in this shopper's name
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _of_account(user: Any, *, create: bool) -> Shopper | None:
    shopper = Shopper.objects.filter(user=user).first()
    if shopper is None and create:
        shopper, _ = Shopper.objects.get_or_create(user=user)
    return shopper


def _of_key(key: uuid.UUID) -> Shopper | None:
    """Written out, since it is asked with each request: composing it costs several times what the database needs."""
    values = [Shopper._meta.get_field("key").get_db_prep_value(key, connection), current_shop_id()]
    return next(iter(Shopper.objects.raw(_BY_KEY, values)), None)


# Names of our own alone.
_BY_KEY = f"SELECT * FROM {connection.ops.quote_name(Shopper._meta.db_table)} WHERE key = %s AND shop_id = %s"  # noqa: S608


def _unmerged(shopper: Shopper | None) -> Shopper | None:
    """The shopper whose history a device shows when nobody is logged in: none that belongs to an account."""
    while shopper is not None and shopper.merged_into is not None:
        shopper = shopper.merged_into
    return shopper if shopper is not None and shopper.user_id is None else None


def _key_in_cookie(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.get_signed_cookie(COOKIE, salt=named(SALT), max_age=COOKIE_SECONDS))
    except (KeyError, BadSignature, ValueError):
        return None


def _known(keys: set[uuid.UUID]) -> dict[uuid.UUID, Shopper]:
    found = Shopper.objects.filter(key__in=keys).select_related("merged_into")
    return {each.key: each.merged_into or each for each in found}
