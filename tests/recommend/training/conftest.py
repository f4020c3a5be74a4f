"""A shop with a log in which products follow each other in rings, and models that can be trained on it."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from catalog import services
from catalog.models import Brand, Product
from recommend.events.models import Event, Shopper
from recommend.models import registry
from recommend.training import live as loading
from recommend.training import queue, run
from recommend.training.models import TrainingRun
from search.index.drain import drain

RINGS, RING = 4, 6
Train = Callable[..., TrainingRun]
Visit = Callable[..., None]


@pytest.fixture
def catalogue(db: None) -> list[Product]:
    """RINGS * RING published products, not yet indexed; each ring is a brand and a category."""
    made = []
    for ring in range(RINGS):
        brand = Brand.objects.create(name=f"Brand {ring}", slug=f"brand-{ring}")
        category = services.add_category(f"Ring {ring}")
        for place in range(RING):
            product = Product(
                sku=f"R{ring}-{place}", title=f"Thing {place} of ring {ring}", status="published", price=10 + place,
                stock=5, brand=brand, category=category, family=f"family-{ring}-{place}",
            )  # fmt: skip
            made.append(services.save_product(product))
    return made


@pytest.fixture
def indexed(catalogue: list[Product], quick_encoders: None, vector_store: object) -> list[Product]:
    drain()
    return catalogue


@pytest.fixture
def visit(catalogue: list[Product]) -> Visit:
    """visit(shoppers, days_ago=…): each walks some steps along one ring, one event a minute."""

    def visit(shoppers: int, *, days_ago: float = 10.0, steps: int = 4, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        keys = Shopper.objects.bulk_create([Shopper() for _ in range(shoppers)])
        events = []
        for number, shopper in enumerate(keys):
            ring, place = number % RINGS, int(random.integers(RING))
            begin = timezone.now() - timedelta(days=days_ago * (1 - number / shoppers / 2))
            for step in range(steps):
                product = catalogue[ring * RING + (place + step) % RING]
                at = begin + timedelta(minutes=step)
                events.append(
                    Event(event_id=uuid.uuid4(), kind="view", shopper=shopper, product=product, happened_at=at)
                )
        Event.objects.bulk_create(events)

    return visit


@pytest.fixture
def model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """model(name, **config): what is trained from now on."""
    monkeypatch.setitem(registry.MODELS, "factors", "tests.recommend.training.doubles.Factors")
    loading.forget()

    def choose(name: str, **config: object) -> None:
        settings.RECOMMENDER = {"name": name, "config": config}

    choose("factors")
    return choose


@pytest.fixture
def train() -> Train:
    """train(kind): queue a run, take it as a worker does, and do it."""

    def train(kind: str = queue.FULL, **more: object) -> TrainingRun:
        queue.ask_for(kind, **more)
        taken = queue.claim()
        assert taken is not None
        done = run.work(taken)
        loading.forget()
        return done

    return train
