"""What has none of the words stays below what covers them, whatever the weights and whatever was learned."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.query.floor import Nearness
from search.query.fusion import BEHAVIOUR, Fusion, Scored, fuse, guarded, kept_below
from search.query.preferring import prefer
from search.query.retrieve import TEXT_TO_IMAGE
from search.query.text_to_image import Looks
from search.ranking import fusion_weights
from search.ranking.features import NAMES, Asked, _of_parts
from search.ranking.learning import ranker_scores
from tests.search.ranking.samples import AT, group

NEAR = Nearness(low=0.3, high=0.5)
LOOKS = Looks(np.zeros(2, np.float32), low=0.2, high=0.6)


def ranked(low: float, high: float):
    pairs = st.dictionaries(st.integers(1, 40), st.floats(low, high), max_size=25)
    return pairs.map(lambda found: sorted(found.items(), key=lambda each: (-each[1], each[0])))


weight = st.sampled_from([0.0, 0.05, 0.5, 1.0, 5.0])
fusions = st.builds(
    lambda terms, text, pictures, wanted, by, constant: Fusion(
        {"terms": terms, "text": text, TEXT_TO_IMAGE: pictures, BEHAVIOUR: wanted}, by, constant
    ),
    st.sampled_from([0.1, 1.0, 2.0]), weight, weight, weight, st.sampled_from(["ranks", "scores"]),
    st.sampled_from([1, 10, 60]),
)  # fmt: skip


def fused(terms, text, pictures, how, exact=(), asked=10.0):
    """As the search fuses and prefers; products whose id can be divided by three meet what the words imply."""
    lists = {"terms": terms, "text": text, TEXT_TO_IMAGE: pictures}
    found = fuse(
        lists, weights=how, exact=exact, asked=asked, near=NEAR, looks=LOOKS,
        prior=lambda ids: {id: (id % 5) / 4 for id in ids},
    )  # fmt: skip
    return kept_below(prefer(found, [{id for id in range(60) if id % 3 == 0}]))


@given(ranked(0.1, 12), ranked(0.3, 1), ranked(0.2, 1), fusions, st.lists(st.integers(1, 50), unique=True, max_size=2))
def test_likeness_alone_never_stands_above_what_covers_the_words(terms, text, pictures, how, exact):
    found = fused(terms, text, pictures, how, exact)
    covering = [place for place, each in enumerate(found) if each.covers]
    weak = [place for place, each in enumerate(found) if each.weak]
    assert not covering or not weak or max(covering) < min(weak)
    assert [each.id for each in found[: len(exact)]] == exact
    for each in found:
        assert sum(part["contribution"] for part in each.parts.values()) == pytest.approx(each.score)


def test_without_the_rule_the_first_by_meaning_would_outrank_what_has_every_word():
    terms = [(id, 10.0 - id / 1000) for id in range(1, 200)]
    found = fuse({"terms": terms, "text": [(999, 0.9)]}, weights={"terms": 2.0, "text": 1.0}, asked=10.0, near=NEAR)
    assert found[-1].id == 999
    lone = {each.id: each for each in found}[999]
    assert 0 < lone.score < found[-2].score < 2 / 3 * 61 / 250


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
def test_another_order_is_kept_but_for_the_rule(kinds):
    hits = []
    for id, (has_words, covers) in enumerate(kinds):
        hit = Scored(id, coverage=0.9 if has_words and covers else 0.1)
        if has_words:
            hit.parts["terms"] = {"score": 1.0}
        hits.append(hit)
    found = guarded(hits)
    assert sorted(each.id for each in found) == list(range(len(hits)))
    covering = [place for place, each in enumerate(found) if each.covers]
    weak = [place for place, each in enumerate(found) if each.weak]
    assert not covering or not weak or max(covering) < min(weak)
    for kind in (True, False):
        kept = [each.id for each in found if each.weak is kind]
        assert kept == sorted(kept)


@given(ranked(0.1, 12), ranked(0.3, 1), ranked(0.2, 1), fusions, st.lists(st.integers(1, 50), unique=True, max_size=2))
def test_weights_are_fitted_on_the_very_order_that_is_served(terms, text, pictures, how, exact):
    found = fused(terms, text, pictures, how, exact)
    if not found:
        return
    asked = Asked("", NEAR)
    rows = np.zeros((len(found), len(NAMES)))
    for row, each in zip(rows, found, strict=True):
        row[:10] = _of_parts(each, asked, each.parts.get(BEHAVIOUR, {}).get("score", 0.0))
    made = group("q", {}, [0] * len(found))
    made.rows[:] = rows
    scores = fusion_weights.scores(made, how)
    # The best text may have been left out by the floor, and then scores are measured by the next one.
    if how.by == "scores" and text and text[0][0] not in {each.id for each in found}:
        return
    assert all(before >= after - 1e-9 for before, after in pairwise(scores))


class Backwards:
    def score(self, rows):
        return np.arange(len(rows), dtype=float)


def test_a_ranker_is_measured_as_it_is_served():
    made = group("q", {"terms_coverage": [0.9, 0.9, 0.1, 0.1], "terms_rank": [1, 0.9, 0, 0.8]}, [1, 0, 0, 0])
    made.rows[0, AT["exact"]] = 1
    order = np.argsort(-ranker_scores(Backwards(), made)).tolist()
    assert order == [0, 3, 1, 2]  # the code, some words, all words, and none of them


@pytest.mark.parametrize(
    ("text", "shown", "kept"), [(0.35, 0.3, True), (None, 0.3, False), (None, 0.7, True), (0.35, None, False)]
)
def test_a_picture_supports_a_text_that_is_near_or_stands_out(text, shown, kept):
    lists = {
        "text": [(1, text)] if text else [],
        TEXT_TO_IMAGE: [(1, shown)] if shown else [],
    }
    found = fuse(lists, weights={"text": 1.0, TEXT_TO_IMAGE: 0.2}, near=NEAR, looks=LOOKS)
    assert bool(found) is kept


def test_what_is_wanted_comes_first_among_equals_and_adds_nothing_elsewhere():
    lists = {"terms": [(1, 5.0), (2, 5.0), (3, 5.0)]}
    weights = {"terms": 1.0, BEHAVIOUR: 1.0}
    found = fuse(lists, weights=weights, asked=5.0, prior=lambda ids: {3: 1.0, 2: 0.5})
    assert [each.id for each in found] == [3, 2, 1]
    assert BEHAVIOUR not in found[-1].parts
    assert all(each.score <= 1 for each in found)
