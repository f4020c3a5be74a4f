"""The seam of the surfaces: places in a shop that recommend something, each by a rule of its own."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from catalog.models import Brand, Category, Product, Promotion, Store
from recommend import metrics
from recommend.events.models import Shopper
from search.index.client import within
from search.index.errors import VectorStoreError
from search.query.request import Filters

log = logging.getLogger(__name__)

Kind = Literal["product", "store", "brand", "promotion"]
DEEPEST = 480  # hits of one surface that can be scrolled or paged to


@dataclass(frozen=True)
class Ask:
    """What a surface is asked for, and by whom. A stranger is `shopper=None`."""

    shopper: Shopper | None
    product: Product | None = None  # the one looked at, with category and brand loaded
    products: tuple[Product, ...] = ()  # those in the cart, with category and brand loaded
    category: Category | None = None  # only what is in its subtree
    limit: int = 12
    offset: int = 0
    exclude: frozenset[int] = frozenset()  # product ids that the page shows already
    reasons: bool = True  # without them, a caller that shows none saves their cost
    q: str = ""  # the words searched for, where the surface stands beside a search
    filters: Filters = field(default_factory=Filters)
    personal: bool = True  # False: as a stranger is answered, though what was hidden stays hidden
    at: datetime = field(default_factory=timezone.now)

    @property
    def anchors(self) -> tuple[Product, ...]:
        """The products that the surface starts from: the one looked at, then the cart."""
        first = (self.product,) if self.product else ()
        return first + tuple(each for each in self.products if each not in first)


@dataclass(frozen=True)
class Recommendation:
    """A product (or a store, brand or promotion with its `products`), its score on this surface's own scale, and why.

    `reason` is a sentence for the shopper that is true of this hit; `why` has the parts that it was computed from, as
    JSON. A sponsored hit has `placement`, the key that its click or view is charged by, and is always labelled;
    `by_view` says that it is to be reported once it was seen.
    """

    product: Product | None  # with brand, store, category and pictures loaded
    score: float
    reason: str = ""
    why: dict[str, Any] = field(default_factory=dict)
    store: Store | None = None
    brand: Brand | None = None
    promotion: Promotion | None = None
    products: tuple["Recommendation", ...] = ()  # those that made the case for a store, brand or promotion
    placement: UUID | None = None
    by_view: bool = False

    @property
    def subject(self) -> Product | Store | Brand | Promotion:
        """What is recommended."""
        found = self.product or self.store or self.brand or self.promotion
        if found is None:
            raise ValueError("A recommendation of nothing.")
        return found

    @property
    def sponsored(self) -> bool:
        return self.placement is not None


@dataclass(frozen=True)
class Answer:
    """Hits, best first, whether asking with a larger offset would give more, and what had to be done without."""

    hits: list[Recommendation]
    more: bool = False
    degraded: tuple[str, ...] = ()  # sentences


@dataclass(frozen=True)
class Surface:
    """A place that recommends. Call it with an Ask.

    Where the index is away and the rule cannot do without it, `instead` answers, or nothing does; the answer says so.
    """

    name: str
    title: str  # above the row, where the page has no better one
    rule: str  # dotted path of a function from Ask to Answer; imported when it is first called
    hits: Kind = "product"
    needs_product: bool = False  # an Ask without a product (or products) is answered with nothing
    instead: str = ""  # dotted path of a rule that needs no index

    def __call__(self, ask: Ask) -> Answer:
        if self.needs_product and not ask.anchors:
            return Answer([])
        with metrics.answering(self.name, ask.limit) as told:
            answer = self._answer(ask)
            told(len(answer.hits))
        return answer

    def _answer(self, ask: Ask) -> Answer:
        try:
            with within(settings.QDRANT_SHOPPER_SECONDS):
                answer: Answer = import_string(self.rule)(ask)
            return answer
        except VectorStoreError as error:
            log.warning("%s has to do without the index: %s", self.name, error)
            found: Answer = import_string(self.instead)(ask) if self.instead else Answer([])
            return replace(found, degraded=("The index of products does not answer at the moment.",))
