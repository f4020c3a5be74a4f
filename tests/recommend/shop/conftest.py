"""The small shop of tests/search/shop, and surfaces that answer what a test prepares."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from catalog.models import Product
from catalog.selectors import products_for_cards
from recommend.surfaces import SURFACES, Answer, Ask, Recommendation
from tests.search.shop.conftest import _fresh_cache, _stocked, catalogue, found, indexed  # noqa: F401

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@dataclass
class Prepared:
    """Stands in a surface's place, and keeps what it was asked."""

    name: str
    title: str
    found: Sequence[Recommendation]
    hits: str = "product"
    needs_product: bool = False
    error: Exception | None = None
    asked: list[Ask] = field(default_factory=list)

    def __call__(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        if self.error:
            raise self.error
        end = ask.offset + ask.limit
        return Answer(list(self.found[ask.offset : end]), more=len(self.found) > end)


@pytest.fixture
def surface(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Prepared]:
    """surface(name, hits): the surface of that name answers with these."""

    def prepare(name: str, answers: Sequence[Recommendation] = (), **more: object) -> Prepared:
        prepared = Prepared(name, more.pop("title", f"Title of {name}"), answers, **more)
        monkeypatch.setitem(SURFACES, name, prepared)
        return prepared

    return prepare


@pytest.fixture
def hits(catalogue: dict[str, Product]) -> list[Recommendation]:  # noqa: F811
    """Every product of the shop, each with a reason and the parts that made it."""
    products = products_for_cards([product.pk for product in catalogue.values()])
    return [
        Recommendation(product, 1.0, f"Because of {product.sku}", {"neighbours": {"LAMP-1": 3.0, "CUP-red": 1.0}})
        for product in products
    ]


@pytest.fixture
def no_nul(db: None) -> Iterator[None]:
    """Every database answers as PostgreSQL does where a query compares with a NUL."""

    def execute(run, sql, params, many, context):
        if "\\x00" in repr(params):
            raise ValueError("A string literal cannot contain NUL (0x00) characters.")
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console says is wrong."""
    return []


@pytest.fixture
def visit(
    browser: "Browser",
    live_server: Any,
    indexed: dict[str, Product],  # noqa: F811
    settings: Settings,
    complaints: list[str],
) -> Iterator:
    """Opens a page as somebody new; each ends without an error in the console."""
    settings.EVENTS_FILTER_BOTS = False  # a driven browser says that it is one
    contexts = []

    def new(width: int = 1280, scheme: str = "light", **options: Any) -> "Page":
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=scheme,
            reduced_motion="reduce",
            base_url=live_server.url,
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield new
    for context in contexts:
        for page in context.pages:
            page.goto("about:blank")
            page.wait_for_timeout(200)  # what a page tells when it is left arrives before the tables are emptied
        context.close()
    assert complaints == []
