"""Filters, and counts that agree with what a filter would leave."""

import pytest

from search.query import Filters, SearchRequest, search

ALL_FACETS = ("category", "brand", "store", "tag", "price", "in_stock", "promotion", "attributes.colour")


def counts(request: SearchRequest) -> dict[str, dict[str, int]]:
    return {facet.name: {value.value: value.count for value in facet.values} for facet in search(request).facets}


def skus(request: SearchRequest) -> set[str]:
    return {hit.product.sku for hit in search(request).hits}


FILTERS = {
    "category": ("category", "home"),
    "subcategory": ("category", "seats"),
    "brand": ("brand", ("nord",)),
    "store": ("store", ("depot",)),
    "tag": ("tag", ("gift",)),
    "in_stock": ("in_stock", True),
    "promotion": ("promotion", "kitchen-week"),
    "collection": ("collection", "desk"),
    "price": ("price_max", 50.0),
    "attribute": ("attributes", {"colour": ("black", "green")}),
}
LEFT = {
    "category": {"CUP-red", "CUP-blue", "CUP-green", "MUG-black", "CHAIR-1", "CHAIR-2", "CHAIR-3"},
    "subcategory": {"CHAIR-1", "CHAIR-2", "CHAIR-3"},
    "brand": {"MUG-black", "CHAIR-1", "CHAIR-2"},
    "store": {"MUG-black", "CHAIR-1", "CHAIR-3", "LAPTOP-1"},
    "tag": {"CUP-red"},
    "in_stock": {
        "CUP-red", "CUP-blue", "CUP-green", "MUG-black", "CHAIR-1", "CHAIR-3", "LAPTOP-1", "LAPTOP-2", "CASE-1", "HUB-1"
    },
    "promotion": {"CUP-red", "CUP-blue", "CUP-green", "MUG-black"},
    "collection": {"CHAIR-3", "LAPTOP-1"},
    "price": {"CUP-red", "CUP-blue", "CUP-green", "MUG-black", "CASE-1", "HUB-1"},
    "attribute": {"CUP-green", "MUG-black", "CHAIR-2", "CHAIR-3", "LAPTOP-1", "CASE-1"},
}  # fmt: skip


@pytest.mark.parametrize("name", FILTERS)
def test_a_browsed_list_meets_each_filter(shop, name):
    field, value = FILTERS[name]
    result = search(SearchRequest(filters=Filters(**{field: value})))
    assert {hit.product.sku for hit in result.hits} == LEFT[name]
    assert result.total == len(LEFT[name])


@pytest.mark.parametrize("name", FILTERS)
def test_found_products_meet_each_filter(shop, name):
    field, value = FILTERS[name]
    everything = skus(SearchRequest(q="cup chair mug laptop hub case", mode="lexical", page_size=50))
    found = skus(
        SearchRequest(
            q="cup chair mug laptop hub case", mode="lexical", page_size=50, filters=Filters(**{field: value})
        )
    )
    assert found == everything & LEFT[name]


@pytest.mark.parametrize("q", ["", "chair"])
def test_a_count_is_what_its_filter_leaves(shop, q):
    base = SearchRequest(q=q, facets=ALL_FACETS)
    for name, values in counts(base).items():
        for value, number in values.items():
            if name.startswith("attributes."):
                chosen = Filters(attributes={name.removeprefix("attributes."): (value,)})
            elif name == "in_stock":
                chosen = Filters(in_stock=True)
            elif name in ("brand", "store", "tag"):
                chosen = Filters(**{name: (value,)})
            else:
                chosen = Filters(**{name: value})
            assert search(SearchRequest(q=q, filters=chosen, facets=())).total == number, (name, value)


@pytest.mark.parametrize("q", ["", "chair"])
def test_counts_respect_the_other_filters_but_not_their_own(shop, q):
    filters = Filters(brand=("nord",), attributes={"colour": ("blue",)}, category="seats")
    counted = counts(SearchRequest(q=q, filters=filters, facets=ALL_FACETS))
    assert counted["brand"] == {"nord": 1}  # one blue seat, and it is of this brand
    assert counted["attributes.colour"] == {"blue": 1, "green": 1}  # the seats of this brand
    assert counted["store"] == {"depot": 1}
    assert counted["category"]["seats"] == 1


def test_a_chosen_value_stays_visible_with_no_count(shop):
    filters = Filters(brand=("acme",), category="seats")
    facet = next(facet for facet in search(SearchRequest(filters=filters)).facets if facet.name == "brand")
    assert [(value.value, value.count, value.selected) for value in facet.values][-1] == ("acme", 0, True)


def test_categories_are_offered_one_level_below_the_chosen_one(shop):
    assert set(counts(SearchRequest())["category"]) == {"home", "computers"}
    assert set(counts(SearchRequest(filters=Filters(category="home")))["category"]) == {
        "home", "computers", "kitchen", "seats"
    }  # fmt: skip


def test_prices_are_a_range(shop):
    price = next(facet for facet in search(SearchRequest(q="chair")).facets if facet.name == "price")
    assert (price.minimum, price.maximum) == (80.0, 210.0)


def test_the_range_of_prices_is_not_narrowed_by_the_chosen_prices(shop):
    request = SearchRequest(q="chair", filters=Filters(price_min=100.0, price_max=150.0))
    result = search(request)
    price = next(facet for facet in result.facets if facet.name == "price")
    assert (price.minimum, price.maximum, result.total) == (80.0, 210.0, 1)


def test_attributes_that_divide_the_hits_are_offered_by_themselves(shop):
    assert "attributes.colour" in counts(SearchRequest())
    assert "attributes.memory" not in counts(SearchRequest())  # one product alone has it


def test_facets_can_be_left_out(shop):
    assert search(SearchRequest(q="chair", facets=())).facets == []


@pytest.mark.parametrize("q", ["", "chair"])
@pytest.mark.parametrize("filters", [Filters(category="nope"), Filters(promotion="over"), Filters(collection="nope")])
def test_filters_that_name_nothing_leave_nothing_and_are_told(shop, q, filters):
    result = search(SearchRequest(q=q, filters=filters))
    assert result.total == 0
    assert result.query["unknown_filters"]


@pytest.mark.slow
@pytest.mark.parametrize("q", ["", "chair"])
def test_a_hostile_attribute_name_finds_nothing_and_breaks_nothing(shop, q):
    for name in ("a.b", 'x"y', "[]", "colour=red", "\x1f", "numbers"):
        assert search(SearchRequest(q=q, filters=Filters(attributes={name: ("1",)}))).total == 0
