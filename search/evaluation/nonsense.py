"""What the search does with what no shop sells: gibberish, and queries about something else, must find nothing and be
told so.

Beside it stands the share of real queries that find something, because a search that finds nothing has no noise either.
"""

import random
import string
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catalog.models import Category, Product
from search.evaluation.configurations import DEFAULT, Ask, configured
from search.evaluation.halves import Half, take
from search.evaluation.relevance import Judgments, Watch, usable
from search.terms import words

COUNT = 100  # of each kind
MOST_REAL = 200
K = 10
OFF_TOPIC = Path(__file__).with_name("material") / "off_topic.txt"
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
ONSETS = ("b", "br", "d", "f", "fl", "g", "gr", "j", "k", "kl", "l", "m", "n", "p", "pr", "r", "s", "sk", "t", "v", "z")
VOWELS = ("a", "e", "i", "o", "u", "oo", "ai")
CODAS = ("", "b", "g", "k", "lt", "m", "n", "nt", "p", "rk", "sh", "x")


def letters(chance: random.Random) -> str:
    """Random letters: "xkqjvhtz"."""
    return "".join(chance.choices(string.ascii_lowercase, k=chance.randint(6, 12)))


def mash(chance: random.Random) -> str:
    """A hand on one row of the keyboard: "sdfjkhgf"."""
    row = chance.choice(ROWS)
    return "".join(chance.choices(row, k=chance.randint(6, 12)))


def syllables(chance: random.Random) -> str:
    """Words that could be said and are none: "fluk zaimont"."""

    def word() -> str:
        return "".join(
            chance.choice(ONSETS) + chance.choice(VOWELS) + chance.choice(CODAS) for _ in range(chance.randint(2, 3))
        )

    return " ".join(word() for _ in range(chance.randint(1, 2)))


def gibberish(known: set[str], count: int = COUNT, seed: int = 7) -> list[str]:
    """A third of each kind; what happens to be a word of the catalogue (`known`) is drawn again."""
    chance = random.Random(f"{seed}/gibberish")  # noqa: S311 - the same queries in every run
    made: dict[str, None] = {}
    while len(made) < count:
        text = (letters, mash, syllables)[len(made) % 3](chance)
        if not known.intersection(text.split()):
            made[text] = None
    return list(made)


def off_topic() -> list[str]:
    """Real language about what neither the demo shop nor a shop of electronics or fashion sells."""
    return [line.strip() for line in OFF_TOPIC.read_text(encoding="utf-8").splitlines() if line.strip()]


def real(judgments: Judgments | None, seed: int = 7) -> list[str]:
    """The judged queries with a relevant product; without judgments, names of categories and beginnings of titles."""
    if judgments is not None:
        return usable(judgments)
    published = Product.objects.filter(status=Product.Status.PUBLISHED)
    titles = sorted({" ".join(title.split()[:4]) for title in published.values_list("title", flat=True)})
    names = sorted(set(Category.objects.filter(products__in=published).values_list("name", flat=True)))
    chance = random.Random(f"{seed}/real")  # noqa: S311 - a seeded sample
    return names[: MOST_REAL // 2] + chance.sample(titles, min(len(titles), MOST_REAL - len(names[: MOST_REAL // 2])))


def evaluate(
    judgments: Judgments | None = None,
    *,
    half: Half | None = None,
    configuration: str = DEFAULT,
    progress: Watch = iter,
) -> dict[str, Any]:
    """The share of each kind that finds nothing and is told why, and of real queries that find something."""
    ask = configured(configuration)
    known = _vocabulary()
    sets = {"gibberish": gibberish(known), "off_topic": off_topic(), "real": real(judgments)}
    told: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    for name, queries in sets.items():
        chosen = take(queries, half, str)
        of_set = [_asked(ask, name, query) for query in progress(chosen)]
        told[name] = _share(of_set, found=name == "real")
        rows += of_set
    wrong = [row for row in rows if (row["hits"] == 0) == (row["set"] == "real") or not (row["hits"] or row["message"])]
    return {**told, "queries": len(rows), "per_query": wrong}


def _asked(ask: Ask, name: str, query: str) -> dict[str, Any]:
    result = ask(query, K)
    return {
        "query": query,
        "set": name,
        "hits": result.total,
        "message": str(result.query.get("message", "")),
        "first": [hit.product.title for hit in result.hits[:3]],
    }


def _share(rows: Sequence[dict[str, Any]], *, found: bool) -> dict[str, Any]:
    right = sum(bool(row["hits"]) if found else not row["hits"] and bool(row["message"]) for row in rows)
    name = "find_something" if found else "nothing_with_explanation"
    return {"queries": len(rows), name: round(right / len(rows), 4) if rows else 0.0}


def _vocabulary() -> set[str]:
    counts: Counter[str] = Counter()
    for title in Product.objects.values_list("title", flat=True).iterator():
        counts.update(word.surface for word in words(title, "en"))
    return set(counts)
