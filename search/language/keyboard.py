"""How probable it is that fingers make one word into another: the channel of the noisy-channel model.

After Kernighan, Church and Gale, "A spelling correction program based on a noisy channel model" (COLING 1990), which
gives each kind of edit a probability for each letter. Theirs were counted in news text; a shop has no such counts
before it has shoppers, so letters are weighed by where their keys lie instead: most wrong and additional letters come
from a key beside the right one, and some from anywhere, since people also spell by ear.
"""

from functools import cache, lru_cache

ROWS = {
    "qwerty": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "qwertz": ("qwertzuiopu", "asdfghjkloa", "yxcvbnm"),  # ü, ö and ä are folded to u, o and a
    "azerty": ("azertyuiop", "qsdfghjklm", "wxcvbn"),
}
LAYOUTS = {"de": "qwertz", "cs": "qwertz", "hu": "qwertz", "fr": "azerty"}  # base language -> layout, else qwerty
STAGGER = (0.0, 0.25, 0.75)  # of a row to the right, in keys
NEIGHBOURS = 1.3  # keys apart, centre to centre

# Shares of the kinds among single typing errors. Damerau ("A technique for computer detection and correction of
# spelling errors", CACM 1964) found that these four make up 80 % of all errors. Each is about as probable as another;
# but a swap leaves no letter to choose, so that one certain swap is far more probable than one certain wrong letter.
REPLACED, LEFT_OUT, ADDED, SWAPPED = 0.35, 0.25, 0.2, 0.2
BESIDE = 0.5  # of wrong or additional letters: from a neighbouring key
REPEATED = 0.25  # of additional letters: the one before once more
ALPHABET = 26


@cache
def neighbours(layout: str) -> dict[str, frozenset[str]]:
    """Letter -> the letters on the keys around it."""
    places: dict[str, list[tuple[float, float]]] = {}
    for row, (letters, shift) in enumerate(zip(ROWS[layout], STAGGER, strict=True)):
        for column, letter in enumerate(letters):
            places.setdefault(letter, []).append((column + shift, float(row)))
    return {
        letter: frozenset(
            other
            for other, theirs in places.items()
            if other != letter and any((x - a) ** 2 + (y - b) ** 2 <= NEIGHBOURS**2 for x, y in own for a, b in theirs)
        )
        for letter, own in places.items()
    }


def layout_of(language: str) -> str:
    return LAYOUTS.get(language, "qwerty")


@lru_cache(maxsize=50_000)
def likelihood(typed: str, meant: str, layout: str = "qwerty") -> float:
    """P(typed | meant, and something went wrong), for the most probable way from one to the other; 1 where they are
    equal. Both are folded. The time grows with the product of their lengths."""
    beside = neighbours(layout)
    place = 1 / (len(meant) + 1)  # each place is as probable as another
    # best[j]: of making the first i letters of `meant` into the first j of `typed`
    before: list[float] = []
    row = [1.0]
    for j in range(1, len(typed) + 1):
        row.append(row[-1] * place * ADDED * _added(typed[j - 1], typed[j - 2 : j - 1], "", beside))
    for i in range(1, len(meant) + 1):
        earlier, before = before, row
        row = [before[0] * place * LEFT_OUT]
        letter = meant[i - 1]
        for j in range(1, len(typed) + 1):
            got = typed[j - 1]
            best = before[j - 1] if got == letter else before[j - 1] * place * REPLACED * _replaced(got, letter, beside)
            best = max(best, before[j] * place * LEFT_OUT)
            best = max(best, row[j - 1] * place * ADDED * _added(got, letter, meant[i : i + 1], beside))
            if i > 1 and j > 1 and got != letter and got == meant[i - 2] and typed[j - 2] == letter:
                best = max(best, earlier[j - 2] * place * SWAPPED)
            row.append(best)
    return row[-1]


def _replaced(got: str, meant: str, beside: dict[str, frozenset[str]]) -> float:
    near = beside.get(meant)
    if not near:
        return 1 / ALPHABET
    return BESIDE / len(near) if got in near else (1 - BESIDE) / (ALPHABET - 1 - len(near))


def _added(got: str, before: str, after: str, beside: dict[str, frozenset[str]]) -> float:
    if got == before:
        return REPEATED
    near = beside.get(before, frozenset()) | beside.get(after, frozenset())
    if not near:
        return (1 - REPEATED) / ALPHABET
    other = (1 - REPEATED - BESIDE) / max(ALPHABET - len(near), 1)
    return BESIDE / len(near) if got in near else other
