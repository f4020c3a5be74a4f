"""A market with habits in it, and the shop that the search's tests use; see tests/markets.py and tests/indexed.py."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from catalog.models import Product
from recommend.events.models import Shopper
from recommend.serving import exposure, tables
from recommend.surfaces import SURFACES, Answer, Ask
from recommend.training import behaviour
from recommend.training.live import Live
from tests import markets
from tests.indexed import Own, indexed_shop, own_index, shop, take

__all__ = ["indexed_shop", "shop"]


@pytest.fixture(scope="module")
def planted(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    vectord_directory: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[dict[str, Product], Live, Own]]:
    """The market of tests/markets.py with what was counted and learned of it: products, model and settings."""
    with own_index(django_db_blocker, vectord_directory, tmp_path_factory) as own:
        products = markets.build()
        markets.plant(products)
        tables.refresh()
        live = markets.learn()
        behaviour.bring_level(live)
        yield products, live, own


@pytest.fixture
def market(
    planted: tuple[dict[str, Product], Live, Own],
    db: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> markets.Market:
    """The products by sku, with the model live. What a test changes in the database is undone."""
    products, live, own = planted
    take(settings, own)
    exposure._waiting.clear()
    monkeypatch.setattr("recommend.serving.profile.live", lambda: live)
    fresh = Product.objects.select_related("category", "brand").in_bulk([each.pk for each in products.values()])
    return markets.Market({sku: fresh[product.pk] for sku, product in products.items()}, live)


@pytest.fixture
def no_model(market: markets.Market, monkeypatch: pytest.MonkeyPatch) -> markets.Market:
    """The same shop before anything was trained."""
    monkeypatch.setattr("recommend.serving.profile.live", lambda: None)
    return market


@pytest.fixture
def shopper(db: None) -> Shopper:
    return Shopper.objects.create()


@pytest.fixture
def ask(market: markets.Market) -> Callable[..., Answer]:
    """ask("for-you", shopper, product="SHOE-0", limit=5, …)"""

    def answer(surface: str, shopper: Shopper | None = None, **more: Any) -> Answer:
        if "product" in more:
            more["product"] = market.products[more["product"]]
        if "products" in more:
            more["products"] = tuple(market.products[sku] for sku in more["products"])
        return SURFACES[surface](Ask(shopper, **more))

    return answer
