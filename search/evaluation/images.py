"""How well a joint space finds pictures. Relevance is derived from attributes, because nobody judged the pairs: another
picture is right if it shows the same kind of product, a title's own picture is its one right answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.encoders.base import Vectors

NOTE = "Relevance is derived from attributes (kind and colour of the product), not judged by people."
K = 10
LEAST_RELEVANT = 5  # a composed query counts if at least so many pictures answer it


@dataclass(frozen=True)
class Sample:
    """Pictures to be found, row by row, with what is known of each."""

    images: Vectors  # (n, dim)
    titles: Vectors  # (n, dim), of the title beside each picture
    kinds: Sequence[str]
    colours: Sequence[str]


def measure(
    sample: Sample,
    encode_words: Callable[[list[str]], Vectors],
    compose_with: Callable[[int, str], Vectors],
    gallery: tuple[Vectors, Sequence[str]] | None = None,
) -> dict[str, float]:
    """The contract's figures for one encoder.

    ``compose_with(row, words)`` gives the query vector ``(1, dim)`` of that row's picture and words. ``gallery`` holds
    further pictures with their kinds that image to image searches besides: the catalogue a new picture is held against.
    """
    kinds = np.asarray(sample.kinds)
    figures = {
        "image_to_image_p@10": precision(sample.images, kinds, gallery),
        "image_to_image_p@10_held_out_only": precision(sample.images, kinds),
        "text_to_image_r@10": recall_of_own(sample.titles, sample.images),
        "category_map": category_map(sample.images, kinds, encode_words),
    }
    if gallery is None:
        del figures["image_to_image_p@10_held_out_only"]
    both = composed(sample, compose_with)
    alone = composed(sample, lambda row, words: sample.images[row : row + 1])
    figures |= {"composed_p@10": both, "picture_alone_p@10": alone}
    return figures | ({"composed_to_picture_alone": both / alone} if alone else {})


def precision(images: Vectors, kinds: NDArray[np.str_], gallery: tuple[Vectors, Sequence[str]] | None = None) -> float:
    """Mean share of the ten nearest other pictures that show the same kind. A kind with one picture counts as 0."""
    others, other_kinds = images, kinds
    if gallery is not None:
        others, other_kinds = np.vstack([images, gallery[0]]), np.concatenate([kinds, np.asarray(gallery[1])])
    scores = images @ others.T
    scores[np.arange(len(images)), np.arange(len(images))] = -np.inf
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, : min(K, len(others) - 1)]
    return float((other_kinds[nearest] == kinds[:, None]).sum() / (K * len(images)))


def recall_of_own(titles: Vectors, images: Vectors) -> float:
    """Share of titles whose own picture is among the ten nearest of all pictures."""
    scores = titles @ images.T
    ahead = (scores > np.diag(scores)[:, None]).sum(axis=1)
    return float((ahead < K).mean())


def category_map(images: Vectors, kinds: NDArray[np.str_], encode_words: Callable[[list[str]], Vectors]) -> float:
    """Mean average precision of the kinds' names as queries over all pictures."""
    names = sorted(set(kinds.tolist()))
    order = np.argsort(-(encode_words(names) @ images.T), axis=1, kind="stable")
    precisions = []
    for row, name in enumerate(names):
        right = kinds[order[row]] == name
        hits = np.cumsum(right) / np.arange(1, len(right) + 1)
        precisions.append(hits[right].mean())
    return float(np.mean(precisions))


def composed(sample: Sample, compose_with: Callable[[int, str], Vectors]) -> float:
    """A picture and the word of another colour: the share of hits of its kind in that colour among the ten nearest, or
    among as many as there are where fewer than ten exist. One query for each kind and pair of colours.
    """
    kinds, colours = np.asarray(sample.kinds), np.asarray(sample.colours)
    shares = []
    for kind in sorted(set(kinds.tolist())):
        of_kind = kinds == kind
        names, counts = np.unique(colours[of_kind], return_counts=True)
        for wanted, count in zip(names.tolist(), counts.tolist(), strict=True):
            if not wanted or count < LEAST_RELEVANT:
                continue
            right = of_kind & (colours == wanted)
            for other in names.tolist():
                if other == wanted:
                    continue
                row = int(np.flatnonzero(of_kind & (colours == other))[0])
                scores = (compose_with(row, wanted.lower()) @ sample.images.T)[0]
                scores[row] = -np.inf
                k = min(K, count)
                shares.append(float(right[np.argsort(-scores, kind="stable")[:k]].mean()))
    return float(np.mean(shares)) if shares else 0.0
