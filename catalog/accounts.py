"""Which accounts belong to which shop.

People who work in shops have one account for all of theirs (`Shop.staff`), and superusers may enter every shop. A
shopper's account is one shop's: who signs up in two shops with one address has two accounts that know nothing of each
other. Django wants user names to be unique, so those of another shop than the first carry its number behind the
address; no address has such an ending.
"""

import re
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from catalog.tenancy import DEFAULT_SHOP, current_shop_id

_ENDING: Final = re.compile(r"\+shop(\d{1,18})\Z")


def name_here(address: str) -> str:
    """The user name that the account of an address has in the current shop."""
    shop_id = current_shop_id()
    return address if shop_id == DEFAULT_SHOP else f"{address}+shop{shop_id}"


def name_shown(name: str) -> str:
    """A user name as its owner types it."""
    return _ENDING.sub("", name)


def belongs(user: Any) -> bool:
    """Whether an account may be signed in to in the current shop."""
    if not settings.MULTI_SHOP or user.is_superuser:
        return True
    shops = set(user.shops.values_list("pk", flat=True))
    if current_shop_id() in shops:
        return True
    return not user.is_staff and not shops and _shop_of(user.username) == current_shop_id()


def _shop_of(name: str) -> int:
    found = _ENDING.search(name)
    return int(found[1]) if found else DEFAULT_SHOP


def of_this_shop(users: QuerySet[User]) -> QuerySet[User]:
    """Those of `users` whom `belongs` admits, superusers left out where they work in no shop by name."""
    if not settings.MULTI_SHOP:
        return users
    shop_id = current_shop_id()
    named = Q(username__endswith=name_here("")) if shop_id != DEFAULT_SHOP else ~Q(username__regex=r"\+shop[0-9]+$")
    # Not by a join, in which who works in two shops would stand twice.
    members, workers = User.objects.filter(shops=shop_id), User.objects.exclude(shops=None)
    shoppers = named & Q(is_staff=False, is_superuser=False) & ~Q(pk__in=workers)
    return users.filter(Q(pk__in=members) | shoppers)


def works_elsewhere(user: Any) -> bool:
    """Whether an account is another shop's as well, so that one shop's administrator does not decide about it."""
    return settings.MULTI_SHOP and user.shops.exclude(pk=current_shop_id()).exists()


def is_shared(name: str) -> bool:
    """Whether a name opens more than one shop: then attempts to guess its password count together."""
    return settings.MULTI_SHOP and User.objects.filter(Q(is_staff=True) | Q(is_superuser=True), username=name).exists()


class ShopBackend(ModelBackend):
    """Signs in to the accounts of the shop that the request is for (AUTHENTICATION_BACKENDS where MULTI_SHOP is on).

    It is asked again with each request of a session, so who leaves a shop's staff is out at once.
    """

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        own = name_here(username) if username else username
        if own != username and User.objects.filter(username=own).exists():
            user = super().authenticate(request, username=own, password=password, **kwargs)
            # Anybody may sign up with the address that one of the staff is named by; that shuts nobody out.
            if user is not None or not is_shared(str(username)):
                return user
        return super().authenticate(request, username=username, password=password, **kwargs)

    def user_can_authenticate(self, user: Any) -> bool:
        return super().user_can_authenticate(user) and belongs(user)
