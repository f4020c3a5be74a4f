"""What is wanted more than usual, measured by each product's own past."""

from collections.abc import Sequence

from catalog.models import Product
from recommend.serving.candidates import Pool
from recommend.serving.demand import RECENT
from recommend.serving.models import Demand
from recommend.serving.profile import profile_of
from recommend.serving.reasons import Told
from recommend.serving.serve import serve
from recommend.serving.shelf import Wish
from recommend.surfaces.base import Answer, Ask

LEAST_RISE = 2.0  # about standard deviations
FEWEST = 3  # times wanted lately
MOST = 300


def trending(ask: Ask) -> Answer:
    """The steepest rises, within a category or in the whole shop. Nothing where nothing rises."""
    profile, wish, pool = profile_of(ask), Wish.of(ask), Pool()
    rising = (
        Demand.objects.filter(rise__gte=LEAST_RISE, recent__gte=FEWEST, product__in=wish.rows().values("pk"))
        .order_by("-rise", "pk")
        .values_list("product_id", "rise", "recent", "expected")[:MOST]
    )
    for id, rise, recent, expected in rising:
        pool.add(id, rise, rise=round(rise, 3), recent=recent, expected=round(expected, 2), days=RECENT)

    def tell(products: Sequence[Product]) -> dict[int, Told]:
        return {product.pk: _rises(pool, product) for product in products}

    return serve(wish, profile, pool, tell)


def _rises(pool: Pool, product: Product) -> Told:
    parts = pool.parts[product.pk]
    times = parts["recent"] / parts["expected"]
    much = (
        f"{times:.0f} times as much as usual" if 2 <= times < 20 else "far more than usual" if times >= 20 else "more"
    )
    usual = f"{parts['recent']} times in {RECENT:.0f} days"
    return f"Wanted {much}: {usual}", dict(parts)
