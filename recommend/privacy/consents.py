"""When somebody agreed to be remembered, and when they took it back: who asks to rely on a consent must show it."""

from uuid import UUID

from django.http import HttpRequest

from recommend.events.models import Shopper
from recommend.events.shoppers import all_behind, key_of_stranger, shopper_of, user_of
from recommend.privacy.models import ConsentChange


def given(request: HttpRequest) -> None:
    """Note that who asks agrees. A stranger gets a key by cookie: from now on they may be remembered."""
    user = user_of(request)
    key: UUID | None
    if user is not None and user.is_authenticated:
        key = Shopper.objects.get_or_create(user=user)[0].key
    else:
        shopper = shopper_of(request, without_consent=True)
        key = shopper.key if shopper else key_of_stranger(request, make=True)[0]
    ConsentChange.objects.create(key=key, given=True)


def withdrawn(request: HttpRequest) -> None:
    """Note that who asks refuses. Of somebody who never agreed it is noted that it happened, and nothing else."""
    keys: list[UUID | None] = [each.key for each in all_behind(request)]
    stranger, _ = key_of_stranger(request, make=False)
    if stranger is not None and ConsentChange.objects.filter(key=stranger).exists():
        keys.append(stranger)
    keys = keys or [None]
    ConsentChange.objects.bulk_create([ConsentChange(key=key, given=False) for key in keys])
