"""A shop of the demo's assortment, without pictures: all that the habits name, and some of the rest."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from catalog import services
from catalog.demo import assortment, wording
from catalog.models import Brand, Category, Product, Store
from recommend.demo import habits
from recommend.demo.histories import Planted, plant
from recommend.serving import exposure, tables
from recommend.training import live
from search.index.drain import drain
from tests.indexed import own_index, take

NOW = datetime(2026, 5, 20, 15, tzinfo=UTC)
OTHERS = 110
COLOURS = ("red", "blue")


def fill(today: date) -> None:
    """Products of the assortment: those that the habits name, in two colours where they have colours, and OTHERS."""
    told = habits.FILE.read_text(encoding="utf-8")
    chance = random.Random(5)
    named = [item for item in assortment.items() if f'"{item.title}"' in told]
    others = chance.sample([item for item in assortment.items() if item not in named], OTHERS)
    categories: dict[str, Category] = {}
    makers = {b.name: Brand.objects.create(name=b.name, slug=b.code.lower()) for b in assortment.brands()}
    stores = {s.name: Store.objects.create(name=s.name, slug=f"s{n}") for n, s in enumerate(assortment.stores())}
    for number, item in enumerate([*named, *others]):
        brand = chance.choice([b for b in assortment.brands() if item.kind.domain in b.domains])
        store = chance.choice([s for s in assortment.stores() if item.kind.domain in s.domains])
        for colour in COLOURS if item.colours else ("",):
            product = Product(
                sku=f"P{number}{colour[:1]}",
                title=wording.title(item, colour),
                category=_category(item.category, categories),
                brand=makers[brand.name],
                store=stores[store.name],
                price=Decimal(str(item.price)),
                stock=9,
                status="published",
                family=f"F{number}" if colour else "",
                attributes={"colour": colour} if colour else {},
                released=today - timedelta(days=400 if item in named or number % 12 else 15),
            )
            services.save_product(product)


def _category(path: str, known: dict[str, Category]) -> Category:
    if path not in known:
        parent, _, name = path.rpartition(" > ")
        known[path] = services.add_category(name, _category(parent, known) if parent else None)
    return known[path]


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The shop in the database alone, not indexed; rolled back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        fill(NOW.date())
        yield
        transaction.set_rollback(True)


@pytest.fixture
def shop(filled: None, db: None) -> None:
    """For one test. What it changes in the database is undone."""


@pytest.fixture(scope="module")
def demo(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    vectord_directory: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Planted, dict[str, Any]]]:
    """The shop indexed, with histories up to now and a model trained on them; rolled back at the end."""
    model = {"name": "seq-knn", "config": {}}
    with own_index(django_db_blocker, vectord_directory, tmp_path_factory, RECOMMENDER=model) as own:
        fill(timezone.now().date())
        report = drain()
        assert not report.failed, report
        planted = plant(seed=3, shoppers=1500)
        tables.refresh()
        live.forget()
        call_command("train_recommender", "--full")
        yield planted, own
        live.forget()


@pytest.fixture
def planted(demo: tuple[Planted, dict[str, Any]], db: None, settings: Settings) -> Planted:
    found, own = demo
    take(settings, own)
    exposure._waiting.clear()
    live.forget()
    return found
