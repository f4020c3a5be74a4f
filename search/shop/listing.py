"""A page of results: what is asked, the cards, the filters that can be set and taken back, and the pages."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest, QueryDict

from catalog.models import Brand, Category, Collection, Product, Promotion, Store, Tag
from catalog.selectors import published_products, with_card_parts
from search.query.engine import DEEPEST
from search.query.personal import shopper_of
from search.query.request import MOST_PICTURES, Facet, SearchRequest, SearchResult
from search.serving import serve
from search.shop import parameters
from search.shop.asked_pictures import PARAMETERS, AskedPicture, with_pictures, written
from search.shop.cards import Card, make_cards
from search.shop.explaining import lines, may_explain
from search.shop.understood import Understood, understood_of

_SINGLE = ("category", "promotion", "collection")  # one value at a time: radio buttons
_CHIP_LABELS = {"not": "Without", "price_min": "From", "price_max": "Up to"}
_NAMED: dict[str, tuple[Any, str]] = {
    "category": (Category, "name"),
    "brand": (Brand, "name"),
    "store": (Store, "name"),
    "tag": (Tag, "name"),
    "promotion": (Promotion, "name"),
    "collection": (Collection, "title"),
}


@dataclass(frozen=True)
class Chip:
    """A condition that is set, and the address without it."""

    label: str
    url: str


@dataclass(frozen=True)
class FacetView:
    """A facet as a form control. `kind` is "many", "one", "range" or "switch"."""

    facet: Facet
    kind: str
    low: str = ""
    high: str = ""

    @property
    def chosen(self) -> bool:
        return bool(self.low or self.high or any(value.selected for value in self.facet.values))

    def divides(self, total: int) -> bool:
        """Whether setting it could leave fewer products than now, or it is set already."""
        if self.kind == "range":
            return self.chosen or self.facet.minimum != self.facet.maximum
        return self.chosen or any(value.count < total for value in self.facet.values)


@dataclass(frozen=True)
class PictureView:
    """A picture that is searched with, and the addresses without it and with all of it."""

    asked: AskedPicture
    url: str  # of the search without it
    whole_url: str
    card: Card | None = None  # of its product; None for an uploaded one

    @property
    def outline(self) -> str:
        """All of the picture but the region, as an SVG path in percent."""
        edges = {name: f"{value:g}" for name, value in self.asked.edges.items()}
        return "M0 0H100V100H0ZM{x} {y}h{width}v{height}h-{width}z".format(**edges)


@dataclass(frozen=True)
class Listing:
    asked: parameters.Asked
    result: SearchResult
    cards: list[Card]
    facets: list[FacetView]
    chips: list[Chip]
    pages: int
    said: Understood = field(default_factory=Understood)  # what the words were taken for
    urls: dict[str, str] = field(default_factory=dict)  # "next", "previous", "clear", "no_picture"
    explains: bool = False  # whether whoever asks may see why hits are where they are
    hidden: tuple[tuple[str, str], ...] = ()  # what the filter form must carry along
    pictures: list[PictureView] = field(default_factory=list)  # that are searched with
    others: tuple[tuple[str, str], ...] = ()  # of the address, besides pictures and page

    @property
    def picture_fields(self) -> list[tuple[str, str]]:
        """What a form needs to carry the pictures along."""
        return written(self.asked.pictures)

    @property
    def all_fields(self) -> list[tuple[str, str]]:
        """The whole search, for forms that change its pictures."""
        return [*self.others, *self.picture_fields]

    @property
    def room_for_pictures(self) -> bool:
        return len(self.pictures) < MOST_PICTURES

    @property
    def first(self) -> int:
        """The position of the first card among all hits, counted from 0."""
        return (self.asked.request.page - 1) * self.asked.request.page_size


def listing(request: HttpRequest, *, within: dict[str, Any] | None = None) -> Listing:
    """Read the address, search, and prepare what the page shows. A fixed number of database queries.

    Raises parameters.ParameterError, query_pictures.PictureGoneError, and what `search` raises.
    """
    within = within or {}
    params = request.GET
    asked = parameters.read(params, within=within)
    if asked.request.personal:
        asked = replace(asked, request=replace(asked.request, shopper=shopper_of(request)))
    explains = may_explain(request)
    if asked.request.explain and not explains:
        asked = replace(asked, request=replace(asked.request, explain=False))
    result = serve(request, asked.request, surface="page")
    likes = _likes(asked.request.skus)
    shown = [hit.product for hit in result.hits]
    cards = make_cards([*shown, *likes], explanations={hit.product.pk: lines(hit.explanation) for hit in result.hits})
    facets = [_facet_view(facet, params) for facet in result.facets if facet.name not in within]
    facets = [view for view in facets if view.divides(result.total)]
    pages = _pages(result.total, asked.request)
    page = asked.request.page
    return Listing(
        asked=asked,
        result=result,
        cards=cards[: len(shown)],
        facets=facets,
        chips=_chips(params, result.facets, within),
        said=understood_of(result.query, params),
        pages=pages,
        urls={
            "next": _url(params, page=str(page + 1)) if page < pages else "",
            "previous": _url(params, page=str(page - 1) if page > 2 else "") if page > 1 else "",
            "first": _url(params, page=""),
            "explain": _url(params, explain="" if "explain" in params else "1"),
            "clear": _only(params, "q", "picture", "image_of", "crop", "mode", "sort"),
            "no_picture": _url(params, picture="", image_of="", crop="", page=""),
        },
        explains=explains,
        hidden=_hidden(params, facets, result.total),
        pictures=_pictures(params, asked.pictures, {card.product.sku: card for card in cards[len(shown) :]}),
        others=tuple(
            (name, value)
            for name, values in params.lists()
            if name not in (*PARAMETERS, "page")
            for value in values
            if value
        ),
    )


def _likes(skus: tuple[str, ...]) -> list[Product]:
    """The products whose pictures are searched with, of those which shoppers may see."""
    return list(with_card_parts(published_products().filter(sku__in=skus))) if skus else []


def _pictures(params: QueryDict, pictures: tuple[AskedPicture, ...], cards: dict[str, Card]) -> list[PictureView]:
    def address(changed: Iterable[AskedPicture]) -> str:
        return _address(with_pictures(params, changed))

    return [
        PictureView(
            asked=picture,
            url=address(each for each in pictures if each != picture),
            whole_url=address(replace(each, crop=None) if each == picture else each for each in pictures),
            card=None if picture.uploaded else cards.get(picture.name),
        )
        for picture in pictures
    ]


def _pages(total: int, request: SearchRequest) -> int:
    """How many pages can be turned to; `search` ranks, and lists, only so many products."""
    asks = bool(request.q or request.not_q or request.pictured)
    return max(1, min(math.ceil(total / request.page_size), DEEPEST[asks] // request.page_size))


def _hidden(params: QueryDict, facets: list[FacetView], total: int) -> tuple[tuple[str, str], ...]:
    """What the address holds and the filter form has no control for: it travels along when a filter changes."""
    controls = {"page", "not", "mode", *(view.facet.name for view in facets)}
    if "price" in controls:
        controls |= {"price_min", "price_max"}
    if total:
        controls.add("sort")
    return tuple((name, value) for name in params if name not in controls for value in params.getlist(name) if value)


def _facet_view(facet: Facet, params: QueryDict) -> FacetView:
    if facet.name == "price":
        return FacetView(facet, "range", params.get("price_min", ""), params.get("price_max", ""))
    if facet.name == "in_stock":
        return FacetView(facet, "switch")
    return FacetView(facet, "one" if facet.name in _SINGLE else "many")


def _chips(params: QueryDict, facets: list[Facet], within: dict[str, Any]) -> list[Chip]:
    """One chip for each condition in the address, with the name that people know where the address has a slug."""
    known = {(facet.name, value.value): value.label for facet in facets for value in facet.values}
    chips = []
    for name in params:
        if name in within or not (name in _NAMED or name in (*_CHIP_LABELS, "in_stock") or _is_attribute(name)):
            continue
        values = [value for value in dict.fromkeys(params.getlist(name)) if value]
        missing = [value for value in values if (name, value) not in known]
        if name in _NAMED and missing:
            model, column = _NAMED[name]
            known.update(
                {
                    (name, slug): label
                    for slug, label in model.objects.filter(slug__in=missing).values_list("slug", column)
                }
            )
        for value in values:
            chips.append(Chip(_chip_label(name, value, known), _without(params, name, value)))
    return chips


def _chip_label(name: str, value: str, known: dict[tuple[str, str], str]) -> str:
    if name == "in_stock":
        return "In stock"
    if name in _CHIP_LABELS:
        return f"{_CHIP_LABELS[name]} {value}"
    label = known.get((name, value), value)
    if _is_attribute(name):
        return f"{name.removeprefix(parameters.ATTRIBUTE).replace('_', ' ').capitalize()}: {label}"
    return label


def _is_attribute(name: str) -> bool:
    return name.startswith(parameters.ATTRIBUTE)


def _address(params: QueryDict) -> str:
    return f"?{params.urlencode()}" if params else "?"


def _url(params: QueryDict, **changes: str) -> str:
    """The same address with some parameters set, or taken out where the new value is empty."""
    changed = params.copy()
    for name, value in changes.items():
        if value:
            changed[name] = value
        else:
            changed.pop(name, None)
    return _address(changed)


def _without(params: QueryDict, name: str, value: str) -> str:
    changed = params.copy()
    changed.pop("page", None)
    changed.setlist(name, [each for each in params.getlist(name) if each != value])
    return _address(changed)


def _only(params: QueryDict, *names: str) -> str:
    kept = QueryDict(mutable=True)
    for name in names:
        if params.get(name):
            kept.setlist(name, params.getlist(name))
    return _address(kept)
