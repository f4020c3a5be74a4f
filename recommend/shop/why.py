"""The parts that made a recommendation, in words: what "Why this?" opens.

A surface gives the parts as it computed them (`Recommendation.why`); here each gets a name that people know, and a sku
becomes the title that they have seen. Nothing is added and nothing is rounded into something else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.models import Product
from recommend.surfaces import Recommendation

Titles = Mapping[str, str]  # sku -> title
MOST_NAMED = 3


@dataclass(frozen=True)
class Part:
    label: str
    text: str


def titles_of(hits: Iterable[Recommendation]) -> dict[str, str]:
    """Sku -> title of every product that the parts of these hits name. One query, and none where they name none."""
    skus = {sku for hit in hits for name, value in hit.why.items() for sku in _skus(name, value)}
    return dict(Product.objects.filter(sku__in=skus).values_list("sku", "title")) if skus else {}


def parts_of(hit: Recommendation, titles: Titles) -> list[Part]:
    """The parts in the order in which the surface gives them; one that says nothing to a shopper is left out."""
    parts = []
    rises = "recent" in hit.why and "expected" in hit.why
    for name, value in hit.why.items():
        if rises and name == "days":  # over which the demand was counted
            continue
        label, words = _WORDS.get(name, (_plain(name), _any))
        if label and (text := words(value, titles)):
            parts.append(Part(label, text))
    if rises:
        parts.append(Part("Wanted", _demand(hit.why)))
    return parts


def _shares(value: Mapping[str, Any], titles: Titles) -> str:
    """Which products of the history, and each one's share of what they add together."""
    weights = {sku: float(weight) for sku, weight in value.items() if isinstance(weight, int | float)}
    whole = sum(weights.values())
    if whole <= 0:
        return ""
    strongest = sorted(weights, key=lambda sku: -weights[sku])[:MOST_NAMED]
    return ", ".join(f"{titles.get(sku, sku)} ({weights[sku] / whole:.0%})" for sku in strongest)


def _together(things: str) -> Callable[[Mapping[str, Any], Titles], str]:
    """How often two things were met together, of how often the first was met at all."""

    def words(value: Mapping[str, Any], titles: Titles) -> str:
        said = []
        for sku, figures in list(value.items())[:MOST_NAMED]:
            counted = ""
            if isinstance(figures, Mapping) and "together" in figures and "alone" in figures:
                counted = f" ({figures['together']} of {figures['alone']} {things})"
            said.append(f"{titles.get(sku, sku)}{counted}")
        return ", ".join(said)

    return words


def _title(value: Any, titles: Titles) -> str:
    return titles.get(str(value), str(value))


def _titles(value: Iterable[Any], titles: Titles) -> str:
    return ", ".join(titles.get(str(each), str(each)) for each in list(value)[:MOST_NAMED])


def _percent(value: Any, titles: Titles) -> str:
    return f"{float(value):.0%}"


def _number(value: Any, titles: Titles) -> str:
    return f"{float(value):.3g}"


def _things(value: Any, titles: Titles) -> str:
    return f"{value} thing{'' if value == 1 else 's'} in your history"


def _days(value: Any, titles: Titles) -> str:
    return f"{value} day{'' if value == 1 else 's'}"


def _categories(value: Mapping[str, Any], titles: Titles) -> str:
    counted = f" ({value['together']} of {value['alone']} shoppers)" if "together" in value and "alone" in value else ""
    return f"{value.get('from', '')}{counted}"


def _compared(value: Any, titles: Titles) -> str:
    return " and ".join(_COMPARED.get(str(each), str(each)) for each in ([value] if isinstance(value, str) else value))


def _demand(why: Mapping[str, Any]) -> str:
    days = f" in {float(why['days']):.0f} days" if "days" in why else ""
    return f"{why['recent']} times{days}, where {float(why['expected']):.3g} were to be expected"


def _any(value: Any, titles: Titles) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(value, titles)
    if isinstance(value, Mapping):
        return ", ".join(
            f"{titles.get(str(name), _plain(str(name)))} {_any(each, titles)}" for name, each in value.items()
        )
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_any(each, titles) for each in value)
    return "" if value is None else str(value)


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()


_COMPARED = {
    "text": "their words", "image": "their pictures", "search": "what you searched for", "product": "the product here",
    "history": "what you looked at", "taste": "your taste", "category": "this department",
}  # fmt: skip
# Name of a part -> label, and what turns its value into words. No label: it is told with another, or is the sentence.
_WORDS: dict[str, tuple[str, Callable[[Any, Titles], str]]] = {
    "neighbours": ("Others who had these took it next", _shares),
    "left_out": ("It would stand lower without", _shares),
    "content": ("It is much like", _shares),
    "basket": ("In one basket with", _together("baskets")),
    "crossing": ("Others came to it from", _together("shoppers")),
    "alike": ("Others came to it from", _together("shoppers")),
    "categories": ("Others came here from", _categories),
    "near": ("Starting from", _title),
    "latest": ("Starting from", _title),
    "by": ("Compared by", _compared),
    "model": ("Score for your history", _number),
    "vector": ("Nearness to your taste", _number),
    "popularity": ("Popularity lately", _number),
    "relevance": ("How well it fits", _percent),
    "rise": ("Steepness of the rise", _number),
    "brand": ("Of this brand", _things),
    "category": ("Of this kind", _things),
    "draw": ("Chance, so that new things are seen", _percent),
    "visited": ("You looked at", lambda value, titles: f"{value} of its products" if value else ""),
    "products": ("For the sake of", _titles),
    "seen": ("You looked at", _titles),
    "saves": ("You save", _percent),
    "paid_by": ("Paid for by", _title),
    "recent": ("", _any), "expected": ("", _any), "offer": ("", _any), "label": ("", _any),
    "days": ("In the shop for", _days),
    "newest": ("Place among the newest", lambda rank, titles: str(int(rank) + 1)),
    "new": ("New", lambda value, titles: "what others took says nothing of it yet" if value else ""),
}  # fmt: skip
_NAMING = {"neighbours", "left_out", "content", "basket", "crossing", "alike", "near", "latest", "products", "seen"}


def _skus(name: str, value: Any) -> list[str]:
    if name not in _NAMING:
        return []
    if isinstance(value, str):
        return [value]
    return [str(each) for each in value] if isinstance(value, Iterable) else []
