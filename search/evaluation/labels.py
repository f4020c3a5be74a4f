"""The demo shop asked in other languages: each picture's label as a query for the products made of that picture."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from catalog.demo import assortment
from catalog.demo import labels as demo
from catalog.demo.packages import PackageError, fetch
from catalog.models import Product
from search.evaluation.configurations import MODES, configured, skus
from search.evaluation.halves import Half, take
from search.evaluation.relevance import Watch
from search.evaluation.significance import interval

LANGUAGES = ("de", "fr", "ja", "zh")
K = 10


class LabelsError(Exception):
    """The demo shop or its labels are not there; the message says what is missing."""


def queries(packages: Path, languages: Sequence[str] = LANGUAGES) -> dict[str, dict[str, set[str]]]:
    """language -> label -> skus of the products that are made of a picture with this label, in this catalogue.

    Raises LabelsError. Fetches the packages where they are not there.
    """
    try:
        fetch(packages, lambda line: None)
        labelled = demo.read(packages, {item.label for item in assortment.items()})
    except PackageError as error:
        raise LabelsError(str(error)) from error
    by_code: dict[str, set[str]] = defaultdict(set)
    for sku in Product.objects.filter(status=Product.Status.PUBLISHED).values_list("sku", flat=True):
        brand, _, rest = sku.partition("-")
        codes = [each.code for each in labelled.values() if rest == each.code or rest.startswith(f"{each.code}-")]
        if brand and codes:
            by_code[max(codes, key=len)].add(sku)
    if not by_code:
        raise LabelsError("No product of the demo shop is in this catalogue.")
    found: dict[str, dict[str, set[str]]] = {language: defaultdict(set) for language in languages}
    for each in labelled.values():
        for language in languages:
            if (label := each.translations.get(language)) and each.code in by_code:
                found[language][label] |= by_code[each.code]
    return found


def carried(language: str, known: set[str]) -> bool:
    """Whether the catalogue has the language's text for any of these products."""
    rows = Product.objects.filter(sku__in=list(known)[:500]).values_list("translations", flat=True)
    return any(language in translations for translations in rows)


def evaluate(
    packages: Path,
    *,
    half: Half | None = None,
    configurations: Sequence[str] = MODES,
    languages: Sequence[str] = LANGUAGES,
    progress: Watch = iter,
    most: int | None = None,
) -> dict[str, Any]:
    """R@10 by language and configuration: the share of a label's products (of at most ten) among the first ten hits."""
    asks = {name: configured(name) for name in configurations}
    asked = queries(packages, languages)
    by_language: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    for language, of_language in asked.items():
        # A sample is drawn by digest: the first by letter share their beginnings, and what is said of things.
        texts = take(sorted(of_language, key=_digest), half, str)[:most]
        measured: dict[str, list[float]] = {name: [] for name in asks}
        for label in progress(texts):
            wanted = of_language[label]
            row: dict[str, Any] = {"query": label, "language": language, "products": len(wanted)}
            for name, ask in asks.items():
                row[name] = len(wanted.intersection(skus(ask, label, K))) / min(K, len(wanted))
                measured[name].append(row[name])
            rows.append(row)
        every = set().union(*(of_language[label] for label in texts)) if texts else set()
        by_language[language] = {
            "queries": len(texts),
            "in_catalogue": carried(language, every),
            "r@10": {name: _mean(values) for name, values in measured.items()},
            "r@10_interval": {
                name: [round(end, 4) for end in interval(values)] for name, values in measured.items()
            },
        }  # fmt: skip
    first = next(iter(asks))
    return {
        "queries": len(rows),
        "by_language": by_language,
        "per_query": sorted(rows, key=lambda row: (row[first], row["language"], row["query"])),
    }


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _mean(values: Iterable[float]) -> float:
    given = list(values)
    return round(fmean(given), 4) if given else 0.0
