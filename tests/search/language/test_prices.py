"""A price in the words: which numbers are one, and which are something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.language.prices import find_price


def bounds(text: str) -> tuple[float | None, float | None] | None:
    price = find_price(text)
    return price and (price.minimum, price.maximum)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red shoes under 50", (None, 50)),
        ("shoes under $1,299.50", (None, 1299.5)),
        ("schuhe unter 1.299,50 €", (None, 1299.5)),
        ("cheaper than 20 eur", (None, 20)),
        ("lamp over 100", (100, None)),
        ("between 40 and 20", (20, 40)),
        ("zwischen 20 und 40 Euro", (20, 40)),
        ("entre 20 et 40 euros", (20, 40)),
        ("entre 20 y 40 euros", (20, 40)),
        ("moins de 50", (None, 50)),
        ("menos de 50", (None, 50)),
        ("$20-$40 lamp", (20, 40)),
        ("bis 100 €", (None, 100)),
        ("tv under 2k", (None, 2000)),
        ("100元以下 手机", (None, 100)),
        ("100-200元 手机", (100, 200)),
        ("低于50的鞋", (None, 50)),
    ],
)
def test_prices_are_read(text, expected):
    assert bounds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "over ear headphones", "up to 64 GB", "under 15 inch", 'under 15"', "iphone pro max 256", "laptop from 2019",
        "under 50mm lens", "2 to 4 players", "usb 3-4", "windows 10", "below 0", "under 5 years", "under 20%", "bis 18",
    ],
)  # fmt: skip
def test_other_numbers_are_not(text):
    assert bounds(text) is None


def test_a_price_says_where_it_stands():
    text = "shoes under 50 for men"
    price = find_price(text)
    assert price
    assert text[price.start : price.end] == "under 50"


@given(st.text(max_size=80))
def test_any_text_can_be_read(text):
    price = find_price(text)
    if price:
        assert 0 <= price.start < price.end <= len(text)
        assert price.minimum is not None or price.maximum is not None


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_bounds_come_in_order(one, other):
    assert bounds(f"between {one} and {other} euro") == (min(one, other), max(one, other))
