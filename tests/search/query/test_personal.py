"""The order of hits for one shopper: within its bounds, whatever the taste says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.query import SearchRequest, search
from search.query.fusion import Scored
from search.query.personal import moved, reordered

tastes = st.lists(st.floats(0, 1), max_size=60)
weights = st.floats(0, 1)
bounds = st.integers(1, 12)


@given(tastes, weights, bounds)
def test_no_hit_moves_further_than_the_bound_and_none_is_lost(tastes, weight, most):
    order = moved(tastes, weight=weight, most=most)
    assert sorted(order) == list(range(len(tastes)))
    assert all(abs(was - place) <= most for place, was in enumerate(order))


@given(tastes, bounds)
def test_without_weight_nothing_moves(tastes, most):
    assert moved(tastes, weight=0.0, most=most) == list(range(len(tastes)))


@given(st.floats(0, 1), st.integers(0, 40), st.floats(0, 0.99), bounds)
def test_where_all_are_liked_alike_nothing_moves(taste, count, weight, most):
    assert moved([taste] * count, weight=weight, most=most) == list(range(count))


@given(tastes.filter(lambda tastes: len(tastes) > 1), weights, bounds, st.data())
def test_what_is_liked_more_never_ends_further_back(tastes, weight, most, data):
    place = data.draw(st.integers(0, len(tastes) - 1))
    more = [*tastes[:place], 1.0, *tastes[place + 1 :]]
    before, after = (moved(each, weight=weight, most=most).index(place) for each in (tastes, more))
    assert after <= before


def test_taste_alone_orders_what_is_within_the_bound():
    assert moved([0.1, 0.2, 0.3], weight=1.0, most=5) == [2, 1, 0]


def test_a_favourite_from_below_comes_as_far_as_the_bound():
    order = moved([0.0] * 10 + [1.0], weight=1.0, most=4)
    assert order.index(10) == 6


# In the search -------------------------------------------------------------------------------------------------


LIKES: dict[str, float] = {}


def likes(shopper, ids):
    from catalog.models import Product

    skus = dict(Product.objects.filter(pk__in=ids).values_list("pk", "sku"))
    return {pk: LIKES[sku] for pk, sku in skus.items() if sku in LIKES}


def failing(shopper, ids):
    raise RuntimeError("no taste today")


@pytest.fixture
def taste(shop, settings):
    settings.SEARCH_RERANKER = f"{__name__}.likes"
    settings.SEARCH_PERSONAL_WEIGHT, settings.SEARCH_PERSONAL_MAX_MOVE = 1.0, 5
    LIKES.clear()
    return LIKES


def skus(**more):
    return [hit.product.sku for hit in search(SearchRequest(**more)).hits]


def test_hits_are_in_the_shoppers_order_and_explained(taste):
    usual = skus(q="chair")
    taste.update({sku: float(place) / len(usual) for place, sku in enumerate(usual)})
    result = search(SearchRequest(q="chair", shopper="somebody", explain=True))
    found = [hit.product.sku for hit in result.hits]
    assert found != usual
    assert sorted(found) == sorted(usual)
    assert result.query["personal"] is True
    for place, hit in enumerate(result.hits):
        part = hit.explanation["personal"]
        assert part["moved"] == usual.index(hit.product.sku) - place
        assert part["score"] == pytest.approx(taste[hit.product.sku], abs=1e-4)
        assert part["weight"] == 1.0


def test_a_shopper_can_switch_it_off(taste):
    usual = skus(q="chair")
    taste.update({sku: float(place) / len(usual) for place, sku in enumerate(usual)})
    assert skus(q="chair", shopper="somebody", personal=False) == usual
    assert skus(q="chair") == usual
    assert "personal" not in search(SearchRequest(q="chair", shopper="somebody", personal=False)).query


def test_other_orders_and_totals_stay(taste):
    usual = search(SearchRequest(q="chair", sort="price"))
    taste.update({"CHAIR-3": 1.0, "CHAIR-1": 0.0})
    personal = search(SearchRequest(q="chair", sort="price", shopper="somebody"))
    assert [hit.product.sku for hit in personal.hits] == [hit.product.sku for hit in usual.hits]
    assert search(SearchRequest(q="chair", shopper="somebody")).total == usual.total


def test_an_exact_code_stays_in_front(taste):
    taste.update({"LAPTOP-1": 0.0, "LAPTOP-2": 1.0, "HUB-1": 1.0})
    assert skus(q="LAPTOP-1", shopper="somebody")[0] == "LAPTOP-1"


@pytest.mark.slow
def test_pages_hold_each_hit_once(taste):
    usual = skus(q="chair")
    taste.update({sku: float(place) / len(usual) for place, sku in enumerate(usual)})
    paged = [sku for page in range(1, len(usual) + 1) for sku in skus(q="chair", shopper="x", page=page, page_size=1)]
    assert paged == skus(q="chair", shopper="x")


def test_the_search_stands_where_the_taste_fails(taste, settings):
    usual = skus(q="chair")
    settings.SEARCH_RERANKER = f"{__name__}.failing"
    result = search(SearchRequest(q="chair", shopper="somebody"))
    assert [hit.product.sku for hit in result.hits] == usual
    assert "personal" in result.query["degraded"][0]


@pytest.mark.parametrize(("name", "value"), [("SEARCH_PERSONAL_WEIGHT", 0), ("SEARCH_PERSONAL_MAX_MOVE", 0),
                                             ("SEARCH_RERANKER", "")])  # fmt: skip
def test_a_setting_switches_it_off_for_all(taste, settings, name, value):
    usual = skus(q="chair")
    taste.update({sku: float(place) / len(usual) for place, sku in enumerate(usual)})
    setattr(settings, name, value)
    assert skus(q="chair", shopper="somebody") == usual


def test_only_the_first_hits_can_move():
    ranked = [Scored(id, 1.0) for id in range(300)]
    assert reordered(None, ranked) == ranked
