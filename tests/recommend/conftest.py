"""Shops whose products are in a real vector store: made once for a module, rolled back after each test."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from catalog.models import Product
from recommend.events.models import Shopper
from recommend.serving import exposure, tables
from recommend.surfaces import SURFACES, Answer, Ask
from recommend.training import behaviour
from recommend.training.live import Live
from search.index.client import get_client
from tests import markets, shops
from tests.doubles import ENCODERS

Shop = dict[str, Product]


@pytest.fixture(scope="module")
def indexed_shop(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    vectord_directory: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Shop, dict[str, object]]]:
    """The products by sku, and the settings under which they were indexed. Its rows are never committed."""
    alias = f"shop-{uuid.uuid4().hex[:12]}"
    own = {
        "QDRANT_URL": "",
        "QDRANT_ALIAS": alias,
        "QDRANT_BEHAVIOUR_ALIAS": f"{alias}-behaviour",
        "VECTORD_DIR": vectord_directory,
        "MEDIA_ROOT": tmp_path_factory.mktemp("media"),
        "ENCODERS": ENCODERS,
    }
    with django_db_blocker.unblock(), override_settings(**own), transaction.atomic():
        yield shops.build_indexed(), own
        transaction.set_rollback(True)
        client = get_client()
        for collection in client.get_collections().collections:
            if collection.name.startswith(str(own["QDRANT_ALIAS"])):
                client.delete_collection(collection.name)


@pytest.fixture
def shop(indexed_shop: tuple[Shop, dict[str, object]], db: None, settings: Settings) -> Shop:
    """Products by sku; see tests/shops.py. What a test changes in the database is undone; the index stays as it is."""
    products, own = indexed_shop
    for name, value in own.items():
        setattr(settings, name, value)
    cache.clear()  # the rate limit starts afresh
    return {sku: Product.objects.get(pk=product.pk) for sku, product in products.items()}


@pytest.fixture(scope="module")
def planted(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    vectord_directory: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[dict[str, Product], Live, dict[str, object]]]:
    """The market of tests/markets.py with what was counted and learned of it: products, model and settings."""
    name = uuid.uuid4().hex[:12]
    own = {
        "QDRANT_URL": "",
        "QDRANT_ALIAS": f"market-{name}",
        "QDRANT_BEHAVIOUR_ALIAS": f"market-{name}-behaviour",
        "VECTORD_DIR": vectord_directory,
        "MEDIA_ROOT": tmp_path_factory.mktemp("media"),
        "MODELS_DIR": tmp_path_factory.mktemp("models"),
        "ENCODERS": ENCODERS,
    }
    with django_db_blocker.unblock(), override_settings(**own), transaction.atomic():
        products = markets.build()
        markets.plant(products)
        tables.refresh()
        live = markets.learn()
        behaviour.bring_level(live)
        yield products, live, own
        transaction.set_rollback(True)
        client = get_client()
        for collection in client.get_collections().collections:
            if collection.name.startswith(str(own["QDRANT_ALIAS"])):
                client.delete_collection(collection.name)


@pytest.fixture
def market(
    planted: tuple[dict[str, Product], Live, dict[str, object]],
    db: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> markets.Market:
    """The products by sku, with the model live. What a test changes in the database is undone."""
    products, live, own = planted
    for name, value in own.items():
        setattr(settings, name, value)
    cache.clear()
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
