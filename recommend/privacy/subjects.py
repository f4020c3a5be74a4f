"""Whose data it is: one person, with all of their devices, and the account if there is one."""

import uuid
from dataclasses import dataclass

from django.contrib.auth.models import User

from catalog.accounts import name_here, of_this_shop
from recommend.events.models import Shopper
from recommend.events.shoppers import called, devices_of, of_name
from search.models import LoggedSearch


class NobodyError(LookupError):
    """Nobody is known by that name; the message is a sentence for the operator."""


@dataclass(frozen=True)
class Subject:
    shoppers: tuple[Shopper, ...] = ()  # the one at the root of the merges, and the devices that were merged into it
    user: User | None = None
    strangers: tuple[uuid.UUID, ...] = ()  # keys of who did nothing yet but search, and has no row

    @property
    def keys(self) -> list[uuid.UUID]:
        return [*(each.key for each in self.shoppers), *self.strangers]

    @property
    def ids(self) -> list[int]:
        return [each.pk for each in self.shoppers]


def of_shopper(shopper: Shopper) -> Subject:
    """The person of whom a shopper is a part: a device that joined an account leads to all of the account."""
    devices = devices_of(shopper)
    return Subject(tuple(devices), next((each.user for each in devices if each.user_id), None))


def of_user(user: User) -> Subject:
    shopper = Shopper.objects.filter(user=user).first()
    return of_shopper(shopper) if shopper else Subject((), user)


def find(*, key: str = "", account: str = "", email: str = "") -> Subject:
    """The person with this key (a UUID, or what the shop's own systems call them), user name, or e-mail address.

    Raises NobodyError where there is none, or the address is that of several accounts.
    """
    if key:
        shopper = called(key)
        if shopper is not None:
            return of_shopper(shopper)
        stranger = of_name(key)
        if not LoggedSearch.objects.filter(visitor=stranger).exists():
            raise NobodyError(f"There is no shopper with the key {key!r}.")
        return Subject(strangers=(stranger,))
    users = User.objects.filter(username=name_here(account)) if account else User.objects.filter(email__iexact=email)
    found = list(of_this_shop(users)[:2]) if account or email else []
    if not found:
        raise NobodyError(f"There is no account {account or email!r}.")
    if len(found) > 1:
        raise NobodyError(f"Several accounts have the address {email!r}: name one of them by its account.")
    return of_user(found[0])
