"""Queries made of a catalogue's own attribute values ("black casual shoes"), and how many hits have what they ask for.

Relevance is derived from attributes, not judged by people: a hit is right if it has every value that was asked for.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from catalog.models import Product
from search.evaluation.configurations import DEFAULT, configured, skus
from search.evaluation.halves import Half, take
from search.evaluation.relevance import Watch
from search.evaluation.significance import interval

K = 10
LEAST_MATCHING = 10  # products that a query must have, so that all ten hits can be right
MOST_OF_A_FORM = 40
KIND, COLOUR, USAGE, GENDER = "product_type", "colour", "usage", "gender"
# What is said of a thing, in the order in which people say it.
FORMS = ((COLOUR, KIND), (COLOUR, GENDER, KIND), (COLOUR, USAGE, KIND), (USAGE, GENDER, KIND))
# Catalogues of clothes often say for whom only in the title.
GENDERS = {"men": "men", "mens": "men", "women": "women", "womens": "women", "boys": "boys", "girls": "girls"}


@dataclass(frozen=True)
class Query:
    text: str
    asked: tuple[tuple[str, str], ...]  # (attribute, value), lower case


def described() -> dict[str, dict[str, str]]:
    """The four attributes of each published product that a query may name, in lower case, by sku."""
    rows = Product.objects.filter(status=Product.Status.PUBLISHED).order_by("pk")
    found: dict[str, dict[str, str]] = {}
    for sku, title, attributes, category in rows.values_list("sku", "title", "attributes", "category__name"):
        known = {name: attributes.get(name) for name in (COLOUR, USAGE, GENDER)}
        known[KIND] = attributes.get(KIND) or attributes.get("type") or category
        if not isinstance(known[GENDER], str):
            said = {GENDERS[word] for word in re.findall(r"[a-z]+", title.lower()) if word in GENDERS}
            known[GENDER] = said.pop() if len(said) == 1 else None
        found[sku] = {name: value.lower().strip() for name, value in known.items() if isinstance(value, str) and value}
    return found


def make(products: dict[str, dict[str, str]], *, half: Half | None = None, seed: int = 7) -> list[Query]:
    """A seeded sample of what is asked for by kind with colour, for whom, and for what; the same in every run."""
    made: list[Query] = []
    for form in FORMS:
        counts = Counter(
            tuple((name, known[name]) for name in form)
            for known in products.values()
            if all(name in known for name in form)
        )
        fit = [
            Query(" ".join(value for _, value in asked), asked)
            for asked, count in sorted(counts.items())
            if count >= LEAST_MATCHING and not _says_twice([value for _, value in asked])
        ]
        chosen = take(fit, half, lambda query: query.text)
        random.Random(f"{seed}/{form}").shuffle(chosen)  # noqa: S311 - a seeded sample is the point
        made += chosen[:MOST_OF_A_FORM]
    return made


def _says_twice(values: Sequence[str]) -> bool:
    """ "casual casual shoes"."""
    counted = Counter(word for value in values for word in value.split())
    return counted.most_common(1)[0][1] > 1


def evaluate(
    *, half: Half | None = None, configuration: str = DEFAULT, progress: Watch = iter, seed: int = 7
) -> dict[str, Any]:
    """P@10 on the attributes asked for; a place without a hit counts as wrong."""
    products, ask = described(), configured(configuration)
    queries = {query.text: query for query in make(products, half=half, seed=seed)}
    rows = []
    for text in progress(list(queries)):
        asked = queries[text].asked
        found = skus(ask, text, K)
        right = [all(products.get(sku, {}).get(name) == value for name, value in asked) for sku in found]
        missed = Counter(
            name for sku in found for name, value in asked if products.get(sku, {}).get(name) != value
        )  # fmt: skip
        rows.append(
            {
                "query": text,
                "asked": [name for name, _ in asked],
                "p@10": sum(right) / K,
                "hits": len(found),
                "missed": dict(missed),
            }
        )
    return _figures(rows)


def _figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    by_form: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        by_form[" + ".join(row["asked"])].append(row["p@10"])
    return {
        "queries": len(rows),
        "p@10": _mean(row["p@10"] for row in rows),
        "p@10_interval": [round(end, 4) for end in interval([row["p@10"] for row in rows])],
        "by_form": {form: {"queries": len(values), "p@10": _mean(values)} for form, values in by_form.items()},
        "relevance": "derived from attributes, not judged by people",
        "per_query": sorted(rows, key=lambda row: (row["p@10"], row["query"])),
    }


def _mean(values: Iterable[float]) -> float:
    given = list(values)
    return round(fmean(given), 4) if given else 0.0
