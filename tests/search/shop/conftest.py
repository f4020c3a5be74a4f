"""A small shop with real pictures, and what the tests of its pages need."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from PIL import Image, ImageDraw
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from catalog import services
from catalog.models import Brand, Collection, CollectionItem, Product, Promotion, Store, Tag, Variant
from catalog.pictures import add_picture, make_thumbnails
from catalog.selectors import products_for_cards, published_products
from search.query.request import Facet, FacetValue, Hit, SearchRequest, SearchResult

COLOURS = {"red": "#c0392b", "blue": "#2d5fd0", "green": "#2e9d57"}


def picture(colour: str, *, side: int = 120, shape: str = "ellipse", format: str = "PNG") -> bytes:
    """A shape on nothing, as products are shot."""
    image = Image.new("RGBA", (side, side))
    getattr(ImageDraw.Draw(image), shape)((side // 6, side // 6, side - side // 6, side - side // 6), fill=colour)
    out = io.BytesIO()
    image.convert("RGB" if format == "JPEG" else "RGBA").save(out, format)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    """The front page's overview is kept for a minute, and the throttle counts uploads."""
    cache.clear()


@pytest.fixture(scope="module")
def _stocked(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[dict[str, Product], Path] | None]:
    """The shop, made once for a module and never committed; None for a module whose tests do commit."""
    markers = [item.get_closest_marker("django_db") for item in request.session.items if item.path == request.path]
    if any(marker and marker.kwargs.get("transaction") for marker in markers):
        yield None
        return
    media = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=media), transaction.atomic():
        yield stock(), media
        transaction.set_rollback(True)


@pytest.fixture
def catalogue(_stocked: tuple[dict[str, Product], Path] | None, db: None, settings: Settings) -> dict[str, Product]:
    """The shop's products by sku. What a test changes is undone."""
    if _stocked is None:
        return stock()
    products, settings.MEDIA_ROOT = _stocked
    related = Product.objects.select_related("brand", "store", "category")
    fresh = related.in_bulk([product.pk for product in products.values()])
    return {sku: fresh[product.pk] for sku, product in products.items()}


def stock() -> dict[str, Product]:
    """Cups in three colours, two chairs and a lamp: one family, one promotion, one collection, all by sku."""
    home = services.add_category("Home")
    kitchen = services.add_category("Kitchen", home)
    garden = services.add_category("Garden")
    acme, nord = (Brand.objects.create(name=name, slug=name.lower()) for name in ("Acme", "Nord"))
    store = Store.objects.create(name="Corner shop", slug="corner-shop", description="Round the corner.")
    gift = Tag.objects.create(name="Gift", slug="gift")
    made = {}

    def sell(sku: str, title: str, shape: str, colour: str, **fields: object) -> Product:
        values = {"price": Decimal("10"), "stock": 9, "store": store, "attributes": {"colour": colour}, **fields}
        product = Product(sku=sku, title=title, status="published", **values)
        services.save_product(product, tags=[gift] if colour == "red" else [])
        make_thumbnails(add_picture(product, picture(COLOURS[colour], shape=shape), alt=title))
        made[sku] = product
        return product

    for number, colour in enumerate(COLOURS):
        sell(
            f"CUP-{colour}", f"Espresso cup, {colour}", "ellipse", colour,
            category=kitchen, brand=acme, family="cup", price=Decimal(12 + number),
        )  # fmt: skip
    sell("CHAIR-1", "Folding chair", "rectangle", "blue", category=garden, brand=nord, price=Decimal("79.90"))
    sell("CHAIR-2", "Deck chair", "rectangle", "green", category=garden, brand=nord, price=Decimal("129"), stock=0)
    lamp = sell("LAMP-1", "Reading lamp", "ellipse", "blue", category=home, compare_at_price=Decimal("20"))
    add_picture(lamp, picture("#f2c230"), alt="Reading lamp, switched on")
    for position, (title, price, stock) in enumerate([("Small", None, 4), ("Large", Decimal("30"), 0)]):
        Variant.objects.create(
            product=lamp, sku=f"LAMP-1-{title[0]}", title=title, price=price, stock=stock, position=position
        )
    sale = Promotion.objects.create(
        name="Kitchen week", slug="kitchen-week", kind="percent", value=25, description="A quarter off.",
        starts_at=timezone.now() - timedelta(days=1), ends_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    sale.categories.add(kitchen)
    collection = Collection.objects.create(title="First flat", slug="first-flat", description="What one needs.")
    for position, sku in enumerate(("LAMP-1", "CUP-red")):
        CollectionItem.objects.create(collection=collection, product=made[sku], position=position)
    return made


@pytest.fixture
def indexed(vector_store: object, quick_encoders: None, catalogue: dict[str, Product]) -> dict[str, Product]:
    """The same shop, with its points in a real vector store."""
    from search.index.drain import drain

    report = drain()
    assert report.failed == 0, report
    return catalogue


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[SearchRequest]]:
    """Put prepared answers in the place of the search: `found(total=…)`; returns the list of requests it then gets."""

    def prepare(result: SearchResult | Exception | None = None, **changes: object) -> list[SearchRequest]:
        asked: list[SearchRequest] = []

        def search(request: SearchRequest) -> SearchResult:
            asked.append(request)
            if isinstance(result, Exception):
                raise result
            ids = published_products().order_by("pk").values_list("pk", flat=True)
            hits = [Hit(product, 1.0) for product in products_for_cards(list(ids))]
            return replace(result or SearchResult(hits, len(hits), FACETS, 7.4, {}), **changes)

        monkeypatch.setattr("search.query.search", search)
        return asked

    return prepare


FACETS = [
    Facet("category", "Category", (FacetValue("home", "Home", 4), FacetValue("garden", "Garden", 2))),
    Facet("brand", "Brand", (FacetValue("acme", "Acme", 3), FacetValue("nord", "Nord", 2))),
    Facet("price", "Price", (), minimum=10.0, maximum=129.0),
    Facet("attributes.colour", "Colour", (FacetValue("red", "red", 1), FacetValue("blue", "blue", 3))),
]
