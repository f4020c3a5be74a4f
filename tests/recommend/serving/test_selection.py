"""Variety: relevant first, unlike each other, capped by brand and store, with room for each interest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommend.serving.interests import Interest, belongs_to, interests_of, likeness
from recommend.serving.selection import BLOCK, Candidates, Caps, choose, stretched

FREE = Caps(10_000, 10_000)


@st.composite
def candidates(draw):
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Candidates(
        np.round(rng.normal(size=n), 3),
        rng.integers(0, 4, n).tolist(),
        rng.integers(0, 3, n).tolist(),
        [draw(st.sampled_from(["", "", "a", "b", "c"])) for _ in range(n)],
        rng.normal(size=(n, 6)).astype(np.float32) if draw(st.booleans()) else None,
        rng.integers(0, 3, n).tolist(),
    )


shares = st.lists(st.floats(0.15, 1.0), min_size=3, max_size=3)


@given(candidates(), st.integers(0, 50), st.floats(0, 1), st.integers(1, 5), st.integers(1, 5), shares)
def test_each_is_chosen_once_and_one_of_each_family(found, count, relevance, brand, store, room):
    order = choose(found, count, relevance=relevance, caps=Caps(brand, store), room=room)
    assert len(order) == len(set(order)) <= count
    families = [found.families[row] for row in order if found.families[row]]
    assert len(families) == len(set(families))
    distinct = sum(not family for family in found.families) + len(set(found.families) - {""})
    assert len(order) == min(count, distinct)


@given(candidates(), st.floats(0, 1), st.integers(1, 4), st.integers(1, 4), shares)
def test_a_cap_is_passed_only_where_nothing_within_the_caps_is_left(found, relevance, brand, store, room):
    order = choose(found, 40, relevance=relevance, caps=Caps(brand, store), room=room)
    assert_capped(found, order, range(len(found.scores)), Caps(brand, store))


def assert_capped(found, order, rows, caps, first=0):
    """From place `first` on, `order` passes a cap only where none of `rows` that is left fits."""

    def fits(row, block):
        same_brand = sum(found.brands[each] == found.brands[row] for each in block)
        same_store = sum(found.stores[each] == found.stores[row] for each in block)
        return (not found.brands[row] or same_brand < caps.brand) and (not found.stores[row] or same_store < caps.store)

    for place, row in enumerate(order[first:], start=first):
        block = order[place // BLOCK * BLOCK : place]
        if not fits(row, block):
            taken = {found.families[each] for each in order[:place]} - {""}
            left = [each for each in rows if each not in order[:place] and found.families[each] not in taken]
            assert not any(fits(each, block) for each in left)


@given(candidates(), st.floats(0, 1), st.integers(1, 4), st.integers(1, 4), shares, st.integers(0, 40))
def test_what_is_shown_already_counts_for_families_and_caps(found, relevance, brand, store, room, split):
    rules = {"relevance": relevance, "caps": Caps(brand, store), "room": room}
    part = lambda rows: Candidates(  # noqa: E731
        found.scores[rows], *([column[row] for row in rows] for column in (found.brands, found.stores, found.families)),
        found.vectors[rows] if found.vectors is not None else None, [found.interests[row] for row in rows],
    )  # fmt: skip
    n = len(found.scores)
    split = min(split, n)
    before = choose(part(list(range(split))), n, **rules)
    rows = [*before, *range(split, n)]
    order = [*before, *(rows[row] for row in choose(part(rows), n, placed=len(before), **rules))]
    assert order[: len(before)] == before
    families = [found.families[row] for row in order if found.families[row]]
    assert len(families) == len(set(families))
    assert len(order) == sum(not family for family in found.families) + len(set(found.families) - {""})
    assert_capped(found, order, range(split, n), Caps(brand, store), first=len(before))


@given(candidates())
def test_by_relevance_alone_the_order_is_that_of_the_scores(found):
    plain = Candidates(found.scores, found.brands, found.stores, [""] * len(found.scores), found.vectors)
    order = choose(plain, 40, relevance=1.0, caps=FREE)
    assert [found.scores[row] for row in order] == sorted(found.scores, reverse=True)


@given(candidates(), st.integers(1, 12), st.floats(0, 1), shares)
def test_a_longer_answer_begins_with_the_shorter_one(found, count, relevance, room):
    caps = Caps(3, 3)
    whole = choose(found, 40, relevance=relevance, caps=caps, room=room)
    assert choose(found, count, relevance=relevance, caps=caps, room=room) == whole[:count]


def test_the_second_is_unlike_the_first_where_relevance_is_near():
    vectors = np.array([[1, 0], [1, 0.01], [0, 1]], np.float32)
    found = Candidates(np.array([1.0, 0.95, 0.0]), [0] * 3, [0] * 3, [""] * 3, vectors)
    assert choose(found, 3, relevance=0.4, caps=FREE) == [0, 2, 1]
    assert choose(found, 3, relevance=0.9, caps=FREE) == [0, 1, 2]


@given(st.lists(st.floats(0.15, 1.0), min_size=2, max_size=4), st.integers(0, 2**32 - 1))
def test_every_interest_gets_about_its_share(room, seed):
    rng = np.random.default_rng(seed)
    k, each = len(room), 40
    interests = np.repeat(np.arange(k), each)
    scores = rng.normal(size=k * each) + 5 * interests  # one interest scores far above the others
    n = k * each
    found = Candidates(scores, [0] * n, [0] * n, [""] * n, None, interests.tolist())
    order = choose(found, 24, relevance=1.0, caps=FREE, room=room)
    given_ = np.bincount(interests[order], minlength=k)
    due = np.array(room) / sum(room) * 24
    assert (np.abs(given_ - due) <= k).all()
    first = interests[choose(found, 12, relevance=1.0, caps=FREE, room=room)]
    assert set(first) == set(range(k)) or min(due) < 2


def test_an_interest_without_candidates_leaves_its_places_to_others():
    found = Candidates(np.array([3.0, 2.0, 1.0]), [0] * 3, [0] * 3, [""] * 3, None, [1, 1, 1])
    assert choose(found, 3, relevance=1.0, caps=FREE, room=[0.9, 0.1]) == [0, 1, 2]


def test_stretching_bears_equals_and_nothing():
    assert stretched(np.array([2.0, 2.0])).tolist() == [1.0, 1.0]
    assert stretched(np.array([])).tolist() == []
    assert stretched(np.array([1.0, 3.0, 2.0])).tolist() == [0.0, 1.0, 0.5]


# Interests ------------------------------------------------------------------------------------------------------


def around(centre, count, seed):
    rng = np.random.default_rng(seed)
    return np.array(centre) + rng.normal(0, 0.05, (count, len(centre)))


def test_two_things_looked_for_are_two_interests():
    tents, books = around([1, 0, 0], 4, 1), around([0, 1, 0], 2, 2)
    found = interests_of(np.concatenate([tents, books]).astype(np.float32), 0.6)
    assert [each.events.tolist() for each in found] == [[4, 5], [0, 1, 2, 3]]  # the newest first
    assert sum(each.share for each in found) == pytest.approx(1)
    assert found[1].share > 0.5


def test_many_single_things_are_not_many_interests():
    found = interests_of(np.eye(10, dtype=np.float32), 0.6)
    assert len(found) == 4
    assert all(each.share >= 0.15 for each in found)
    assert 9 in {int(each.events[-1]) for each in found}


def test_events_without_content_belong_to_nothing():
    assert interests_of(np.zeros((3, 4), np.float32), 0.5) == []
    found = interests_of(np.array([[0, 0], [1, 0]], np.float32), 0.5)
    assert [each.events.tolist() for each in found] == [[1]]


def test_a_candidate_belongs_to_the_nearest():
    two = [Interest(np.array([0]), 0.5, np.array([1.0, 0.0])), Interest(np.array([1]), 0.5, np.array([0.0, 1.0]))]
    assert belongs_to(two, np.array([[0.2, 0.9], [3, 1]], np.float32)).tolist() == [1, 0]


def test_how_alike_is_alike_is_measured_on_the_catalogue():
    rng = np.random.default_rng(0)
    loose, tight = rng.normal(size=(200, 20)), rng.normal(size=(200, 20)) + 3
    assert likeness(loose.astype(np.float32)) < 0.5 < likeness(tight.astype(np.float32)) <= 0.95
    assert likeness(np.zeros((5, 3), np.float32)) == 0.5
