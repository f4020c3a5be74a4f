"""Fixtures of the catalogue's tests."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from PIL import Image, ImageDraw
from rest_framework.test import APIClient

from catalog import services
from catalog.models import Product
from tests.keys import authorization


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path, monkeypatch):
    """Files and broker of a test are its own, and so is its share of the rate limit."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.HOME = tmp_path
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda *args, **options: None)
    cache.clear()


@pytest.fixture
def product() -> Callable[..., Product]:
    """Makes a product through the services."""

    def make(sku: str = "A-1", **fields: Any) -> Product:
        return services.save_product(Product(**{"sku": sku, "title": f"Product {sku}", **fields}))

    return make


@pytest.fixture
def picture_bytes() -> Callable[..., bytes]:
    """Makes a PNG that differs by its seed."""

    def make(seed: int = 0, size: int = 64) -> bytes:
        image = Image.new("RGB", (size, size), (seed * 37 % 256, 90, 160))
        ImageDraw.Draw(image).ellipse([seed % 20, 8, 30 + seed % 20, 50], fill=(250, seed * 91 % 256, 20))
        output = io.BytesIO()
        image.save(output, "PNG")
        return output.getvalue()

    return make


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient()


@pytest.fixture
def keyed(db) -> APIClient:
    """A client that sends a valid API key."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=authorization())
    return client
