"""What the address of a page may ask for, and what it may not."""

import contextlib

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from search.query.request import Filters
from search.shop.parameters import MAX_ATTRIBUTES, MAX_VALUES, ParameterError, read
from search.shop.query_pictures import PictureGoneError


def test_an_empty_address_lists_everything():
    request = read(QueryDict("")).request
    assert (request.q, request.mode, request.sort, request.page, request.filters) == (
        "",
        "hybrid",
        "relevance",
        1,
        Filters(),
    )


def test_every_parameter_reaches_the_request():
    request = read(
        QueryDict(
            "q= red cup &not=leather&mode=lexical&sort=-price&page=3&category=home&brand=acme&brand=nord&store=corner"
            "&tag=gift&promotion=sale&collection=flat&price_min=5&price_max=9.5&in_stock=true"
            "&attributes.colour=red&attributes.colour=blue&attributes.size=xl&explain"
        )
    ).request
    assert (request.q, request.not_q, request.mode, request.sort, request.page, request.explain) == (
        "red cup", "leather", "lexical", "-price", 3, True,
    )  # fmt: skip
    assert request.filters == Filters(
        category="home",
        brand=("acme", "nord"),
        store=("corner",),
        tag=("gift",),
        price_min=5.0,
        price_max=9.5,
        in_stock=True,
        promotion="sale",
        collection="flat",
        attributes={"colour": ("red", "blue"), "size": ("xl",)},
    )


def test_a_page_keeps_its_own_filter_whatever_the_address_says():
    assert read(QueryDict("brand=other"), within={"brand": ("acme",)}).request.filters.brand == ("acme",)


def test_prices_in_the_wrong_order_are_put_right():
    filters = read(QueryDict("price_min=9&price_max=5")).request.filters
    assert (filters.price_min, filters.price_max) == (5, 9)


def test_empty_values_are_no_conditions():
    assert (
        read(QueryDict("brand=&price_min=&attributes.colour=&category=&page=&sort=&mode=")).request.filters == Filters()
    )


@pytest.mark.parametrize(
    "address",
    [
        "page=0", "page=-1", "page=x", "page=99999999999999999999", "sort=cheapest", "mode=magic", "price_min=nan",
        "price_max=inf", "price_min=-1", "price_min=1e400", "q=%00", "not=%00", "brand=%00", "attributes.colour=%00",
        "attributes.%00=x", f"q={'x' * 301}", f"brand={'x' * 201}", f"attributes.{'x' * 201}=y",
        "&".join(f"brand=b{n}" for n in range(MAX_VALUES + 1)),
        "&".join(f"attributes.a{n}=x" for n in range(MAX_ATTRIBUTES + 1)),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused_with_sentences(address):
    with pytest.raises(ParameterError) as error:
        read(QueryDict(address))
    assert all(sentence.endswith(".") for sentence in error.value.sentences)


NAMES = st.sampled_from(
    [
        "q",
        "not",
        "mode",
        "sort",
        "page",
        "category",
        "brand",
        "tag",
        "price_min",
        "in_stock",
        "picture",
        "attributes.x",
        "attributes.",
    ]
)


@given(st.lists(st.tuples(NAMES | st.text(max_size=20), st.text(max_size=300)), max_size=12))
def test_no_address_does_anything_else(pairs):
    params = QueryDict(mutable=True)
    for name, value in pairs:
        params.appendlist(name, value)
    with contextlib.suppress(ParameterError, PictureGoneError):
        read(params)
