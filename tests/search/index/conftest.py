"""Products for the tests of the index, and a look at what it holds."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from catalog import services
from catalog.models import Product


@pytest.fixture
def publish(db: None) -> Callable[..., list[Product]]:
    """Publish some products with numbered skus and titles."""
    numbers = iter(range(1_000_000))

    def publish(count: int = 1, **fields: Any) -> list[Product]:
        made = []
        for number in (next(numbers) for _ in range(count)):
            given = {"sku": f"sku-{number}", "title": f"Chair number {number}", "price": 10 + number}
            product = Product(**(given | {"status": Product.Status.PUBLISHED} | fields))
            services.save_product(product)
            made.append(product)
        return made

    return publish


@pytest.fixture
def png() -> Callable[[str], bytes]:
    """The bytes of a picture in one colour."""

    def png(colour: str) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", (64, 64), colour).save(file, "PNG")
        return file.getvalue()

    return png
