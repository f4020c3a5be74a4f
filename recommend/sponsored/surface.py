"""The surface of sponsored products: relevant first, then by auction, and always labelled."""

from django.db.models import Q

from catalog.models import Product
from catalog.selectors import products_for_cards
from recommend.events.history import Past
from recommend.serving.profile import profile_of
from recommend.sponsored.auction import Placed, place
from recommend.sponsored.candidates import Runner, running
from recommend.sponsored.relevance import Relevant, relevant_to
from recommend.surfaces.base import Answer, Ask, Recommendation
from search.index.errors import IndexMissing
from search.query import SearchUnavailable
from search.query.filters import resolve

SURFACE = "sponsored"
LABEL = "Sponsored"


def sponsored(ask: Ask) -> Answer:
    """Hold an auction for the places that are asked for, and write down what was placed.

    An answer is shown once: what it holds counts as shown to the shopper and may be charged. So there is no second
    page; a page that goes on asks anew, with what it shows in `exclude`. A fixed number of queries, whatever campaigns
    there are. Nothing where nothing was ever indexed. Raises VectorStoreError, and SearchUnavailable where words are
    asked for.
    """
    if ask.offset or ask.limit < 1:
        return Answer([])
    runners = running(_within(ask), at=ask.at)
    if not runners:
        return Answer([])
    profile = profile_of(ask)
    runners = _allowed(ask, profile.past, runners)
    try:
        relevant = relevant_to(ask, profile, {each.product_id for each in runners}) if runners else {}
    except (IndexMissing, SearchUnavailable) as error:
        if isinstance(error.__cause__ or error, IndexMissing):
            return Answer([])
        raise
    scores = {id: each.score for id, each in relevant.items()}
    placed = place(ask.shopper, runners, scores, ask.limit, _place_of(ask), at=ask.at)
    products = {product.pk: product for product in products_for_cards([each.product_id for each in placed])}
    hits = [
        _hit(products[each.product_id], each, relevant[each.product_id])
        for each in placed
        if each.product_id in products  # or it was taken out of the shop this very moment
    ]
    return Answer(hits)


def _within(ask: Ask) -> Q | None:
    """What the page is narrowed to. A search narrows by itself, in the index, attributes included."""
    if ask.category is None:
        return None if ask.q.strip() else resolve(ask.filters).filter_rows() or None
    return Q(category__path__startswith=ask.category.path) & resolve(ask.filters).filter_rows()


def _allowed(ask: Ask, past: Past, runners: list[Runner]) -> list[Runner]:
    """Not what the page shows already, what the shopper does not want, nor another colour of what is looked at."""
    refused = ask.exclude | past.rejected | {product.pk for product in ask.anchors}
    families = {product.family for product in ask.anchors} - {""}
    return [each for each in runners if each.product_id not in refused and each.family not in families]


def _place_of(ask: Ask) -> str:
    """Where the shopper sees it, for the campaign's report."""
    if ask.q.strip():
        return "search"
    if ask.product is not None:
        return "product"
    if ask.products:
        return "cart"
    return "category" if ask.category is not None else "home"


def _hit(product: Product, placed: Placed, relevant: Relevant) -> Recommendation:
    payer = product.store.name if product.store else ""
    return Recommendation(
        product,
        round(placed.relevance, 6),
        f"{LABEL} by {payer}: {relevant.because}",
        {
            "label": LABEL,
            "paid_by": payer,
            "relevance": round(placed.relevance, 6),
            "by": relevant.by,
        },
        placement=placed.placement_key,
        by_view=placed.by_view,
    )
