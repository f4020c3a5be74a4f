"""Two shops in one installation that look the same from outside: same SKUs and slugs, and a word of its own in each."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import models, transaction
from django.test import Client

from catalog import hosts
from catalog.models import ApiKey, OutboxEntry, Product, Scope, Shop, ShopHost
from catalog.models.keys import written
from catalog.models.rows import ShopScoped
from catalog.pictures import add_picture
from catalog.tenancy import DEFAULT_SHOP, in_shop
from search.index.client import get_client
from search.index.drain import drain
from search.index.live import live_collection
from tests.project import permission_rows
from tests.project.permission_rows import Installation
from tests.shops import picture

# What a shop's own people and shoppers typed; in anything else a word more would break the row.
TEXTS = {
    "name", "title", "description", "alt", "text", "query", "queries", "words", "note", "first", "second", "error",
}  # fmt: skip
# Words that stand nowhere else: one to ask for, and one that no request says, so that whoever answers it has read it.
MARKERS, SECRETS = ("zaffre", "gamboge"), ("quixotry", "whimbrel")


@dataclass
class Side:
    """One of the shops, with its rows and a client for each role."""

    shop: Shop
    host: str
    marker: str
    secret: str
    made: Installation

    @contextmanager
    def inside(self) -> Iterator[None]:
        with in_shop(self.shop.pk):
            yield


# Settings under which several shops are served.
SEVERAL: dict[str, object] = {
    "MULTI_SHOP": True,
    "AUTHENTICATION_BACKENDS": ["catalog.accounts.ShopBackend"],
    "ALLOWED_HOSTS": [".test", "testserver"],
    "EVENTS_FILTER_BOTS": False,
    "EVENTS_REQUIRE_CONSENT": False,
}


def two_shops() -> tuple[Side, Side]:
    """The first and the second shop, filled alike and indexed."""
    hosts.forget()
    cache.clear()
    first = Shop.objects.get(pk=DEFAULT_SHOP)
    second = Shop.objects.create(name="Second", slug="second")
    return _fill(first, "one.test", 0), _fill(second, "two.test", 1)


def _fill(shop: Shop, host: str, number: int) -> Side:
    marker, secret, colour = MARKERS[number], SECRETS[number], ("red", "blue")[number]
    shop.name = f"Shop {secret}"
    shop.save()
    ShopHost.objects.create(shop=shop, host=host)
    with in_shop(shop.pk):
        made = permission_rows.build(people=f"{marker}-", host=host)
        # Who works in no shop by name is let in nowhere, so they work in this one.
        shop.staff.set(User.objects.filter(username__startswith=f"{marker}-", is_staff=True, is_superuser=False))
        for role in ("shopper",):  # an account as signing up makes it
            user = User.objects.get(username=f"{marker}-{role}")
            user.username = user.username if shop.pk == DEFAULT_SHOP else f"{user.username}+shop{shop.pk}"
            user.save()
        for role, client in made.clients.items():
            if role in ("shopper", "nobody", "viewer", "merchandiser", "administrator", "superuser"):
                client.force_login(User.objects.get(username__startswith=f"{marker}-{role}"))
        _, key = ApiKey.objects.create_key(name="all", scope=written(Scope))
        keyed = {"headers": {"Authorization": f"Api-Key {key}"}, "SERVER_NAME": host}
        made.clients["key"] = Client(raise_request_exception=False, **keyed)  # type: ignore[arg-type]
        add_picture(made.rows["catalog.product"], picture(colour, "rectangle"), alt=secret)  # type: ignore[arg-type]
        Product.objects.update(stock=5, price=10)  # so that everything shows them
        _mark(shop, f"{marker} {secret}")
        OutboxEntry.add(Product.objects.values_list("pk", flat=True))
        report = drain()
        assert not report.failed, report
        assert not report.reason, report
        OutboxEntry.add([made.rows["catalog.product"].pk])
        made.rows["catalog.outboxentry"] = OutboxEntry.objects.get()
        for row in made.rows.values():
            row.refresh_from_db()
    return Side(shop, host, marker, secret, made)


def _mark(shop: Shop, words: str) -> None:
    """Let every text of the shop's rows carry its words."""
    for model in shop_models():
        fields = [
            field.name
            for field in model._meta.fields
            if isinstance(field, models.CharField | models.TextField) and field.name in TEXTS and not field.choices
        ]
        for row in model.every_shop.filter(shop_id=shop.pk) if fields else []:
            told = {name: f"{getattr(row, name)} {words}".strip() for name in fields}
            with transaction.atomic():
                model.every_shop.filter(pk=row.pk).update(**told)


def shop_models() -> list[Any]:
    return [model for model in apps.get_models(include_auto_created=True) if issubclass(model, ShopScoped)]


def digest(side: Side, folders: tuple[Path, ...] = ()) -> str:
    """Of all rows of a shop, the points of its products and its files: the same while nothing of it has changed."""
    told = hashlib.sha256()
    for model in shop_models():
        for row in model.every_shop.filter(shop_id=side.shop.pk).order_by("pk").values_list():
            told.update(repr((model._meta.label, row)).encode())
    told.update(repr(sorted(User.objects.filter(shops=side.shop).values_list("pk", "password"))).encode())
    with side.inside():
        points, _ = get_client().scroll(live_collection().name, limit=100, with_vectors=True)
        for point in sorted(points, key=lambda point: int(point.id)):  # the store keeps no order within a point
            told.update(json.dumps(point.model_dump(), sort_keys=True, default=str).encode())
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                told.update(f"{path}".encode() + path.read_bytes())
    return told.hexdigest()
