"""Titles, descriptions and translations of the demo shop's products."""

import random
import string
from collections.abc import Mapping
from typing import Any

from catalog.demo.assortment import Brand, Item, words

PROPER_NOUNS = ("Christmas", "Milky", "Blu-ray")
CJK = ("ja", "zh")


def title(item: Item, colour: str = "") -> str:
    return f"{item.title}, {colour}" if colour else item.title


def translations(item: Item, labels: Mapping[str, str], colour: str = "") -> dict[str, dict[str, str]]:
    """{"de": {"title": …}, …} from the picture's labels; what the thing is, and its colour, where we know the word."""
    nouns = words()["noun"].get(item.kind.noun, {})
    return {
        language: {"title": _translated(language, label, nouns.get(language, ""), colour)}
        for language, label in labels.items()
    }


def _translated(language: str, label: str, noun: str, colour: str) -> str:
    colour = words()["colour"].get(language, {}).get(colour, "")
    label = label[0].upper() + label[1:]
    if language in CJK:
        return f"{label}{noun}{f'（{colour}）' if colour else ''}"
    text = f"{label} – {noun}" if noun and noun.lower() not in label.lower() else label
    return f"{text}, {colour}" if colour else text


def description(
    item: Item, brand: Brand, attributes: Mapping[str, Any], chance: random.Random, colour: str = ""
) -> str:
    """Two to four sentences from the kind's templates. A template that names what this product lacks is not used."""
    name = _common(item.title.split(",")[0])
    known = {key: _spoken(value) for key, value in attributes.items()}
    known |= {f"{key}_lower": _common(value) for key, value in known.items()}
    known |= {f"{key}_upper": value[:1].upper() + value[1:] for key, value in known.items()}
    known |= {"name": name, "Name": name[0].upper() + name[1:], "brand": brand.name}
    known["a_name"] = f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    known["A_name"] = known["a_name"].capitalize() if name[0].islower() else f"A {name}"

    def usable(part: str) -> list[str]:
        return [text for text in item.kind.text[part] if _fields(text) <= known.keys()]

    details = usable("detail")
    sentences = [chance.choice(usable("opening")), *chance.sample(details, min(len(details), chance.choice((1, 2, 2))))]
    if chance.random() < 0.25:
        sentences.append(f"{brand.name}: {brand.description[0].lower()}{brand.description[1:]}")
    text = " ".join(sentence.format_map(known) for sentence in sentences)
    return f"{text} This one is {colour}; it comes in other colours too." if colour else text


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def _common(text: str) -> str:
    """For the middle of a sentence: without the capital, unless it is a name or an abbreviation."""
    if len(text) > 1 and text[1].islower() and not text.startswith(PROPER_NOUNS):
        return text[0].lower() + text[1:]
    return text


def _spoken(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join([", ".join(value[:-1]), value[-1]] if len(value) > 1 else value)
    return str(value)
