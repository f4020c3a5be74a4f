"""How much of its quality the search keeps when a query has a typing error: one random edit, over several seeds."""

import random
import string
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from search.evaluation import ranking
from search.evaluation.configurations import DEFAULT, configured, skus
from search.evaluation.halves import Half, take
from search.evaluation.relevance import Judgments, Watch, usable
from search.evaluation.significance import ratio_interval

SEEDS = 3
LONG = 4  # letters and digits of a query, from which on one edit leaves most of it
KINDS = ("insert", "delete", "replace", "swap")  # the edits of Damerau (CACM 1964), most of all typing errors


def misspell(query: str, chance: random.Random) -> str:
    """The query with exactly one edit: a letter more, one less, another one, or two neighbours swapped.

    Kind and place are drawn evenly, first letters included, and a wrong letter is any letter: that is harder than what
    fingers do, which slip to the next key. Spaces stay, and so does a query without letters or digits.
    """
    places = [place for place, character in enumerate(query) if character.isalnum()]
    if not places:
        return query
    swaps = [place for place in places if query[place + 1 : place + 2].isalnum() and query[place] != query[place + 1]]
    kinds = [kind for kind in KINDS if (kind != "swap" or swaps) and (kind != "delete" or len(places) > 1)]
    kind, place = chance.choice(kinds), chance.choice(places)
    before, letter, after = query[:place], query[place], query[place + 1 :]
    if kind == "swap":
        place = chance.choice(swaps)
        return query[:place] + query[place + 1] + query[place] + query[place + 2 :]
    if kind == "delete":
        return before + after
    alphabet = string.digits if letter.isdigit() else string.ascii_lowercase
    if kind == "insert":
        return before + chance.choice(alphabet) + letter + after
    return before + chance.choice([other for other in alphabet if other != letter.lower()]) + after


def evaluate(
    judgments: Judgments,
    *,
    half: Half | None = None,
    seeds: int = SEEDS,
    configuration: str = DEFAULT,
    progress: Watch = iter,
) -> dict[str, Any]:
    """nDCG@10 of each judged query as it is and misspelt once for each seed, judged by the clean query's judgments."""
    ask = configured(configuration)
    rows: list[dict[str, Any]] = []
    for query in progress(take(usable(judgments), half, str)):
        typed = [misspell(query, random.Random(f"{seed}/{query}")) for seed in range(seeds)]  # noqa: S311 - reproducible
        found = [skus(ask, text, 10) for text in [query, *typed]]
        clean, *others = [ranking.ndcg(each, judgments[query], 10) for each in found]
        rows.append(
            {
                "query": query,
                "ndcg@10": round(clean, 4),
                "typed": [
                    {"query": text, "ndcg@10": round(score, 4), "hits": len(each)}
                    for text, score, each in zip(typed, others, found[1:], strict=True)
                ],
            }
        )
    return _figures(rows, seeds)


def _figures(rows: Sequence[dict[str, Any]], seeds: int) -> dict[str, Any]:
    clean = [row["ndcg@10"] for row in rows]
    each = [fmean(typed["ndcg@10"] for typed in row["typed"]) for row in rows]
    by_seed = [fmean(row["typed"][seed]["ndcg@10"] for row in rows) if rows else 0.0 for seed in range(seeds)]
    whole = fmean(clean) if clean else 0.0
    # One edit of "aa" leaves another word, which nothing tells from what was meant.
    long = [place for place, row in enumerate(rows) if sum(map(str.isalnum, row["query"])) >= LONG]
    whole_of_long = sum(clean[place] for place in long)
    return {
        "queries": len(rows),
        "ndcg@10_clean": round(whole, 4),
        "ndcg@10_typos": round(fmean(each), 4) if each else 0.0,
        "ndcg@10_by_seed": [round(value, 4) for value in by_seed],
        "ratio": round(fmean(each) / whole, 4) if whole else 0.0,
        "ratio_interval": [round(end, 4) for end in ratio_interval(each, clean)],
        "ratio_of_long": round(sum(each[place] for place in long) / whole_of_long, 4) if whole_of_long else 0.0,
        "without_hits": sum(not typed["hits"] for row in rows for typed in row["typed"]),
        "per_query": sorted(rows, key=lambda row: fmean(t["ndcg@10"] for t in row["typed"]) - row["ndcg@10"]),
    }
