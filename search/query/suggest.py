"""Completions while somebody types: queries, products and categories, from the database alone."""

from dataclasses import dataclass, field

from django.db.models import Case, Count, IntegerField, Q, Value, When

from catalog import selectors
from catalog.models import Brand, Category, Product

SHORTEST = 2
LONGEST = 100
MOST_QUERIES, MOST_PRODUCTS, MOST_CATEGORIES = 5, 6, 4
LOOKED_AT = 60  # titles from which queries are made


@dataclass(frozen=True)
class Suggestions:
    """What may be meant by the beginning of a query, best first."""

    queries: list[str] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)  # with pictures loaded
    categories: list[Category] = field(default_factory=list)
    brands: list[Brand] = field(default_factory=list)


def suggest(q: str) -> Suggestions:
    """Complete `q`; every word but the last is complete, the last may be the beginning of one."""
    typed = " ".join(q.split())[:LONGEST]
    if len(typed) < SHORTEST:
        return Suggestions()
    rows = list(_titles(typed)[:LOOKED_AT].values_list("pk", "title"))
    products = selectors.products_for_cards([pk for pk, _ in rows[:MOST_PRODUCTS]])
    categories = list(_named(Category, typed).annotate(number=_products())[:MOST_CATEGORIES])
    brands = list(_named(Brand, typed)[:MOST_CATEGORIES])
    return Suggestions(_queries(typed, [title for _, title in rows]), products, categories, brands)


def _titles(typed: str):
    found = selectors.published_products()
    for word in typed.split():
        found = found.filter(
            Q(title__istartswith=word) | Q(title__icontains=f" {word}") | Q(title__icontains=f"-{word}")
        )
    return _best_first(found, "title", typed)


def _named(model, typed: str):
    return _best_first(model.objects.filter(_a_word_starts("name", typed)), "name", typed)


def _a_word_starts(column: str, beginning: str) -> Q:
    return (
        Q(**{f"{column}__istartswith": beginning})
        | Q(**{f"{column}__icontains": f" {beginning}"})
        | Q(**{f"{column}__icontains": f"-{beginning}"})
    )


def _best_first(found, column: str, typed: str):
    starts = Case(
        When(**{f"{column}__istartswith": typed}, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    return found.annotate(starts=starts).order_by("starts", column, "pk")


def _products() -> Count:
    return Count("products", filter=Q(products__status=Product.Status.PUBLISHED))


def _queries(typed: str, titles: list[str]) -> list[str]:
    """The typed words, completed by the words that follow them in titles; the most frequent first."""
    counts: dict[str, int] = {}
    beginning = typed.casefold()
    for title in titles:
        lowered = title.casefold()
        at = lowered.find(beginning)
        while at > 0 and lowered[at - 1].isalnum():
            at = lowered.find(beginning, at + 1)
        if at < 0:
            continue
        rest = lowered[at + len(beginning) :]
        word, _, after = rest.partition(" ")
        completed = (beginning + word).strip(" ,.;:()[]\"'")
        for query in {completed, f"{completed} {after.split(' ')[0]}".strip(" ,.;:()[]\"'-")}:
            counts[query] = counts.get(query, 0) + 1
    ordered = sorted(counts, key=lambda query: (-counts[query], len(query), query))
    return [query for query in ordered if query != beginning][:MOST_QUERIES]
