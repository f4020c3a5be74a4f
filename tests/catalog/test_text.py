"""Texts are repaired where they have one reading, and refused with a sentence otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.models import Brand, Product
from catalog.text import (
    TextError,
    clean_code,
    clean_html,
    clean_text,
    normalise_code,
    normalise_units,
    slug_for,
    unique_slug,
    unique_slugs,
)

PIECES = st.lists(
    st.sampled_from(
        ["<b>", "</b>", "<td>", "<p>", "</p>", "<br/>", "<script>", "<", ">", "&", "amp;", "lt;", "&lt;p&gt;", "&amp;",
         "&#8364;", "schÃ¶n", "â‚¬", " ", "\n", "\r\n", "\t", "\x00", "\u202e", "\ud800", "word", "é", "e\u0301",
         "日本", "• "]
    )
    | st.text(max_size=5),
    max_size=12,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        ("schÃ¶n", "schön"),
        ("Ð¡Ñ‹Ñ€", "Сыр"),
        ("it&#39;s 5 &amp; 6", "it's 5 & 6"),
        ("<b>Bold</b> move", "Bold move"),
        ("a<script>alert(1)</script>b", "ab"),
        ("&lt;p&gt;escaped twice&lt;/p&gt;", "escaped twice"),
        ("a\x00b\x07c", "abc"),
        ("safe\u202efdp.exe", "safefdp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("two\u00a0\t\n words", "two words"),
        ("e\u0301", "é"),
        ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
        ("List<String>", "List<String>"),
        ("family 👨‍👩‍👧 می‌خواهم", "family 👨‍👩‍👧 می‌خواهم"),
        ("“curly” – dash", "“curly” – dash"),
    ],
)
def test_a_line_is_repaired(given_text, cleaned):
    assert clean_text(given_text) == cleaned


def test_markup_becomes_lines_and_list_items():
    text = "<div><h2>Care</h2><p>Wash &amp; dry.<br>Iron.</p><ul>\n<li>cold</li>\n<li>by <b>hand</b></li></ul></div>"
    assert clean_html(text) == "Care\n\nWash & dry.\nIron.\n\n• cold\n• by hand"


def test_a_description_without_markup_keeps_its_lines():
    assert clean_html("first\r\nsecond\n\n\n\nthird  line") == "first\nsecond\n\nthird line"


@given(PIECES)
def test_cleaning_twice_changes_nothing_more_and_leaves_nothing_that_breaks(text):
    for clean in (clean_text, clean_html):
        once = clean(text)
        assert clean(once) == once
        once.encode()
        assert "\x00" not in once
        assert "<script" not in once.lower()
        assert "\u202e" not in once


def test_too_long_a_text_is_refused_with_its_length():
    with pytest.raises(TextError, match="title has 501 characters; at most 500"):
        clean_text("x" * 501, limit=500, name="title")
    with pytest.raises(TextError, match="at most 1,000,000 are read"):
        clean_html("x" * 10_000_000)


@pytest.mark.parametrize("broken", ["A\x001", "A\n1", "A\u202e1", "A\u200b1"])
def test_a_code_is_refused_rather_than_repaired(broken):
    with pytest.raises(TextError, match="control or invisible"):
        clean_code(broken, limit=64, name="sku")


def test_codes_are_compared_without_case_space_and_punctuation():
    assert normalise_code("DV7-1211 EA") == normalise_code("dv7-1211ea") == "dv71211ea"
    assert normalise_code("ＡＢ－１") == "ab1"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("2TB", "2 TB"),
        ("2 tb", "2 TB"),
        ("16gb DDR4", "16 GB DDR4"),
        ("2,5GHZ", "2,5 GHz"),
        ("15.6''", '15.6"'),
        ("17 inch", '17"'),
        ("5G", "5G"),
        ("100 Mb", "100 Mb"),
        ("10m", "10m"),
        ("ABC-2TB", "ABC-2TB"),
        ("M2.5mmx4", "M2.5mmx4"),
        ("100 MB/s", "100 MB/s"),
    ],
)
def test_measures_are_written_one_way_and_doubtful_ones_left(written, normal):
    assert normalise_units(written) == normal
    assert normalise_units(normal) == normal


@given(st.text(max_size=60), st.integers(10, 60))
def test_a_slug_is_never_empty_nor_too_long(text, limit):
    slug = slug_for(text, max_length=limit)
    assert 0 < len(slug) <= limit
    assert slug == slug_for(slug, max_length=limit)


def test_a_slug_keeps_letters_of_any_script():
    assert slug_for("Größe 42 – 日本", max_length=50) == "größe-42-日本"


@pytest.mark.django_db
def test_slugs_of_a_batch_differ_from_each_other_and_from_the_database():
    Product.objects.create(sku="old", slug="red-shoe", title="Red shoe")
    slugs = unique_slugs(Product, [("Red shoe", "A 1"), ("Red shoe", "A 2"), ("Blue shoe", "A 3"), ("", "A 4")])
    assert slugs == ["red-shoe-a-1", "red-shoe-a-2", "blue-shoe", "a-4"]


@pytest.mark.django_db
def test_a_slug_is_free_even_where_text_and_key_are_taken():
    row = Brand.objects.create(name="C", slug="c")
    Brand.objects.create(name="C again", slug="c-2")
    other = unique_slug(Brand, "C++")
    assert other not in ("c", "c-2")
    assert other.startswith("c-")
    assert unique_slug(Brand, "C", exclude_pk=row.pk) == "c"


@pytest.mark.django_db
def test_a_long_title_and_a_long_key_still_fit():
    Product.objects.create(sku="old", slug="x" * 220, title="x")
    assert len(unique_slug(Product, "x" * 500, key="k" * 64)) <= 220
