"""Attributes typed as lines are read and shown without loss."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from catalog.admin.fields import AttributesField, EansField

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
SCALAR = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
NAME = TEXT.filter(lambda name: bool(name.strip()))


@given(st.dictionaries(NAME, SCALAR | st.lists(SCALAR, max_size=4), max_size=6))
def test_what_is_shown_and_saved_unchanged_is_the_same(attributes):
    field = AttributesField()
    shown = field.prepare_value(attributes)
    for sent in (shown, shown.replace("\n", "\r\n")):  # browsers send both
        assert field.clean(sent) == attributes
    assert not field.has_changed(attributes, shown)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("a: red", "red"),
        ("a: 12", 12),
        ("a: 1.5", 1.5),
        ("a: true", True),
        ('a: "12"', "12"),
        ('a: ["S", 1]', ["S", 1]),
        ("a: NaN", "NaN"),
        ("a: 10:30", "10:30"),
        ("a:", ""),
    ],
)
def test_values_are_read_as_they_look(line, value):
    assert AttributesField().clean(line) == {"a": value}


@pytest.mark.parametrize("text", ["a", ": b", "a: 1\na: 2", 'a: {"b": 1}', "a: " + "9" * 30, "a: " + "[" * 9 + "]" * 9])
def test_lines_that_say_nothing_are_refused(text):
    with pytest.raises(ValidationError):
        AttributesField().clean(text)


def test_eans():
    assert EansField().clean("4006381333931, 12345678\n12345678") == ["4006381333931", "12345678"]
    for text in ("12", "400638133393X", "１２３４５６７８"):
        with pytest.raises(ValidationError):
            EansField().clean(text)
