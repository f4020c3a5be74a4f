"""No regular expression that sees input takes more than a moment for a text that was made to keep it busy.

Every pattern of the three apps is found by looking into their modules, so that a new one is tested without being named.
It is held to processor time, by a timer of the process: `re` looks for signals while it searches.
"""

import importlib
import pkgutil
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import pytest

import catalog
import recommend
import search
from catalog.text import clean_html, clean_text

LENGTH = 300  # characters; a query has 300
SECONDS = 2.0  # of the processor, for all texts of a pattern together; they take a few hundredths
# Of a price: longer texts are refused before they are looked at, and it is matched in whole, without blanks around it.
BOUNDED = {"catalog.importing.values._PRICE[0]": 60}
# Written out where they are used, or made when they are needed.
INLINE = (
    r"\w+",
    r"\s+",
    r"[\s.:/-]+",
    r"[^a-z0-9]+",
    r"([^\s]{1,10}?)\s?(?:なし|抜き)(?=\s|$)",
    r"[+-]?\d{1,18}(?:[.,]0+)?",
    r"\d*|\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}",
    r"(?<=[a-z])(?=[A-Z])",
)
PIECES = (
    "a",
    "1",
    "1.",
    "1,",
    "1 ",
    "-a",
    "a-",
    "a'",
    '"',
    "(",
    "<b ",
    "<",
    "&amp;",
    "&",
    " ",
    "\n",
    " \n",
    "under ",
    "between 1 and ",
    "1-",
    "in ",
    "in a ",
    "but, ",
    "€",
    "EUR ",
    "x",
    "à",
    "椅",
    "これ",
    "attr:",
    "_",
    "..",
    "a,",
    " - ",
    "1k ",
    "\xff",
)


def patterns() -> dict[str, re.Pattern[Any]]:
    """Compiled patterns by name: module and what they are called there."""
    found: dict[Any, str] = {}
    for package in (catalog, search, recommend):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name and ".management" not in module.name:
                for name, value in vars(importlib.import_module(module.name)).items():
                    for place, pattern in enumerate(_within(value)):
                        found.setdefault(pattern, f"{module.name}.{name}[{place}]")
    return {name: pattern for pattern, name in found.items()} | {each: re.compile(each) for each in INLINE}


def _within(value: object, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 3 and isinstance(value, list | tuple | dict):
        for each in list(value.values() if isinstance(value, dict) else value)[:100]:
            yield from _within(each, depth + 1)


@contextmanager
def within(seconds: float, what: str) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise AssertionError(f"{what} takes more than {seconds} seconds")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.slow
def test_no_pattern_runs_away():
    found = patterns()
    assert len(found) > 50
    for name, pattern in found.items():
        length = BOUNDED.get(name, LENGTH)
        with within(SECONDS, name):
            for before, piece, after in product(("", "1 "), PIECES, ("", "!")):
                text = before + piece * (length // len(piece)) + after
                given = text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text
                pattern.fullmatch(given.strip() if name in BOUNDED else given)
                for _ in () if name in BOUNDED else pattern.finditer(given):
                    pass


@pytest.mark.slow
def test_the_timer_stops_a_pattern_that_runs_away():
    with pytest.raises(AssertionError, match="runaway takes more"), within(0.2, "runaway"):
        re.fullmatch(r"(a+)+b", "a" * 40)


@pytest.mark.parametrize("clean", [clean_text, clean_html])
@pytest.mark.parametrize("piece", [" ", "<b ", "&amp;", "1 ", "\n ", "<p>", "<!--", "&lt;b "])
def test_cleaning_a_long_text_takes_time_by_its_length(clean, piece):
    text = "<b>x</b>" + piece * (60_000 // len(piece)) + "x"
    with within(3, repr(piece)):
        clean(text, limit=None)
