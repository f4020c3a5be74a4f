"""Rules held against the catalogue: whom their targets stand for, and which pinned products may be shown."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from qdrant_client import models

from catalog import selectors
from catalog.models import Category, Product
from search.index.client import get_client
from search.merchandising.outcome import Members, Outcome, Target
from search.models.rules import RuleAction
from search.query.fusion import RANK_CONSTANT, Scored

if TYPE_CHECKING:
    from search.index.live import Live

MOST = 10_000  # products of one attribute's value that are hidden in a list


def steered(
    outcome: Outcome,
    found: Mapping[str, list[Scored]],
    live: "Live | None",
    pinnable: Mapping[str, Collection[int]],
) -> dict[str, list[Scored]]:
    """Apply an outcome to each variant of a search: the hits, and what the facets count.

    `pinnable` holds by variant the pinned products within the filters. At most six queries, whatever there is to do.
    """
    members = members_of(outcome.targets, {scored.id for variant in found.values() for scored in variant}, live)
    in_stock = buyable(outcome.pins)
    return {
        name: outcome.apply(ranked, members=members, pinnable=in_stock & set(pinnable.get(name, ())))
        for name, ranked in found.items()
    }


def buyable(ids: Iterable[int]) -> set[int]:
    """Those that are published and in stock."""
    ids = list(ids)
    if not ids:
        return set()
    found = selectors.published_products().filter(pk__in=ids).filter(selectors.buyable())
    return set(found.values_list("pk", flat=True))


def listed(outcome: Outcome, ids: Sequence[int], live: "Live | None", pinnable: Collection[int]) -> list[Scored]:
    """Apply an outcome to a list without scores. A place in it is worth what it is worth in a fused list."""
    ranked = [Scored(id, (RANK_CONSTANT + 1) / (RANK_CONSTANT + rank)) for rank, id in enumerate(ids, start=1)]
    return steered(outcome, {"": ranked}, live, {"": pinnable})[""]


def hidden(outcome: Outcome, live: "Live | None") -> set[int]:
    """All products that an outcome hides, found or not: for lists that are never read whole."""
    targets = [action.target for action in outcome.actions if action.kind == RuleAction.Kind.HIDE]
    members = members_of([target for target in targets if target.kind != "product"], None, live)
    return {target.id for target in targets if target.kind == "product"}.union(*members.values())


def members_of(targets: Collection[Target], ids: Collection[int] | None, live: "Live | None") -> Members:
    """Which of the products `ids` (None: of all) each target stands for.

    Attributes lie in the index: without it they stand for none.
    """
    if not targets or (ids is not None and not ids):
        return {}
    kinds = {target.kind for target in targets}
    products = Product.objects.order_by() if ids is None else Product.objects.filter(pk__in=ids).order_by()
    members: dict[Target, set[int]] = {target: set() for target in targets}
    if kinds & {"brand", "category"}:
        wanted = [target.id for target in targets if target.kind == "category"]
        paths = dict(Category.objects.filter(pk__in=wanted).values_list("pk", "path")) if wanted else {}
        brands = {target.id: target for target in targets if target.kind == "brand"}
        for pk, brand, path in products.values_list("pk", "brand_id", "category__path"):
            if brand in brands:
                members[brands[brand]].add(pk)
            for id, above in paths.items():
                if path and path.startswith(above):
                    members[Target("category", id)].add(pk)
    if "tag" in kinds:
        tags = {target.id: target for target in targets if target.kind == "tag"}
        for pk, tag in products.filter(tags__in=tags).values_list("pk", "tags"):
            if tag in tags:
                members[tags[tag]].add(pk)
    if live is not None:
        for target in targets:
            if target.kind == "attribute":
                members[target] = _with_attribute(live, *target.value, ids)
    return members


def _with_attribute(live: "Live", name: str, value: str, ids: Collection[int] | None) -> set[int]:
    from search.query.filters import attribute_keys, has_id

    keys = attribute_keys(name, [value])
    condition = models.FieldCondition(key="attribute_values", match=models.MatchAny(any=keys))
    points, _ = get_client().scroll(
        live.name,
        scroll_filter=models.Filter(must=[condition] if ids is None else [has_id(sorted(ids)), condition]),
        limit=MOST if ids is None else len(ids),
        with_payload=False,
        with_vectors=False,
    )
    return {int(point.id) for point in points}
