"""The demo shop's own files: complete, without contradictions, and worded like a shop."""

import random
import string
from collections import Counter

import pytest

from catalog.demo import assortment, wording
from catalog.demo.products import _draw, ean13, price


def test_there_are_731_items_with_titles_of_their_own():
    titles = [item.title for item in assortment.items()]
    assert len(titles) == 731
    assert [title for title, times in Counter(titles).items() if times > 1] == []


def test_every_kind_is_used_and_has_a_maker_and_a_merchant():
    assert {item.kind.name for item in assortment.items()} == set(assortment.kinds())
    for kind in assortment.kinds().values():
        assert any(kind.domain in brand.domains for brand in assortment.brands()), kind.name
        assert any(kind.domain in store.domains for store in assortment.stores()), kind.name
        assert kind.price > 0
        assert 0 < kind.spread < 1


def test_brand_codes_and_names_are_unique():
    brands = assortment.brands()
    assert 20 <= len(brands) <= 40
    assert len({brand.name for brand in brands}) == len({brand.code for brand in brands}) == len(brands)
    assert 8 <= len({store.name for store in assortment.stores()}) == len(assortment.stores())


def test_categories_are_two_or_three_levels_deep_and_no_leaf_is_also_a_branch():
    categories = {item.category for item in assortment.items()}
    assert {category.count(" > ") for category in categories} == {1, 2}
    branches = {category.rsplit(" > ", 1)[0] for category in categories}
    assert not categories & branches


@pytest.mark.parametrize("kind", assortment.kinds().values(), ids=lambda kind: kind.name)
def test_templates_name_only_what_the_kind_knows(kind):
    known = {"name", "Name", "a_name", "A_name", "brand"} | {
        f"{key}{form}" for key in kind.attributes for form in ("", "_lower", "_upper")
    }
    for sentences in kind.text.values():
        for sentence in sentences:
            assert {field for _, field, _, _ in string.Formatter().parse(sentence) if field} <= known, sentence
    assert len(kind.text["opening"]) >= 2
    assert len(kind.text["detail"]) >= 2


def test_descriptions_read_as_sentences():
    brands = assortment.brands()
    for item in assortment.items():
        chance = random.Random(item.label)
        brand = chance.choice([brand for brand in brands if item.kind.domain in brand.domains])
        attributes = {key: _draw(rule, chance) for key, rule in (item.kind.attributes | item.attributes).items()}
        text = wording.description(item, brand, attributes, chance, "blue")
        assert text[0].isupper() or text[0].isdigit()
        assert text.endswith("This one is blue; it comes in other colours too.")
        assert not set("{}[]") & set(text)
        assert "  " not in text
        assert ".." not in text
        assert " a a" not in text.lower()
        for vowel in "aeio":
            assert f" a {vowel}" not in text, text


def test_offers_name_things_that_are_sold():
    labels = {item.label for item in assortment.items()}
    paths = {item.category for item in assortment.items()}
    branches = {" > ".join(path.split(" > ")[:depth]) for path in paths for depth in (1, 2, 3)}
    offers = assortment.offers()
    for entry in offers["promotion"] + offers["collection"]:
        assert set(entry.get("labels", [])) <= labels, entry
        assert set(entry.get("categories", [])) <= branches, entry
        assert set(entry.get("brands", [])) <= {brand.name for brand in assortment.brands()}, entry
    assert {entry["kind"] for entry in offers["promotion"]} == {"percent", "amount", "buy_x_get_y", "free_shipping"}


def test_ean_has_its_check_digit_and_does_not_repeat():
    # GS1's own worked example for the rule, without the shop's prefix: 629104150021 -> 3.
    digits = [int(digit) for digit in "6291041500213"]
    assert sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0
    codes = [ean13(number) for number in range(5000)]
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert len(code) == 13
        assert code.startswith("20")
        assert sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(code)) % 10 == 0


@pytest.mark.parametrize(("value", "shown"), [(0.05, "0.29"), (2.83, "2.79"), (18.9, "18.95"), (328.7, "328.95")])
def test_prices_end_like_prices(value, shown):
    assert price(value) == shown


def test_translations_say_what_a_thing_is_and_its_colour():
    item = next(item for item in assortment.items() if item.label == "octopus")
    said = wording.translations(item, {"de": "Oktopus", "ja": "タコ", "fi": "mustekala"}, "blue")
    assert said["de"]["title"] == "Oktopus – Plüschtier, blau"
    assert said["ja"]["title"] == "タコぬいぐるみ（青）"
    assert said["fi"]["title"] == "Mustekala"
