"""What the phrases of a query may name, as the catalogue has taught it; `search.language.learning` writes the tables.

Nothing about particular brands, colours or kinds is written in code, so a shop of any trade teaches its own.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from search.models import FacetCoverage, Phrase
from search.terms import Word, is_unspaced, words

LONGEST = 4  # words of a phrase
ATTRIBUTE = "attributes."  # what stands before the name of an attribute's facet
LONGEST_UNSPACED = 10  # characters of a phrase in a script without spaces


@dataclass(frozen=True)
class Meaning:
    """One facet that a phrase names, with the values that its filter takes."""

    facet: str
    values: tuple[str, ...]
    label: str
    products: int
    trust: float


def stem_of(word: Word) -> str:
    """What a word is compared by: its stem, or itself in a script without spaces."""
    return word.surface if is_unspaced(word.surface) else word.terms[0]


def key_of(text: str, language: str) -> str:
    """The stems of a text's words, parted by spaces; "" for a text without words."""
    return " ".join(map(stem_of, words(text, language)))


def longest_first(stems: Sequence[str], known: Container[str]) -> list[tuple[int, int]]:
    """Where known phrases stand among stems, as (start, end), the longest first at each place and none overlapping.

    So "blue" is not found in "navy blue" where the catalogue knows both.
    """
    found = []
    place = 0
    while place < len(stems):
        for end in range(min(place + LONGEST, len(stems)), place, -1):
            if " ".join(stems[place:end]) in known:
                found.append((place, end))
                place = end
                break
        else:
            place += 1
    return found


def meanings(phrases: Iterable[str], languages: Sequence[str]) -> dict[str, dict[str, list[Meaning]]]:
    """What phrases may name: language -> key -> meanings. The keys are made with `key_of` in each language.

    `phrases` are keys already; one query for all of them.
    """
    found: dict[str, dict[str, list[Meaning]]] = {language: {} for language in languages}
    rows = Phrase.objects.filter(key__in=list(phrases), language__in=list(languages)).order_by("facet")
    for row in rows.iterator():
        meaning = Meaning(row.facet, tuple(row.values), row.label, row.products, row.trust)
        found[row.language].setdefault(row.key, []).append(meaning)
    return found


def coverage(facets: Iterable[str], categories: Sequence[str]) -> dict[str, float]:
    """The share of products that have each facet: in the whole catalogue, or the best of `categories` where higher."""
    rows = FacetCoverage.objects.filter(facet__in=list(facets), category__in=["", *categories])
    shares: dict[str, float] = {}
    for facet, share in rows.values_list("facet", "share"):
        shares[facet] = max(share, shares.get(facet, 0.0))
    return shares
