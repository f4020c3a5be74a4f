"""Which column means what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.importing.columns import MAPPABLE, SYNONYMS, attribute_name, check_mapping, guess, normalised
from catalog.importing.readers import SourceError


def test_german_and_french_exports_are_understood():
    german = guess(["Artikel-Nr.", "Bezeichnung", "Preis", "Währung", "Lagerbestand", "Marke", "Kategorie", "Farbe"])
    assert german.fields == {
        "sku": "Artikel-Nr.", "title": "Bezeichnung", "price": "Preis", "currency": "Währung",
        "stock": "Lagerbestand", "brand": "Marke", "category": "Kategorie",
    }  # fmt: skip
    assert german.attributes == {"Farbe": "farbe"}
    french = guess(["Référence", "Titre", "Prix", "Catégorie", "Marque"])
    assert french.fields["sku"] == "Référence"
    assert french.fields["category"] == "Catégorie"


def test_the_better_name_wins_and_the_other_stays_an_attribute():
    columns = guess(["id", "name", "sku", "title"])
    assert columns.fields == {"sku": "sku", "title": "title"}
    assert columns.attributes == {"id": "id", "name": "name"}


def test_the_levels_of_a_shop_make_one_path_and_the_product_type_stays_an_attribute():
    columns = guess(["sku", "title", "department", "category", "product_type", "colour", "image"])
    assert columns.levels == ["department", "category", "product_type"]
    assert columns.attributes == {"product_type": "product_type", "colour": "colour"}
    row = columns.apply({"sku": "1", "department": "Footwear", "category": "Flip Flops", "product_type": "Flip flops"})
    assert row["category"] == ["Footwear", "Flip Flops"]


def test_a_product_type_beside_a_lone_category_is_no_level():
    columns = guess(["sku", "category", "product_type"])
    assert columns.levels == []
    assert columns.fields["category"] == "category"
    assert columns.attributes == {"product_type": "product_type"}


def test_pictures_translations_and_prefixed_attributes_are_recognised():
    columns = guess(["sku", "image", "image_2", "Additional Image Link", "title_de", "description_fr", "attr:Farbe"])
    assert columns.images == ["image", "image_2", "Additional Image Link"]
    assert columns.translated == {"title_de": ("de", "title"), "description_fr": ("fr", "description")}
    assert columns.attributes == {"attr:Farbe": "farbe"}


def test_a_mapping_goes_before_any_guess():
    columns = guess(["sku", "price", "Endpreis", "foto"], {"price": "Endpreis", "images": "foto"})
    assert columns.fields["price"] == "Endpreis"
    assert columns.images == ["foto"]
    assert columns.attributes == {"price": "price"}
    with pytest.raises(SourceError, match="colour is no field"):
        check_mapping({"colour": "x"})


def test_unknown_columns_can_be_left_out():
    assert guess(["sku", "whatever"], keep_unknown=False).attributes == {}


def test_every_synonym_is_written_as_it_is_compared_and_belongs_to_one_field():
    every = [synonym for synonyms in SYNONYMS.values() for synonym in synonyms]
    assert [synonym for synonym in every if normalised(synonym) != synonym] == []
    assert len(every) == len(set(every))


KNOWN = st.sampled_from(sorted(synonym for synonyms in SYNONYMS.values() for synonym in synonyms))


@given(st.lists(KNOWN | st.text(max_size=12), unique=True, max_size=15))
def test_every_column_has_one_meaning_at_most_and_none_is_lost(names):
    columns = guess(names)
    assert set(columns.fields) <= set(MAPPABLE)
    used = [*columns.fields.values(), *columns.levels, *columns.images, *columns.translated]
    assert len(used) == len(set(used))
    assert {name for name in names if name.strip()} == {*used, *columns.attributes}


@given(st.text(max_size=20))
def test_the_name_of_an_attribute_is_stable(name):
    assert attribute_name(attribute_name(name)) == attribute_name(name)
