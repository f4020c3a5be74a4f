"""The picture figures, worked out by hand, and the split by family."""

import numpy as np
import pytest

from search.evaluation.families import family, is_held_out
from search.evaluation.images import Sample, category_map, composed, precision, recall_of_own


def axis(*places: int, width: int = 4) -> np.ndarray:
    return np.eye(width, dtype=np.float32)[list(places)]


def test_precision_counts_the_ten_nearest_but_not_the_picture_itself() -> None:
    kinds = np.array(["a"] * 11 + ["b"])
    # Each of eleven finds ten of its kind; the lone one finds none.
    assert precision(axis(*[0] * 11, 1), kinds) == pytest.approx(11 / 12)


def test_precision_in_a_wider_gallery() -> None:
    gallery = axis(*[0] * 10), ["a"] * 10
    assert precision(axis(0), np.array(["a"]), gallery) == 1.0
    assert precision(axis(0), np.array(["b"]), gallery) == 0.0


def test_recall_looks_for_the_own_picture() -> None:
    images = axis(*range(12), width=12)
    assert recall_of_own(images, images) == 1.0
    assert recall_of_own(-images, images) == 0.0


def test_category_map_averages_precision_over_names() -> None:
    kinds = np.array(["a", "b", "a"])
    vectors = {"a": np.array([3.0, 2.0, 1.0]), "b": np.array([0.0, 1.0, 0.0])}
    score = category_map(np.eye(3, dtype=np.float32), kinds, lambda names: np.array([vectors[n] for n in names]))
    assert score == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)


def test_composed_wants_the_kind_in_the_colour() -> None:
    kinds, colours = ["shoe"] * 6, ["Red"] + ["Blue"] * 5
    sample = Sample(axis(0, 1, 1, 1, 1, 1), axis(0, 1, 1, 1, 1, 1), kinds, colours)
    asked: list[tuple[int, str]] = []

    def query(row: int, words: str) -> np.ndarray:
        asked.append((row, words))
        return axis(1)

    assert composed(sample, query) == 1.0
    assert asked == [(0, "blue")]
    assert composed(sample, lambda row, words: -axis(1)) == 1.0  # only blue ones are left beside the picture itself


def test_colour_variants_share_a_family_and_brands_do_not() -> None:
    black = family("Puma Men's Wirko II Black T-shirts")
    assert black == family("Puma Men Wirko II Sea Green Tshirt", ["Sea Green"])
    assert black != family("Nike Men Wirko II Black Tshirt")
    assert family("Wirko Frostiger", ["Frostig"]) != family("Wirko")


def test_a_split_keeps_families_whole_and_is_the_same_each_time() -> None:
    names = [f"family {i % 200}" for i in range(1000)]
    held_out = is_held_out(names)
    assert held_out == is_held_out(names)
    assert 0.15 < np.mean(held_out) < 0.35
    assert not {n for n, out in zip(names, held_out, strict=True) if out} & {
        n for n, out in zip(names, held_out, strict=True) if not out
    }
    assert is_held_out(names, salt="other") != held_out
