"""What may be asked of the search, and what it answers. Pages, REST and commands all speak in these."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from PIL import Image

from catalog.models import Product
from search.query.configuration import Configuration
from search.query.crop import Crop

MOST_PICTURES = 4  # of one request
Mode = Literal["lexical", "semantic", "hybrid"]
Sort = Literal["relevance", "price", "-price", "-released", "title"]


@dataclass(frozen=True)
class Filters:
    """Conditions that every hit meets. Values within one field are alternatives; fields are combined."""

    category: str = ""  # slug; its whole subtree counts
    brand: tuple[str, ...] = ()  # slugs
    store: tuple[str, ...] = ()  # slugs
    tag: tuple[str, ...] = ()  # slugs
    price_min: float | None = None
    price_max: float | None = None
    in_stock: bool = False
    promotion: str = ""  # slug
    collection: str = ""  # slug
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)  # {"colour": ("red", "blue")}


@dataclass(frozen=True)
class SearchRequest:
    """Words, a picture, both, or neither (then it browses what the filters leave)."""

    q: str = ""
    not_q: str = ""  # words to stay away from
    image: Image.Image | tuple[Image.Image, ...] | None = None  # one or several, upright and in RGB
    image_of: str | tuple[str, ...] = ""  # the skus of one or several products whose pictures are the query
    crop: tuple[Crop | None, ...] = ()  # the regions of these pictures: of `image` first, then of `image_of`
    mode: Mode = "hybrid"
    filters: Filters = field(default_factory=Filters)
    facets: tuple[str, ...] | None = None  # None: those that fit the hits; (): none
    sort: Sort = "relevance"
    page: int = 1
    page_size: int = 24
    explain: bool = False
    shopper: Any = None  # whoever asks, as SEARCH_SHOPPER tells; None for a stranger
    personal: bool = True  # False: in the order that everybody gets
    rules: Any = None  # merchandising rules (compiled) in place of the saved ones, for a preview; None: the saved ones
    understand: bool = True  # False: all words are words, and none is corrected
    literal: tuple[str, ...] = ()  # phrases that are words like others, whatever they seem to say
    configuration: Configuration | None = None  # None: the search as the settings have it
    features: bool = False  # whether the result tells what the ranker saw

    @property
    def images(self) -> tuple[Image.Image, ...]:
        if self.image is None:
            return ()
        return self.image if isinstance(self.image, tuple) else (self.image,)

    @property
    def skus(self) -> tuple[str, ...]:
        """The products of `image_of`."""
        given = (self.image_of,) if isinstance(self.image_of, str) else self.image_of
        return tuple(sku for sku in given if sku)

    @property
    def pictured(self) -> bool:
        return bool(self.images or self.skus)

    def configured(self) -> "SearchRequest":
        """The same request, without what its configuration switches off as a whole."""
        if self.configuration is None:
            return self
        return replace(
            self,
            mode=self.mode if self.configuration.semantic else "lexical",
            personal=self.personal and self.configuration.personal,
            rules=self.rules if self.configuration.rules else (),
        )


@dataclass(frozen=True)
class Hit:
    product: Product  # with brand, store, category and pictures loaded
    score: float
    explanation: dict[str, Any] | None = (
        None  # {"text": {"score", "weight", "rank"}, "terms": …, "image": …, "exact": …}
    )


@dataclass(frozen=True)
class FacetValue:
    value: str  # what goes into the filter (a slug, or an attribute's value)
    label: str
    count: int
    selected: bool = False


@dataclass(frozen=True)
class Facet:
    name: str  # "category", "brand", "store", "price", "in_stock", "promotion", or "attributes.colour"
    label: str
    values: tuple[FacetValue, ...]
    minimum: float | None = None  # of a numeric facet
    maximum: float | None = None


@dataclass(frozen=True)
class SearchResult:
    hits: list[Hit]
    total: int
    facets: list[Facet]
    took_ms: float
    # What was understood of the request, echoed to the caller: mode used, exact code found, degraded parts and why.
    query: dict[str, Any]
    # What the ranker saw of each hit, for the log of searches (`search.log`); never told to whoever asked.
    features: dict[str, Any] | None = None
