"""The seam of the surfaces: places in a shop that recommend something, each by a rule of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from catalog.models import Product


@dataclass(frozen=True)
class Recommendation:
    """A product with its score on this surface's own scale, and why it is shown, in words that are true of it."""

    product: Product  # with brand, store, category and pictures loaded
    score: float
    reason: str


# From the product that is looked at and the number wanted to what is recommended, best first.
ProductSurface = Callable[[Product, int], list[Recommendation]]
