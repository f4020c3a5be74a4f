"""Words held against pictures: from where a picture counts, and that nothing depends on it."""

from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.index.errors import VectorStoreError
from search.index.live import Live, live_collection
from search.query import SearchRequest, search, text_to_image
from search.query.retrieve import TEXT_TO_IMAGE
from search.query.text_to_image import LEAST_DEVIATIONS, bars_of, looks_of


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(0, 1000))
def test_a_picture_stands_alone_only_above_what_unrelated_texts_find(seed):
    random = np.random.default_rng(seed)
    pictures, texts = unit(random.standard_normal((80, 8))), unit(random.standard_normal((20, 8)))
    low, high = bars_of(pictures, texts)
    assert LEAST_DEVIATIONS <= low <= high
    cosines = texts @ pictures.T
    standing_out = cosines > (cosines.mean(axis=1) + high * cosines.std(axis=1) + 1e-4)[:, None]
    assert not standing_out.any()


def test_pictures_that_are_all_alike_set_bars_too():
    assert bars_of(unit(np.ones((60, 4))), unit(np.ones((3, 4)))) == (LEAST_DEVIATIONS, LEAST_DEVIATIONS)


@pytest.fixture
def pictures_count(shop, settings, monkeypatch):
    settings.SEARCH_TEXT_TO_IMAGE_WEIGHT = 1.0
    monkeypatch.setattr(text_to_image, "FEWEST", 3)
    text_to_image._samples.clear()


def test_the_samples_of_many_shops_are_remembered_beside_each_other(monkeypatch):
    asked = []

    class Store:
        def query_points(self, name, **_):
            asked.append(name)
            return SimpleNamespace(points=[])

    monkeypatch.setattr(text_to_image, "get_client", Store)
    monkeypatch.setattr(text_to_image, "_samples", OrderedDict())
    names = [f"products-shop{number}-1" for number in range(20)]
    for name in names * 2:
        assert looks_of(Live(name, {}, {}), "chair") is None
    assert asked == names


def test_with_few_pictures_nothing_is_said(shop, settings):
    text_to_image._samples.clear()
    settings.SEARCH_TEXT_TO_IMAGE_WEIGHT = 1.0
    assert looks_of(live_collection(), "chair") is None
    assert search(SearchRequest(q="chair")).total == 3


def test_a_picture_that_stands_out_adds_to_the_score(pictures_count, monkeypatch):
    monkeypatch.setattr(text_to_image, "bars_of", lambda pictures, texts: (-9.0, 9.0))
    hits = search(SearchRequest(q="chair", explain=True)).hits
    assert {hit.product.sku for hit in hits} >= {"CHAIR-1", "CHAIR-2", "CHAIR-3"}
    assert any(TEXT_TO_IMAGE in hit.explanation for hit in hits)
    for hit in hits:
        assert sum(part["contribution"] for part in hit.explanation.values()) == pytest.approx(hit.score, abs=1e-5)
    covering = ["terms" in hit.explanation for hit in hits]
    assert covering == sorted(covering, reverse=True)


@pytest.mark.parametrize("q", ["xqzvbn wrtpl", "!!!", "zzzz"])
def test_gibberish_finds_nothing_by_pictures_either(pictures_count, q):
    assert search(SearchRequest(q=q)).total == 0


def test_without_a_weight_pictures_are_not_asked(shop, monkeypatch):
    monkeypatch.setattr(text_to_image, "looks_of", lambda live, q: pytest.fail("They were asked."))
    assert search(SearchRequest(q="chair")).total == 3


def test_the_search_stands_where_pictures_cannot_be_asked(pictures_count, monkeypatch):
    def fail(live, q):
        raise VectorStoreError("no pictures today", permanent=True)

    monkeypatch.setattr(text_to_image, "looks_of", fail)
    result = search(SearchRequest(q="chair"))
    assert result.total == 3
    assert "pictures" in result.query["degraded"][0]
