"""Whether two titles name one thing."""

import re

SAME = 0.8  # of all words of both


def similarity(first: str, second: str) -> float:
    """The share of words that both have (Jaccard), 0 to 1; 0 where a number or model number differs."""
    a, b = _words(first), _words(second)
    if _coded(a) != _coded(b):
        return 0.0
    return len(a & b) / len(a | b) if a | b else 0.0


def _words(title: str) -> set[str]:
    return set(re.findall(r"\w+", title.casefold()))


def _coded(words: set[str]) -> set[str]:
    return {word for word in words if any(character.isdigit() for character in word)}
