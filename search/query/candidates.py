"""The products that may answer a search, ranked: what the words mean to the index, asked for at once, and fused."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from search.encoders.base import EncoderError
from search.index.client import get_client
from search.index.live import Live
from search.index.schema import TERMS, TEXT
from search.query import floor, fusion, kinds, ranking
from search.query.asking import Asked
from search.query.fusion import Scored
from search.query.preferring import prefer
from search.query.request import Mode
from search.query.retrieve import ALL, TEXT_TO_IMAGE, Retrieved, retrieve
from search.query.understand import Understood, understand


@dataclass
class Candidates:
    """Ranked products by variant: with every filter (ALL), and with that of one facet lifted."""

    asked: Asked
    mode: Mode
    live: Live
    understood: Understood
    retrieved: Retrieved
    variants: dict[str, list[Scored]]


def candidates(asked: Asked, lifted: Sequence[str], pinned: Sequence[int], live: Live) -> Candidates:
    """Encode, retrieve, fuse. Raises VectorStoreError, BadRequest and SearchUnavailable."""
    request, reading = asked.request, asked.interpretation
    away = [words for words, _ in reading.unwanted]
    stood_for = {word for each in reading.certain for word in each.phrase.split(" ")}
    understood = understand(
        request,
        live,
        exact=asked.exact,
        optional=reading.optional,
        spare=reading.spare,
        stood_for=stood_for,
        unwanted=away,
        meaning=asked.meaning,
        # Other words than the typed ones need a second witness, even one that reads their language badly.
        language="" if asked.corrected or asked.meaning else reading.language,
    )
    near = None
    if understood.text is not None:
        try:
            near = floor.nearness(live.text_spec)
        except EncoderError as error:
            understood.text = None
            understood.degraded.append(f"Searched by words alone, because the text encoder failed: {error}")
    pictured = understood.pictures is not None
    likes = {product.pk for product in understood.pictures.likes} if understood.pictures else set()
    mode: Mode = "lexical" if understood.text is None and not pictured else request.mode
    words = request.q.strip()
    how = fusion.Fusion(kinds.WEIGHTS) if pictured else ranking.fusion_for(request, mode, understood.degraded)
    looks = None if pictured else ranking.looks_for(words, live, how, understood.degraded)
    # Words that a filter stands for need not be met again, and where they are most of the words, nothing else needs to.
    every = sum(word in stood_for for word, _ in understood.words) >= floor.COVERED * max(len(understood.words), 1)
    retrieved = retrieve(
        live, understood, asked.conditions, near=near, lifted=lifted, pinned=pinned, looks=looks,
        preferences=asked.preferences, every=bool(stood_for) and every,
    )  # fmt: skip
    if understood.pictures and understood.words:
        kinds.prefer(retrieved.lists, kinds.kinds_of(live, understood.pictures))
    weight = floor.asked_weight(retrieved.best_of_word, _products_in(live)) if understood.words else 0.0
    granted = floor.asked_weight(
        {w: s for w, s in retrieved.best_of_word.items() if w in stood_for}, _products_in(live)
    )
    found = {
        variant: fusion.fuse(
            lists,
            weights=how,
            exact=[id for id in understood.exact if id in retrieved.exact.get(variant, ())],
            asked=weight,
            granted=granted / weight if weight else 0.0,
            near=near,
            # Whoever asks for more like a product has seen that one.
            without=retrieved.unwanted | likes,
            looks=looks,
            prior=ranking.prior_for(words, how) if variant == ALL else None,
        )
        for variant, lists in retrieved.lists.items()
    }
    if understood.words and not pictured and not _answers(found[ALL], near, asked):
        found = {variant: [] for variant in found}
    found = {variant: prefer(scored, retrieved.preferred) for variant, scored in found.items()}
    if how.weights.get(TERMS) and not pictured:
        found = {variant: fusion.kept_below(scored) for variant, scored in found.items()}
    return Candidates(asked, mode, live, understood, retrieved, found)


def _answers(ranked: Sequence[Scored], near: floor.Nearness | None, asked: Asked) -> bool:
    if any("exact" in scored.parts or TEXT_TO_IMAGE in scored.parts for scored in ranked):
        return True
    evidence = ((scored.coverage, scored.parts.get(TEXT, {}).get("score")) for scored in ranked)
    return floor.answers(evidence, near, read="part" if asked.meaning else "corrected" if asked.corrected else "typed")


_sizes: dict[str, tuple[float, int]] = {}
SIZE_SECONDS = 30.0


def _products_in(live: Live) -> int:
    """The number of products in the index, half a minute old at most: it only sets the weight of unknown words."""
    known = _sizes.get(live.name)
    if known is None or time.monotonic() - known[0] > SIZE_SECONDS:
        known = _sizes[live.name] = time.monotonic(), get_client().count(live.name, exact=False).count
    return known[1]
