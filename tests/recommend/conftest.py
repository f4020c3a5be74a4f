"""A shop whose products are in a real vector store: made once for a module, rolled back after each test."""

import uuid
from collections.abc import Iterator
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
