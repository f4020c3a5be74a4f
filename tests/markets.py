"""A shop of five kinds of things in a real vector store, shoppers with planted habits, and a model that knows them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.utils import timezone

from catalog import services
from catalog.models import Brand, Product, Store
from recommend.events.models import Event, Shopper
from recommend.models.base import Ids, Interactions, Items, Scores
from recommend.models.neighbours import SeqKNN
from recommend.training.dataset import read
from recommend.training.features import Features
from recommend.training.live import Live
from search.index.drain import drain

KINDS = {
    "SHOE": ("Trail running shoe", "Sport", "Shoes"),
    "SOCK": ("Merino wool sock", "Sport", "Socks"),
    "BOOK": ("Mystery novel paperback", "Leisure", "Books"),
    "LAMP": ("Bedside reading lamp", "Living", "Lamps"),
    "TENT": ("Two person dome tent", "Outdoor", "Tents"),
}
EACH = 8
BRANDS = ("Acme", "Nord", "Volt", "Pico")


def build() -> dict[str, Product]:
    """SHOE-0 to TENT-7, by sku: brands and stores in turn, all in stock, published 90 days ago. Indexed."""
    brands = [Brand.objects.create(name=name, slug=name.lower()) for name in BRANDS]
    stores = [Store.objects.create(name=name, slug=name.lower()) for name in ("Corner", "Depot", "Market")]
    departments: dict[str, Any] = {}
    made = {}
    for kind, (title, department, category) in KINDS.items():
        root = departments.setdefault(department, services.add_category(department) if department not in departments
                                      else None)  # fmt: skip
        leaf = services.add_category(category, root)
        for number in range(EACH):
            product = Product(
                sku=f"{kind}-{number}", title=f"{title} {number}", category=leaf, brand=brands[number % 4],
                store=stores[number % 3], price=Decimal(20 + number), stock=5, status="published",
            )  # fmt: skip
            services.save_product(product)
            made[product.sku] = product
    Product.objects.update(published_at=timezone.now() - timedelta(days=90))
    report = drain()
    assert not report.failed, report
    return made


def act(shopper: Shopper, *deeds: str, until: datetime | None = None, **more: Any) -> None:
    """act(shopper, "view SHOE-0", "cart SHOE-0", …): an hour apart, the last one a minute ago."""
    end = (until or timezone.now()) - timedelta(minutes=1)
    ids = dict(Product.objects.values_list("sku", "pk"))
    Event.objects.bulk_create(
        Event(
            event_id=uuid.uuid4(), shopper=shopper, kind=deed.split()[0], product_id=ids[deed.split()[1]],
            happened_at=end - timedelta(hours=len(deeds) - 1 - step), **more,
        )
        for step, deed in enumerate(deeds)
    )  # fmt: skip


def plant(products: dict[str, Product], seed: int = 0) -> None:
    """Habits of 90 shoppers over the last month: runners go from shoes to socks and buy SHOE-n with SOCK-n; readers
    look at books and then at lamps; campers look at tents. BOOK-0 is wanted by everybody, lately more than ever."""
    chance = np.random.default_rng(seed)
    now = timezone.now()
    for number in range(90):
        shopper = Shopper.objects.create()
        until = now - timedelta(days=float(chance.uniform(4, 28)))
        one, two, three = chance.choice(EACH, 3, replace=False)
        if number % 3 == 0:
            act(shopper, f"view SHOE-{one}", f"view SHOE-{two}", f"view SOCK-{one}", until=until)
            pair = (f"purchase SHOE-{one % 3}", f"purchase SOCK-{one % 3}")
            act(shopper, *pair, until=until + timedelta(hours=3), basket=f"basket-{number}")
        elif number % 3 == 1:
            act(shopper, *(f"view BOOK-{n}" for n in (one, two, three)), f"view LAMP-{one}", until=until)
        else:
            act(shopper, *(f"view TENT-{n}" for n in (one, two, three)), "view BOOK-0", until=until)
        if number % 4 == 0:
            act(shopper, "view BOOK-0", until=now - timedelta(days=float(chance.uniform(0.1, 2.5))))


class Taste:
    """A model of inner products of the items' content: the user is the mean of the last five."""

    name = "taste"

    def __init__(self, vectors: Scores) -> None:
        self.config: dict[str, Any] = {}
        self._vectors = vectors
        self.dim = vectors.shape[1]

    def item_vectors(self) -> Scores:
        return self._vectors

    def content_vectors(self, items: Items) -> Scores:
        assert items.content is not None
        return items.content

    def user_vector(self, history: Ids) -> Scores:
        return self._vectors[history[-5:]].mean(axis=0)


class Blend:
    """Neighbours and taste together, built as the real blend is."""

    name = "blend"

    def __init__(self, data: Interactions) -> None:
        assert data.items.content is not None
        self.config: dict[str, Any] = {}
        self.neighbours = SeqKNN()
        self.neighbours.fit(data)
        self.transformer = Taste(data.items.content)

    def score(self, histories: Sequence[Ids]) -> Scores:
        tastes = np.stack([self.transformer.user_vector(each) for each in histories])
        return self.neighbours.score(histories) + 0.2 * tastes @ self.transformer.item_vectors().T

    def score_candidates(self, history: Ids, candidates: Ids) -> Scores:
        return self.score([history])[0][candidates]


@dataclass(frozen=True)
class Market:
    products: dict[str, Product]
    live: Live

    def ids(self, *skus: str) -> set[int]:
        return {self.products[sku].pk for sku in skus}


def learn(version: int = 1, model: Any = Blend) -> Live:
    """A live model of what the log holds now."""
    data = read()[0].interactions()
    return Live(version, model(data), data.items, Features.current())


def without_taste(data: Interactions) -> SeqKNN:
    model = SeqKNN()
    model.fit(data)
    return model


def of_version(live: Live, version: int) -> Live:
    return replace(live, version=version)
