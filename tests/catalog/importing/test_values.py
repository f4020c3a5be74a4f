"""Single values: read where they have one meaning, refused with the reason where they have none or two."""

import contextlib
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.importing.values import RowError, count_of, date_of, ean_of, list_of, price_of, status_of


@pytest.mark.parametrize(
    ("written", "price", "currency"),
    [
        ("12", "12.00", ""),
        ("12.5", "12.50", ""),
        ("12,5", "12.50", ""),
        ("1.234,56 €", "1234.56", "EUR"),
        ("€1,234.56", "1234.56", "EUR"),
        ("$ 1,234", "1234.00", "USD"),
        ("US$ 5", "5.00", "USD"),
        ("1 234,56", "1234.56", ""),
        ("1'234.50 CHF", "1234.50", "CHF"),
        ("EUR 12,-", "12.00", "EUR"),
        ("12.–", "12.00", ""),
        ("1,234,567.89", "1234567.89", ""),
        ("1.234.567", "1234567.00", ""),
        ("₹1,23,456", "123456.00", "INR"),
        ("Rs. 1,499", "1499.00", "INR"),
        ("0", "0.00", ""),
        (".99", "0.99", ""),
        ("0.125", "0.13", ""),
        (19.99, "19.99", ""),
        (19, "19.00", ""),
        (1e3, "1000.00", ""),
    ],
)
def test_a_price_is_read_as_it_is_written(written, price, currency):
    assert price_of(written, "price") == (Decimal(price), currency)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("-5", "negative"),
        (-0.01, "negative"),
        ("€ -3,00", "negative"),
        ("NaN", "not a price"),
        (float("nan"), "not a price"),
        (float("inf"), "not a price"),
        ("Infinity", "not a price"),
        ("=1+1", "not a price"),
        ("free", "not a price"),
        ("1.2.3", "not a price"),
        ("12,34,5", "not a price"),
        ("1e5", "not a price"),
        ("10-20", "not a price"),
        ("1.234", "two ways"),
        ("99999999999", "more than"),
        (True, "number is expected"),
        ([5], "number is expected"),
        ("9" * 100, "not a price"),
    ],
)
def test_what_is_no_price_is_refused(written, reason):
    with pytest.raises(RowError, match=reason):
        price_of(written, "price")


def test_the_decimal_sign_can_be_said():
    assert price_of("1.234", "price", decimal=",")[0] == Decimal("1234.00")
    assert price_of("1.234", "price", decimal=".")[0] == Decimal("1.23")
    assert price_of("1,234", "price", decimal=",")[0] == Decimal("1.23")
    with pytest.raises(RowError):
        price_of("1,5", "price", decimal=".")


def test_a_dollar_is_the_shop_s_own_where_it_has_one():
    assert price_of("$5", "price", home_currency="CAD")[1] == "CAD"


@given(st.decimals(0, 9_999_999, places=2), st.sampled_from(["de", "en", "fr", "ch", "plain"]))
def test_prices_come_back_from_every_way_of_writing_them(price, style):
    english = f"{price:,.2f}"
    written = {
        "en": english,
        "de": english.translate(str.maketrans(",.", ".,")) + " €",
        "fr": english.translate(str.maketrans(",.", "\u202f,")),
        "ch": english.replace(",", "’"),
        "plain": f"{price:.2f}",
    }[style]
    assert price_of(written, "price")[0] == price


@given(st.text(max_size=30))
def test_no_text_gives_a_negative_price_or_another_error(text):
    with contextlib.suppress(RowError):
        price, currency = price_of(text, "price")
        assert price >= 0
        assert price.as_tuple().exponent == -2
        assert currency == "" or len(currency) == 3


@pytest.mark.parametrize(
    ("written", "count"), [("5", 5), ("5.0", 5), (5.0, 5), ("in stock", 1), ("Out of stock", 0), (True, 1)]
)
def test_a_stock_is_a_whole_number_or_words_that_mean_one(written, count):
    assert count_of(written, "stock") == count


@pytest.mark.parametrize("written", ["-1", -1, "5.5", 5.5, "many", float("inf"), "9" * 19, 2**31, [1], None])
def test_any_other_stock_is_refused(written):
    with pytest.raises(RowError):
        count_of(written, "stock")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("4006381333931", "4006381333931"),
        (4006381333931, "4006381333931"),
        ("4 006381 333931", "4006381333931"),
        ("036000291452", "036000291452"),
        ("96385074", "96385074"),
        ("36000291452", "0036000291452"),  # a spreadsheet dropped the zero
    ],
)
def test_an_ean_has_the_right_check_digit(written, code):
    assert ean_of(written) == code


@pytest.mark.parametrize("written", ["4006381333932", "4.00638E+12", "12345", "abc", "٤٠٠٦٣٨١٣٣٣٩٣١", ["x"]])
def test_any_other_ean_is_refused(written):
    with pytest.raises(RowError):
        ean_of(written)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2009-12-31", date(2009, 12, 31)),
        ("2009-12-31T00:00:00Z", date(2009, 12, 31)),
        ("2009/12/31", date(2009, 12, 31)),
        ("31.12.2009", date(2009, 12, 31)),
        ("2009", date(2009, 1, 1)),
        (2009, date(2009, 1, 1)),
    ],
)
def test_dates_are_read(written, day):
    assert date_of(written, "released") == day


@pytest.mark.parametrize("written", ["2009-13-01", "31/12/2009", "yesterday", "0001-01-01", True, {}])
def test_other_dates_are_refused(written):
    with pytest.raises(RowError):
        date_of(written, "released")


def test_a_status_is_one_of_three_under_any_of_its_names():
    assert [status_of(word) for word in ("Published", "active", True, "hidden", "archived")] == [
        "published", "published", "published", "draft", "archived",
    ]  # fmt: skip
    with pytest.raises(RowError):
        status_of("maybe")


def test_a_list_comes_as_a_list_as_json_or_with_separators():
    assert list_of(["a"], "tags") == list_of('["a"]', "tags") == list_of("a", "tags") == ["a"]
    assert list_of("a; b | c", "tags") == ["a", "b", "c"]
    assert list_of("", "tags") == list_of(None, "tags") == []
    with pytest.raises(RowError):
        list_of("[1, ", "tags")
