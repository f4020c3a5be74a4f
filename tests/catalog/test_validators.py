"""What may be stored as JSON: small, flat, and storable in every database."""

import pytest
from django.core.exceptions import ValidationError

from catalog import validators


@pytest.mark.parametrize(
    "value",
    [{}, {"colour": "red", "sizes": ["S", 1, None, True], "weight": 1.5}, {"größe": "Ü"}, {"a": 2**53}],
)
def test_attributes_that_are_fine(value):
    validators.attributes(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "red",
        {"": 1},
        {"x" * 101: 1},
        {"a": {"b": 1}},
        {"a": [[1]]},
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": 2**53 + 1},
        {"a": "\x00"},
        {"a\x00": 1},
        {"a": "\ud800"},
        {"a": "x" * 100_001},
        {str(number): number for number in range(501)},
    ],
)
def test_attributes_that_are_not(value):
    with pytest.raises(ValidationError):
        validators.attributes(value)


def test_translations():
    validators.translations({"de": {"title": "Apfel"}})
    for value in ([], {"de": "Apfel"}, {"de": {"title": 1}}, {"de": {"title": "\x00"}}, {"de": {"t": "x" * 100_001}}):
        with pytest.raises(ValidationError):
            validators.translations(value)
