"""Measures in one form, whichever way they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.text import normalise_units
from search.language.units import measures
from search.terms import document_terms, query_terms


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2tb hdd", "2TB hdd"),
        ("2 TB hdd", "2TB hdd"),
        ("15 inch laptop", '15" laptop'),
        ("15-inch laptop", '15" laptop'),
        ("15,6 Zoll", '15,6"'),
        ("13.3インチ", '13.3"'),
        ("500 gigabyte disk", "500GB disk"),
        ("2-Terabytes disk", "2TB disk"),
        ("gigabyte mainboard", "gigabyte mainboard"),
        ("5G phone", "5G phone"),
        ("100 Mb", "100 Mb"),
    ],
)
def test_measures_take_one_form(typed, meant):
    assert measures(typed) == meant


@pytest.mark.parametrize("typed", ["2tb", "2 tb", "2 TB", "2TB"])
def test_a_measure_is_found_by_one_term_however_it_was_written(typed):
    indices, _ = document_terms({"title": [(normalise_units("Disk 2tb"), "en")]}, "en")
    [term] = query_terms(measures(typed), "en")[0]
    assert term in indices


@given(st.text(max_size=60))
def test_once_is_enough(text):
    assert measures(measures(text)) == measures(text)
