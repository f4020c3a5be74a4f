"""What kind of thing a picture shows, as a preference where words stand beside it.

"The same in blue" asks for another colour, not for another thing; a word alone pulls the composed vector towards
whatever is blue. So the kind is held on to: the category of the product whose picture it is, or else, as relevance
feedback does (Rocchio 1971), the categories of what looks most like the picture alone. It is a share of each category
and adds to the score; it takes nothing away. Where the words themselves name a kind ("like this, but a chair"), the
picture's does not count.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from catalog.models import Product
from search.index.client import get_client
from search.index.live import Live
from search.index.schema import IMAGE, TERMS
from search.query.fusion import WEIGHTS_WITH_PICTURE
from search.query.pictured import Pictured
from search.query.retrieve import ALL, Ranked

KIND = "kind"
WEIGHT = 0.5  # beside that of the picture and of the words
WEIGHTS = {**WEIGHTS_WITH_PICTURE, KIND: WEIGHT}
NEIGHBOURS = 10
# The best hits of the words alone: where so much of them is one category, and not the picture's, that is asked for.
NAMED_BY, NAMED_SHARE = 30, 0.8

Kinds = dict[int, float]  # category id -> share of the evidence, all together at most 1


def kinds_of(live: Live, pictures: Pictured) -> Kinds:
    """The categories of the products whose pictures were named, and those that uploaded pictures look like.

    Raises VectorStoreError.
    """
    if pictures.known:
        found: Counter[int | None] = Counter(product.category_id for product in pictures.likes)
    else:
        answer = get_client().query_points(
            live.name, query=pictures.alone.tolist(), using=IMAGE, limit=NEIGHBOURS, with_payload=False
        )
        categories = _categories(int(point.id) for point in answer.points)
        found = Counter(categories.values())
    total = sum(found.values())
    return {category: count / total for category, count in found.items() if category is not None}


def prefer(lists: Mapping[str, dict[str, Ranked]], kinds: Kinds) -> None:
    """Add a ranked list `kind` to each variant: what was retrieved, with its category's share as its score."""
    ids = {id for parts in lists.values() for ranked in parts.values() for id, _ in ranked}
    categories = _categories(ids)
    if _named(lists[ALL].get(TERMS, []), categories) - kinds.keys():
        return
    for parts in lists.values():
        there = {id for ranked in parts.values() for id, _ in ranked}
        shares = [(id, kinds.get(categories.get(id) or 0, 0.0)) for id in there]
        parts[KIND] = sorted(((id, share) for id, share in shares if share), key=lambda pair: (-pair[1], pair[0]))


def _named(by_words: Ranked, categories: Mapping[int, int | None]) -> set[int]:
    """The category that the words name, if they name one."""
    if not by_words:
        return set()
    best = by_words[0][1]
    hits = [id for id, score in by_words[:NAMED_BY] if score >= 0.5 * best]
    category, count = Counter(categories.get(id) for id in hits).most_common(1)[0]
    return {category} if category is not None and len(hits) > 2 and count >= NAMED_SHARE * len(hits) else set()


def _categories(ids: Iterable[int]) -> dict[int, int | None]:
    return dict(Product.objects.filter(pk__in=list(ids)).values_list("pk", "category_id"))
