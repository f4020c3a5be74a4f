"""Shops whose products are in a real vector store: made once for a module, rolled back after each test."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from catalog.models import Product
from search.index.client import get_client
from tests import shops
from tests.doubles import ENCODERS

Shop = dict[str, Product]
Own = dict[str, object]  # settings


@contextmanager
def own_index(
    blocker: DjangoDbBlocker, vectord: Path, folders: pytest.TempPathFactory, **more: object
) -> Iterator[Own]:
    """Collections, media and models of its own for the block, whose rows are never committed; yields the settings."""
    alias = f"shop-{uuid.uuid4().hex[:12]}"
    own = {
        "QDRANT_URL": "",
        "QDRANT_ALIAS": alias,
        "QDRANT_BEHAVIOUR_ALIAS": f"{alias}-behaviour",
        "VECTORD_DIR": vectord,
        "MEDIA_ROOT": folders.mktemp("media"),
        "MODELS_DIR": folders.mktemp("models"),
        "ENCODERS": ENCODERS,
        **more,
    }
    with blocker.unblock(), override_settings(**own), transaction.atomic():
        yield own
        transaction.set_rollback(True)
        with override_settings(MULTI_SHOP=False):  # those of all shops
            client = get_client()
            for collection in client.get_collections().collections:
                if collection.name.startswith(alias):
                    client.delete_collection(collection.name)


def take(settings: Settings, own: Own) -> None:
    """Let one test run under the settings of `own_index`."""
    for name, value in own.items():
        setattr(settings, name, value)
    cache.clear()  # the rate limit starts afresh


@pytest.fixture(scope="module")
def indexed_shop(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    vectord_directory: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Shop, Own]]:
    """The products by sku, and the settings under which they were indexed."""
    with own_index(django_db_blocker, vectord_directory, tmp_path_factory) as own:
        yield shops.build_indexed(), own


@pytest.fixture
def shop(indexed_shop: tuple[Shop, Own], db: None, settings: Settings) -> Shop:
    """Products by sku; see tests/shops.py. What a test changes in the database is undone; the index stays as it is."""
    products, own = indexed_shop
    take(settings, own)
    return {sku: Product.objects.get(pk=product.pk) for sku, product in products.items()}
