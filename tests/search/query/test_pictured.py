"""Searching with pictures: several, parts of them, and words that say how the thing should differ from them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from catalog.models import Product
from search.language.interpret import Given
from search.query import BadRequest, SearchRequest, search
from search.query.beside import interpret_beside
from search.query.crop import Crop, aligned
from search.query.kinds import KIND, prefer

pytestmark = pytest.mark.django_db


def skus(request: SearchRequest) -> list[str]:
    return [hit.product.sku for hit in search(request).hits]


@pytest.mark.parametrize(
    ("words", "left", "unwanted"),
    [
        ("blue", "blue", []),
        ("but in blue", "blue", []),
        ("the same in red", "red", []),
        ("the same, but in a dark blue", "dark blue", []),
        ("something like this, only smaller", "smaller", []),
        ("without stripes", "", ["stripes"]),
        ("in blue without stripes", "blue", ["stripes"]),
        ("green -stripes", "green", ["stripes"]),
        ("das gleiche in blau", "blau", []),
        ("le même en bleu", "bleu", []),
        ("el mismo en azul", "azul", []),
        ("同款红色", "红色", []),
        ("like this", "", []),
        ("butter", "butter", []),
        ("inlay", "inlay", []),
        ("sameness", "sameness", []),
        ("", "", []),
    ],
)
def test_what_words_beside_a_picture_ask_for(words: str, left: str, unwanted: list[str]) -> None:
    found = interpret_beside(SearchRequest(q=words, image_of="CUP-red"), Given())
    assert (found.text, [each for each, _ in found.unwanted]) == (left, unwanted)


@given(st.text(max_size=60))
def test_no_text_beside_a_picture_is_too_odd(text: str) -> None:
    found = interpret_beside(SearchRequest(q=text), Given())
    assert len(found.text) <= len(text) + 20


@pytest.mark.parametrize("words", ["like this but cheaper", "etwas günstiger", "moins cher", "便宜一点的"])
def test_cheaper_is_below_the_product_s_own_price(shop: dict[str, Product], words: str) -> None:
    result = search(SearchRequest(image_of="CHAIR-2", q=words))
    assert result.hits
    assert all(hit.product.price < shop["CHAIR-2"].price for hit in result.hits)
    assert [each["kind"] for each in result.query["understood"]] == ["price"]
    dearer = search(SearchRequest(image_of="CHAIR-2", q="more expensive")).hits
    assert [hit.product.sku for hit in dearer] == ["CHAIR-3"]


def test_a_comparison_without_a_price_filters_nothing(shop: dict[str, Product]) -> None:
    picture = Image.new("RGB", (32, 32), "#2d5fd0")
    whole = search(SearchRequest(image=picture, page_size=50))
    assert search(SearchRequest(image=picture, q="cheaper", page_size=50)).total == whole.total


def test_a_comparison_can_be_taken_back(shop: dict[str, Product]) -> None:
    result = search(SearchRequest(image_of="CHAIR-2", q="cheaper", literal=("cheaper",)))
    assert "understood" not in result.query


def test_another_colour_of_the_same_kind_comes_first(shop: dict[str, Product]) -> None:
    result = search(SearchRequest(image_of="CUP-red", q="the same but in blue", explain=True))
    assert result.hits[0].product.sku == "CUP-blue"
    assert result.hits[0].explanation[KIND]["score"] == 1.0
    assert KIND not in search(SearchRequest(image_of="CUP-red", explain=True)).hits[0].explanation


def test_an_uploaded_picture_s_kind_is_that_of_what_looks_like_it(shop: dict[str, Product]) -> None:
    with shop["CUP-red"].pictures.first().file.open() as file, Image.open(file) as image:
        result = search(SearchRequest(image=image.convert("RGB"), q="blue", explain=True))
    shares = {hit.product.sku: hit.explanation.get(KIND, {}).get("score", 0.0) for hit in result.hits}
    assert shares["CUP-blue"] > 0


def test_words_that_name_a_kind_go_before_that_of_the_picture(shop: dict[str, Product]) -> None:
    kitchen, seats = shop["CUP-red"].category_id, shop["CHAIR-1"].category_id
    chairs = [(shop[f"CHAIR-{number}"].pk, 3.0) for number in (1, 2, 3)]
    cups = [(shop[f"CUP-{colour}"].pk, 0.9) for colour in ("red", "blue", "green")]
    lists = {"": {"terms": chairs, "image": cups}}
    prefer(lists, {kitchen: 1.0})
    assert KIND not in lists[""]
    prefer(lists, {seats: 0.5, kitchen: 0.5})
    assert len(lists[""][KIND]) == 6
    lists = {"": {"terms": [chairs[0], cups[0]], "image": cups}}
    prefer(lists, {kitchen: 1.0})
    assert {id for id, _ in lists[""][KIND]} == {id for id, _ in cups}, "words that all kinds have name none"


def test_several_pictures_ask_for_what_they_have_in_common(shop: dict[str, Product]) -> None:
    both = search(SearchRequest(image_of=("CUP-red", "CUP-blue"), page_size=20))
    assert both.hits[0].product.sku in ("CUP-green", "MUG-black")
    assert not {"CUP-red", "CUP-blue"} & {hit.product.sku for hit in both.hits}
    assert both.query["image_of"] == ["CUP-red", "CUP-blue"]
    turned = search(SearchRequest(image_of=("CUP-blue", "CUP-red"), page_size=20))
    assert [hit.product.sku for hit in turned.hits] == [hit.product.sku for hit in both.hits]


def test_too_many_pictures_or_regions_are_refused(shop: dict[str, Product]) -> None:
    with pytest.raises(BadRequest, match="At most 4"):
        search(SearchRequest(image_of=("CUP-red",) * 5))
    with pytest.raises(BadRequest, match="more regions"):
        search(SearchRequest(image_of="CUP-red", crop=(None, None)))


# Regions ----------------------------------------------------------------------------------------------------------


@given(st.text(max_size=30) | st.lists(st.floats(), min_size=3, max_size=5).map(lambda each: ",".join(map(str, each))))
def test_a_region_is_inside_the_picture_or_refused(text: str) -> None:
    crop = None
    with contextlib.suppress(ValueError):
        crop = Crop.parse(text)
    if crop is not None:
        part = crop.of(Image.new("RGB", (640, 480)))
        assert 0 < part.width <= 640
        assert 0 < part.height <= 480
        assert Crop.parse(str(crop)) == crop


def test_a_region_cuts_what_it_says() -> None:
    image = Image.new("RGB", (100, 50), "white")
    image.paste("red", (50, 0, 100, 50))
    part = Crop(0.5, 0.0, 0.5, 1.0).of(image)
    assert part.size == (50, 50)
    assert part.getcolors() == [(2500, (255, 0, 0))]
    assert Crop(0.99, 0.99, 0.01, 0.01).of(Image.new("RGB", (1, 1))).size == (1, 1)
    assert Crop.parse("0,0,1,1") is None


def test_regions_belong_to_pictures_in_their_order() -> None:
    assert aligned(["a", "b"], ["0,0,1,1"]) == [("a", "0,0,1,1"), ("b", "")]
    with pytest.raises(ValueError, match="more regions"):
        aligned(["a"], ["x", "y"])
