"""Synonyms that the logs suggest: queries that shoppers put in each other's place, or that lead to the same products.

Two kinds of evidence, each counted over different people or products, so that nobody alone can suggest anything:

- a visitor searched for the one, clicked on nothing, and within minutes for the other;
- both led to clicks on the same products.

Lift is how many times as often they meet as they would by chance (Brin, Motwani and Silverstein, SIGMOD 1997).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from search.language.synonyms import LONGEST_PHRASE, key_of, phrases
from search.log.clicks import clicks_since
from search.models import LoggedSearch, Synonym, SynonymSuggestion
from search.terms import words

DAYS = 90  # of the logs
REFORMULATED_WITHIN = timedelta(minutes=5)
LEAST_SUPPORT = 3  # different visitors, or different products
LEAST_LIFT = 3.0
LEAST_CLICKS = 2  # visitors who clicked on a product after a query, before it counts
MOST_QUERIES = 40  # of one product: what leads everywhere says nothing
MOST_ROWS = 500_000
MOST_SUGGESTED = 200  # open ones

Pair = tuple[str, str]


@dataclass(frozen=True)
class Evidence:
    support: int
    lift: float


def suggest(days: int = DAYS) -> int:
    """Read the logs of the last days and keep what they suggest; returns how many are new.

    What somebody accepted or dismissed stays as it is, and what is a synonym already is not suggested.
    """
    since = timezone.now() - timedelta(days=days)
    clicks = [
        (click.query, click.product_id, click.visitor, click.happened_at)
        for click, _ in zip(clicks_since(since), range(MOST_ROWS), strict=False)
        if click.query
    ]
    searches = (
        LoggedSearch.objects.filter(happened_at__gte=since, visitor__isnull=False, narrowed=False, page=1)
        .exclude(normalised="")
        .order_by("visitor", "happened_at")
        .values_list("visitor", "normalised", "happened_at")[:MOST_ROWS]
    )
    clicked = {(visitor, query) for query, _, visitor, _ in clicks if visitor}
    found = {
        SynonymSuggestion.Source.REFORMULATED: reformulated(searches.iterator(chunk_size=5000), clicked),
        SynonymSuggestion.Source.CLICKS: clicked_alike(
            (query, product, visitor) for query, product, visitor, _ in clicks if visitor
        ),
    }
    return _keep(found)


def reformulated(searches: Iterable[tuple[Any, str, Any]], clicked: set[tuple[Any, str]]) -> dict[Pair, Evidence]:
    """Pairs of phrases that visitors put in each other's place.

    `searches` are (visitor, query, time), by visitor and time; `clicked` holds the (visitor, query) that led to a
    click: whoever found something looks for something else next.
    """
    visitors: defaultdict[Pair, set[Any]] = defaultdict(set)
    of_query: defaultdict[str, set[Any]] = defaultdict(set)
    everybody: set[Any] = set()
    last: tuple[Any, str, Any] | None = None
    for visitor, query, at in searches:
        everybody.add(visitor)
        of_query[query].add(visitor)
        if (
            last is not None
            and last[0] == visitor
            and last[1] != query
            and at - last[2] <= REFORMULATED_WITHIN
            and (visitor, last[1]) not in clicked
        ):
            visitors[_ordered(last[1], query)].add(visitor)
        last = (visitor, query, at)
    counted = {
        pair: Evidence(len(who), len(who) * len(everybody) / (len(of_query[pair[0]]) * len(of_query[pair[1]])))
        for pair, who in visitors.items()
    }
    return _phrases(counted)


def clicked_alike(clicks: Iterable[tuple[str, int, Any]]) -> dict[Pair, Evidence]:
    """Pairs of phrases whose queries led to clicks on the same products. `clicks` are (query, product id, visitor).

    A query of fewer than LEAST_SUPPORT visitors is left out: it may hold a name.
    """
    who: defaultdict[tuple[str, int], set[Any]] = defaultdict(set)
    of_query: defaultdict[str, set[Any]] = defaultdict(set)
    for query, product, visitor in clicks:
        who[query, product].add(visitor)
        of_query[query].add(visitor)
    products: defaultdict[str, set[int]] = defaultdict(set)
    queries: defaultdict[int, set[str]] = defaultdict(set)
    for (query, product), visitors in who.items():
        if len(visitors) >= LEAST_CLICKS and len(of_query[query]) >= LEAST_SUPPORT:
            products[query].add(product)
            queries[product].add(query)
    both: Counter[Pair] = Counter()
    for found_by in queries.values():
        if len(found_by) <= MOST_QUERIES:
            both.update(_ordered(*pair) for pair in combinations(sorted(found_by), 2))
    counted = {
        pair: Evidence(number, number * len(queries) / (len(products[pair[0]]) * len(products[pair[1]])))
        for pair, number in both.items()
    }
    return _phrases(counted)


def _phrases(pairs: dict[Pair, Evidence]) -> dict[Pair, Evidence]:
    """From pairs of queries to what differs between them: "grey sofa" and "gray sofa" say that "grey" is "gray"."""
    found: dict[Pair, Evidence] = {}
    for (first, second), evidence in pairs.items():
        if evidence.support < LEAST_SUPPORT or evidence.lift < LEAST_LIFT:
            continue
        differing = _difference(first, second)
        if differing and (differing not in found or found[differing].support < evidence.support):
            found[differing] = evidence
    return found


def _difference(first: str, second: str) -> Pair | None:
    """What is left of each without what they begin and end with alike.

    None where the one only adds words to the other, or where they are forms of one word.
    """
    a, b = ([word.surface for word in words(each, settings.LANGUAGE_CODE)] for each in (first, second))
    while a and b and a[0] == b[0]:
        a, b = a[1:], b[1:]
    while a and b and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    if not a or not b or max(len(a), len(b)) > LONGEST_PHRASE:
        return None
    one, other = " ".join(a)[:100], " ".join(b)[:100]
    if key_of(one, settings.LANGUAGE_CODE) == key_of(other, settings.LANGUAGE_CODE) or set(a) & set(b):
        return None
    return _ordered(one, other)


def _ordered(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def _known() -> set[Pair]:
    """Pairs that are synonyms already, enabled or not: somebody decided on them."""
    return {pair for row in Synonym.objects.only("words", "also") for pair in _pairs_of(row)}


def _pairs_of(row: Synonym) -> Iterator[Pair]:
    everything = [*phrases(row.words), *phrases(row.also)]
    yield from (_ordered(*pair) for pair in combinations(everything, 2))


@transaction.atomic
def _keep(found: dict[SynonymSuggestion.Source, dict[Pair, Evidence]]) -> int:
    known = _known()
    rows = {(row.first, row.second, row.source): row for row in SynonymSuggestion.objects.select_for_update()}
    ranked = sorted(
        (
            (pair, source, evidence)
            for source, pairs in found.items()
            for pair, evidence in pairs.items()
            if pair not in known
        ),
        key=lambda each: (-each[2].support, -each[2].lift, each[0]),
    )[:MOST_SUGGESTED]
    new = 0
    for pair, source, evidence in ranked:
        row = rows.get((*pair, source))
        if row is None:
            row = SynonymSuggestion(first=pair[0], second=pair[1], source=source)
            new += 1
        row.support, row.lift, row.found_at = evidence.support, round(evidence.lift, 2), timezone.now()
        row.save()
    return new


@transaction.atomic
def accept(suggestion: SynonymSuggestion, author: Any = None) -> Synonym:
    """Make a two-way synonym of it, and of every other open suggestion of the same pair."""
    synonym = Synonym.objects.create(
        words=f"{suggestion.first}, {suggestion.second}",
        author=author,
        note=f"Suggested by the logs: {suggestion.evidence}",
    )
    same = SynonymSuggestion.objects.filter(first=suggestion.first, second=suggestion.second)
    same.update(state=SynonymSuggestion.State.ACCEPTED, synonym=synonym)
    return synonym


def dismiss(suggestion: SynonymSuggestion) -> None:
    """Never suggest the pair again."""
    same = SynonymSuggestion.objects.filter(first=suggestion.first, second=suggestion.second)
    same.update(state=SynonymSuggestion.State.DISMISSED)
