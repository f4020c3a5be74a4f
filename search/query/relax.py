"""What else to search for where a search finds nothing: step by step, and only with evidence.

Each step gives up something that the shopper did not insist on; the filters that he has set are never among it. A step
is tried only where what is left is known to name something of the catalogue, so that gibberish and questions about
other things still find nothing, and are told so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from search.language.attributes import Named, names_kinds
from search.query.asking import Asked, as_typed, complete, corrected
from search.terms import words


@dataclass(frozen=True)
class Relaxed:
    """One step, and the sentence that tells the shopper."""

    step: str  # "spelling", "filters", "price", "words", "category"
    sentence: str
    phrases: tuple[str, ...] = ()  # what was given up

    def told(self) -> dict[str, object]:
        return {"step": self.step, "sentence": self.sentence, "phrases": list(self.phrases)}


def steps(asked: Asked, best_of_word: Mapping[str, float], language: str) -> Iterator[tuple[Asked, Relaxed | None]]:
    """Easier readings of the same request, the nearest first.

    `best_of_word` says how well each word that was searched is met, 0 for one that no product has; `language` is the
    shop's.
    """
    if asked.corrected:
        asked = as_typed(asked)
        yield asked, None
    elif asked.correction and complete(asked.correction, asked.interpretation.language):
        meant = asked.correction.text
        yield corrected(asked), Relaxed("spelling", f"Nothing was found for “{asked.typed}”. This is for “{meant}”.")
    reading = asked.interpretation
    if reading.certain:
        labels = _listed([each.main.label for each in reading.certain])
        softer = reading.without_filters()
        told = Relaxed(
            "filters",
            f"No product is all of this. Those that are {labels} come first.",
            tuple(each.phrase for each in reading.certain),
        )
        yield asked.reads(softer), told
        reading = softer
    surfaces = [word.surface for word in words(reading.text, language)]
    if reading.named and all(word in reading.optional or _within(word, reading.named) for word in surfaces):
        named = tuple(replace(each, certain=True) for each in reading.named)
        labels = _listed([each.main.label for each in named])
        told = Relaxed("filters", f"No title says this. These are products that the catalogue files under {labels}.")
        yield asked.reads(replace(reading, named=named)), told
    if reading.price:
        told = Relaxed(
            "price",
            f"Nothing was found “{reading.price_phrase}”. This is what there is at other prices.",
            (reading.price_phrase,),
        )
        yield asked.reads(replace(asked.interpretation, price=None, price_phrase="")), told
    heads = [each for each in reading.named if _is_kind(each)]
    if not heads:
        return
    dropped = [word for word in surfaces if best_of_word.get(word) == 0.0 and not _within(word, reading.named)]
    if dropped and len(dropped) < len(surfaces):
        text = " ".join(word for word in surfaces if word not in dropped)
        told = Relaxed(
            "words", f"Without {_listed([f'“{word}”' for word in dropped])}, which no product has.", tuple(dropped)
        )
        yield asked.reads(replace(reading, text=text), meaning=reading.text), told
    head = heads[-1]
    if head.phrase != " ".join(surfaces):
        alone = replace(
            reading, text=head.phrase, named=(replace(head, start=0, end=head.end - head.start, certain=True),)
        )
        told = Relaxed(
            "category", f"Nothing was found for all of it. This is what there is of {head.main.label}.", (head.phrase,)
        )
        yield asked.reads(alone, meaning=reading.text), told


def _is_kind(named: Named) -> bool:
    """Whether a phrase says what kind of thing is asked for, and reliably."""
    return named.reliable and (named.main.facet in ("category", "brand") or names_kinds(named.main))


def _within(word: str, named: tuple[Named, ...]) -> bool:
    return any(word in each.phrase.split(" ") for each in named)


def _listed(labels: list[str]) -> str:
    return labels[0] if len(labels) == 1 else ", ".join(labels[:-1]) + " and " + labels[-1]


def nothing(asked: Asked, best_of_word: Mapping[str, float]) -> str:
    """The sentence for a search that finds nothing whatever is given up."""
    sentence = "Nothing in the shop is related to this."
    unknown = [f"“{word}”" for word, best in best_of_word.items() if not best]
    if unknown and len(unknown) < len(best_of_word):
        sentence += f" No product has {_listed(unknown)}, and the rest is too little to go by."
    elif unknown:
        sentence += " No product has " + ("this word." if len(unknown) == 1 else "any of these words.")
    if asked.own.points:
        sentence += " Fewer filters may help."
    return sentence
