"""A few products, and a limit of each test's own."""

import pytest
from django.core.cache import cache

from catalog import services
from catalog.models import Product


@pytest.fixture(autouse=True)
def _own_limits() -> None:
    cache.clear()


@pytest.fixture
def products(db: None) -> dict[str, Product]:
    return {sku: services.save_product(Product(sku=sku, title=f"Product {sku}", status="published")) for sku in "ABC"}
