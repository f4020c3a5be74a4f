"""Product families and the split by them: colour variants of one product never lie on both sides."""

import hashlib
import re
from collections.abc import Iterable, Sequence

# Words of colour, whatever the catalogue's own colours are besides.
COLOURS = frozenset({
    "black", "white", "grey", "gray", "silver", "red", "maroon", "burgundy", "wine", "pink", "rose", "magenta",
    "fuchsia", "peach", "coral", "orange", "rust", "copper", "bronze", "yellow", "mustard", "gold", "golden",
    "beige", "cream", "khaki", "tan", "camel", "nude", "skin", "brown", "coffee", "chocolate", "green", "olive",
    "lime", "mint", "teal", "turquoise", "aqua", "blue", "navy", "royal", "sky", "indigo", "purple", "lavender",
    "violet", "mauve", "lilac", "charcoal", "steel", "metallic", "multi", "multicolour", "multicolor",
    "multicoloured", "melange", "fluorescent", "off", "sea", "light", "dark",
})  # fmt: skip


def family(title: str, colours: Iterable[str] = ()) -> str:
    """A title without its colours: the sorted set of its other words, singular, without case and punctuation.

    The brand stays: two brands' black wallets are two products. Titles so plain that many products share them ("Check
    Shirt") fall into one family, which errs on the safe side: they are kept together.
    """
    away = COLOURS.union(*(re.findall(r"\w+", colour.lower()) for colour in colours))
    words = re.findall(r"\w+", title.lower().replace("'s", "").replace("t-shirt", "tshirt"))
    return " ".join(sorted({word.rstrip("s") if len(word) > 3 else word for word in words if word not in away}))


def is_held_out(families: Sequence[str], share: float = 0.25, salt: str = "") -> list[bool]:
    """Which rows are held out: whole families, by a digest, so that the split is the same in every run."""
    return [int(hashlib.sha256((salt + name).encode()).hexdigest()[:8], 16) % 1000 < share * 1000 for name in families]
