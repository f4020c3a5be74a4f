"""Recommendations as shoppers meet them: fragments that a page loads after itself, and a page of each surface.

One answer is shown in one of five layouts. A fragment whose surface fails is logged and empty: the page that asked for
it stands without it. Where a busy process has no place for it, it asks for itself once more in a moment.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import uniform
from typing import Literal, cast, get_args

from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from catalog.models import Product
from catalog.selectors import published_products, with_card_parts, with_skus
from recommend.events.shoppers import shopper_of
from recommend.shop.cart import Cart
from recommend.shop.why import Part, parts_of, titles_of
from recommend.surfaces import SURFACES, Answer, Ask, Recommendation, Surface
from recommend.surfaces.base import DEEPEST
from search.bulkhead import RETRY_SECONDS, Overloaded, recommendation_turn
from search.shop import parameters
from search.shop.cards import Card, make_cards

log = logging.getLogger(__name__)

Layout = Literal["row", "cards", "list", "waterfall", "set"]
Place = Literal["home", "product", "cart", "search", "page"]
LIMITS: dict[str, int] = {"row": 12, "cards": 12, "list": 10, "waterfall": 24, "set": 6}
KINDS = {"stores": 6, "brands": 6, "promotions": 6, "sponsored": 4}  # surfaces of few hits, each a wide one
IN_A_SET = 2  # beside the product itself
# Then a click is asked for, so that who wants to reach the foot of the page can.
LOADS_BY_ITSELF = 3
# A page may ask for more rows at once than a process works on.
TRIES = 5
# On a page that has a better title for a surface than the surface itself.
TITLES = {
    ("trending", "home"): "Trending now",
    ("trending", "search"): "What others look at just now",
    ("complements", "product"): "Goes well with",
    ("complements", "cart"): "Goes well with your cart",
    ("bought-together", "product"): "Bought together",
    ("bought-together", "cart"): "Often bought with what you chose",
}


@dataclass(frozen=True)
class Shown:
    """One recommendation, ready for a template."""

    hit: Recommendation
    surface: str
    position: int  # counted from 0 over all pages of the answer
    card: Card | None = None  # of a product
    cards: tuple[Card, ...] = ()  # of the products that made the case for a store, brand or promotion
    parts: tuple[Part, ...] = ()  # that made it, in words

    @property
    def key(self) -> str:
        """What tells it from every other recommendation on a page, for ids of elements."""
        return f"{self.surface}-{self.position}"

    @property
    def sponsored(self) -> bool:
        return self.hit.sponsored

    @property
    def query(self) -> str:
        """Which product, shown where: for the addresses of its buttons."""
        sku = self.hit.product.sku if self.hit.product else ""
        return urlencode({"sku": sku, "surface": self.surface, "position": str(self.position)})


@dataclass(frozen=True)
class Asked:
    """What an address asks for."""

    surface: Surface
    product: Product | None
    place: Place
    layout: Layout
    offset: int
    tries: int  # how often it was turned away
    params: QueryDict

    @property
    def limit(self) -> int:
        return KINDS.get(self.surface.name, LIMITS[self.layout])

    @property
    def goes_on(self) -> bool:
        """Whether the page has the first hits and the heading already."""
        return self.params.get("on") == "1"

    @property
    def title(self) -> str:
        if self.place == "home" and self.surface.name == "for-you" and self.offset:
            return "More for you"  # what comes before stands further up on the page
        return TITLES.get((self.surface.name, self.place), self.surface.title)

    def address(self, route: str, **changes: str | int) -> str:
        """The address of the same thing on another route, with the parameters of this one but for what `changes`."""
        named = {"surface": self.surface.name, **({"sku": self.product.sku} if self.product else {})}
        params = self.params.copy()
        for name in ("on", "again"):
            params.pop(name, None)
        for name, value in changes.items():
            params[{"layout": "as"}.get(name, name)] = str(value)
        query = params.urlencode()
        return reverse(f"recommend:{route}", kwargs=named) + (f"?{query}" if query else "")


@require_safe
def row(request: HttpRequest, surface: str, sku: str = "") -> HttpResponse:
    """A fragment. With `instead=1` it takes the place of something that stands already: nothing is then a 204."""
    try:
        response = _fragment(request, _read(request, surface, sku, layout="row"))
    except parameters.ParameterError as error:
        return HttpResponseBadRequest(" ".join(error.sentences), content_type="text/plain; charset=utf-8")
    except Http404:
        raise
    except Exception:  # whatever is wrong with a row, the page that shows it is whole
        log.exception("No row %s%s", surface, f" for {sku}" if sku else "")
        response = _nothing(request)
    response["X-Robots-Tag"] = "noindex"
    response["Cache-Control"] = "private, no-store"  # the next answer may differ, and is another shopper's
    return response


def _fragment(request: HttpRequest, asked: Asked) -> HttpResponse:
    try:
        found = _answer(request, asked)
    except Overloaded:
        return _later(request, asked)
    if found.hits:
        template = "recommend/_items.html" if asked.goes_on else "recommend/row.html"
        return render(request, template, _context(asked, found))
    return render(request, "recommend/_end.html") if asked.goes_on else _nothing(request)


def _later(request: HttpRequest, asked: Asked) -> HttpResponse:
    given_up = asked.tries >= TRIES
    if request.GET.get("instead") == "1" or (given_up and not asked.goes_on):
        return _nothing(request)
    tries = 0 if given_up else asked.tries + 1
    on = {"on": 1} if asked.goes_on else {}
    # Those who were turned away together do not come again together.
    wait = "" if given_up else f"load delay:{int(1000 * RETRY_SECONDS * uniform(1, 2))}ms"  # noqa: S311  (no secret)
    context = {
        "asked": asked,
        "again": asked.address("row", again=tries, **on),
        "page": asked.address("page", offset=asked.offset),
        "trigger": wait,
        "slot": asked.place == "search" and asked.surface.name == "sponsored",
    }
    return render(request, "recommend/_later.html", context)


def _nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204 if request.GET.get("instead") == "1" else 200)


@require_safe
def page(request: HttpRequest, surface: str, sku: str = "") -> HttpResponse:
    """A whole page of one surface, which works without scripts too."""
    try:
        asked = _read(request, surface, sku, layout="waterfall", place="page")
        context = _context(asked, _answer(request, asked))
    except parameters.ParameterError as error:
        return render(request, "shop/bad_request.html", {"sentences": error.sentences}, status=400)
    except Http404:
        raise
    except DatabaseError:
        raise
    except Exception as error:
        log.warning("No page of %s", surface, exc_info=not isinstance(error, Overloaded))
        response = render(request, "shop/unavailable.html", {"icon": "pause", "request_": {"q": ""}}, status=503)
        response["Retry-After"] = str(RETRY_SECONDS)
        return response
    layouts = [
        (name, label, asked.address("page", layout=name, offset=0))
        for name, label in (("waterfall", "Waterfall"), ("cards", "Cards"), ("list", "List"))
    ]
    return render(request, "recommend/page.html", {**context, "layouts": layouts})


def _read(request: HttpRequest, name: str, sku: str, *, layout: Layout, place: Place = "home") -> Asked:
    """Raises Http404 for a surface or product that is not there, and ParameterError for what makes no sense."""
    surface = SURFACES.get(name)
    if surface is None:
        raise Http404("There is no such row.")
    product = None
    if sku:
        product = with_card_parts(with_skus(published_products(), sku)).first()
        if product is None:
            raise Http404("There is no such product.")
    params = request.GET
    asked_layout = params.get("as", layout)
    asked_place = params.get("at", "product" if sku else place)
    offset, tries = params.get("offset", "0"), params.get("again", "0")
    wrong = []
    if asked_layout not in get_args(Layout):
        wrong.append(f"as is one of {', '.join(get_args(Layout))}.")
    if asked_place not in get_args(Place):
        wrong.append(f"at is one of {', '.join(get_args(Place))}.")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 5 and int(offset) <= DEEPEST):
        wrong.append(f"offset is a whole number up to {DEEPEST}.")
    if tries not in map(str, range(TRIES + 1)):
        wrong.append(f"again is a whole number up to {TRIES}.")
    if wrong:
        raise parameters.ParameterError(wrong)
    layout, place = cast(Layout, asked_layout), cast(Place, asked_place)
    return Asked(surface, product, place, layout, int(offset), int(tries), params)


def _answer(request: HttpRequest, asked: Asked) -> Answer:
    ask = Ask(shopper_of(request), product=asked.product, limit=asked.limit, offset=asked.offset)
    if asked.place == "cart":
        ids = Cart(request.session).product_ids
        inside = with_card_parts(published_products().filter(pk__in=ids))
        ask = replace(ask, products=tuple(inside), exclude=frozenset(ids))
    elif asked.place == "search":
        words = asked.params.copy()
        for name in ("as", "at", "offset", "on", "again", "instead", "picture"):
            words.pop(name, None)
        search = parameters.read(words).request
        ask = replace(ask, q=search.q, filters=search.filters)
    with recommendation_turn():
        found = asked.surface(ask)
    return replace(found, more=found.more and asked.offset + asked.limit <= DEEPEST)


def _context(asked: Asked, found: Answer) -> dict[str, object]:
    shown = show(found.hits, asked.surface.name, asked.offset)
    after = asked.offset + asked.limit
    return {
        "asked": asked,
        # Not the surface itself: templates call what can be called.
        "name": asked.surface.name,
        "id": f"{asked.surface.name}-{asked.offset}",
        "kind": asked.surface.hits,
        "title": asked.title,
        "layout": asked.layout,
        "shown": shown,
        "next": asked.address("row", layout=asked.layout, offset=after, on=1) if found.more else "",
        "next_page": asked.address("page", layout=asked.layout, offset=after) if found.more else "",
        "whole": asked.address("page") if not asked.surface.needs_product and found.more else "",
        "by_itself": asked.offset < LOADS_BY_ITSELF * asked.limit,
        **(_set(asked, shown) if asked.layout == "set" else {}),
    }


def show(hits: Sequence[Recommendation], surface: str, offset: int = 0) -> list[Shown]:
    """Hits as templates show them. All their cards are made at once, in a fixed number of queries."""
    flat = [each.product for hit in hits for each in (hit, *hit.products) if each.product is not None]
    cards = {card.product.pk: card for card in make_cards(flat)}
    titles = titles_of(hits)
    return [
        Shown(
            hit,
            surface,
            offset + index,
            replace(cards[hit.product.pk], why=hit.reason) if hit.product else None,
            tuple(cards[each.product.pk] for each in hit.products if each.product),
            tuple(parts_of(hit, titles)),
        )
        for index, hit in enumerate(hits)
    ]


def _set(asked: Asked, shown: Sequence[Shown]) -> dict[str, object]:
    """The product looked at and what is bought with it, at one price. Only what can go into the cart as it is."""
    if asked.product is None:
        return {}
    (own,) = make_cards([asked.product])
    if not own.buyable:
        return {"own": own, "others": []}
    currency = own.product.currency
    others = [each for each in shown if each.card and each.card.buyable and each.card.product.currency == currency]
    others = others[:IN_A_SET]
    cards = [own, *(each.card for each in others if each.card)]
    return {"own": own, "others": others, "set_price": sum(card.price for card in cards if card.price is not None)}
