"""What is found, in which order, and what is never shown."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from catalog import services
from catalog.models import Product
from search.encoders.base import EncoderError
from search.index.errors import VectorStoreError
from search.query import BadRequest, Filters, SearchRequest, SearchUnavailable, search
from search.query import browse as browse_module
from search.query import candidates as candidates_module
from tests import doubles, shops


def picture_of(colour: str, shape: str) -> Image.Image:
    return Image.open(io.BytesIO(shops.picture(colour, shape)))


def skus(request: SearchRequest) -> list[str]:
    return [hit.product.sku for hit in search(request).hits]


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
def test_words_find_what_has_them(shop, mode):
    assert set(skus(SearchRequest(q="chair", mode=mode))) == {"CHAIR-1", "CHAIR-2", "CHAIR-3"}


def test_meaning_alone_finds_what_is_near(shop):
    found = skus(SearchRequest(q="folding chair nord seats", mode="semantic"))
    assert found[0] == "CHAIR-1"
    assert "HUB-1" not in found


@pytest.mark.parametrize("mode", ["lexical", "semantic", "hybrid"])
@pytest.mark.parametrize("q", ["xqzvbn wrtpl", "!!!", "пщшыф", "zzzz"])
def test_gibberish_finds_nothing_and_says_so(shop, mode, q):
    result = search(SearchRequest(q=q, mode=mode))
    assert (result.hits, result.total) == ([], 0)
    assert "Nothing" in result.query["message"]


def test_words_that_no_product_has_are_named(shop):
    assert search(SearchRequest(q="laptop xqzvbn")).query["unknown_words"] == ["xqzvbn"]


@pytest.mark.parametrize("mode", ["lexical", "semantic", "hybrid"])
@pytest.mark.parametrize("code", ["LAPTOP-2", "laptop 2", "dv7-9000", "DV79000"])
def test_an_exact_code_ranks_first(shop, mode, code):
    result = search(SearchRequest(q=code, mode=mode))
    assert result.hits[0].product.sku == "LAPTOP-2"
    assert result.query["exact"] == ["LAPTOP-2"]


def test_an_ean_finds_its_product(shop):
    assert skus(SearchRequest(q="4006381333931"))[0] == "LAPTOP-1"


def test_a_part_of_a_model_number_finds_it(shop):
    assert skus(SearchRequest(q="1211ea"))[0] == "LAPTOP-1"


@pytest.mark.parametrize(
    ("q", "sku"), [("Stühle", "CHAIR-1"), ("stuhle", "CHAIR-1"), ("椅子", "CHAIR-1"), ("eiche", "CHAIR-1")]
)
def test_translated_words_find_the_product(shop, q, sku):
    assert sku in skus(SearchRequest(q=q))


def test_an_exact_code_that_the_filters_exclude_stays_out(shop):
    assert "LAPTOP-2" not in skus(SearchRequest(q="LAPTOP-2", filters=Filters(brand=("acme",))))


def test_what_was_unpublished_is_not_shown_though_the_index_lags(shop):
    Product.objects.filter(sku="CHAIR-1").update(status="archived")
    result = search(SearchRequest(q="chair", page_size=2))
    assert {hit.product.sku for hit in result.hits} == {"CHAIR-2", "CHAIR-3"}
    assert result.total == 2


def test_what_was_deleted_is_not_shown_and_the_page_is_filled(shop):
    first = search(SearchRequest(q="chair", page_size=2)).hits[0].product
    services.delete_products([first.pk])
    result = search(SearchRequest(q="chair", page_size=2))
    assert len(result.hits) == 2
    assert first.sku not in {hit.product.sku for hit in result.hits}
    assert sum(value.count for facet in result.facets if facet.name == "brand" for value in facet.values) == 2


def test_drafts_are_never_found(shop):
    assert "DRAFT-1" not in skus(SearchRequest(q="secret laptop"))
    assert "DRAFT-1" not in skus(SearchRequest(q="DRAFT-1"))
    assert "DRAFT-1" not in skus(SearchRequest())


def test_pages_follow_each_other_without_overlap(shop):
    everything = skus(SearchRequest(q="chair laptop cup", page_size=50))
    pages = [sku for page in (1, 2, 3, 4) for sku in skus(SearchRequest(q="chair laptop cup", page=page, page_size=3))]
    assert pages == everything[:12]
    assert len(set(pages)) == len(pages)


def test_a_page_beyond_the_depth_is_refused(shop):
    with pytest.raises(BadRequest, match="first 1000"):
        search(SearchRequest(q="chair", page=101, page_size=10))


def test_unwanted_words_take_products_away(shop):
    assert set(skus(SearchRequest(q="chair", not_q="deck"))) == {"CHAIR-1", "CHAIR-3"}


def test_an_unwanted_word_that_is_also_wanted_takes_nothing_away(shop):
    found = skus(SearchRequest(q="laptop", not_q="laptop case"))
    assert "CASE-1" not in found
    assert set(found) == {"LAPTOP-1", "LAPTOP-2"}


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("price", ["CHAIR-1", "CHAIR-2", "CHAIR-3"]),
        ("-price", ["CHAIR-3", "CHAIR-2", "CHAIR-1"]),
        ("title", ["CHAIR-2", "CHAIR-1", "CHAIR-3"]),
    ],
)
def test_hits_can_be_sorted(shop, sort, expected):
    assert skus(SearchRequest(q="chair", sort=sort)) == expected


def test_what_has_no_date_comes_last(shop):
    assert skus(SearchRequest(sort="-released"))[:2] == ["LAPTOP-2", "LAPTOP-1"]
    assert len(skus(SearchRequest(sort="-released"))) == 11


def test_explain_adds_up_to_the_score(shop):
    for hit in search(SearchRequest(q="office chair", explain=True)).hits:
        assert hit.explanation
        added = sum(part["contribution"] for part in hit.explanation.values())
        assert added == pytest.approx(hit.score, abs=1e-5)
        assert {"score", "rank", "weight", "contribution"} == hit.explanation["terms"].keys()


def test_without_explain_there_is_no_explanation(shop):
    assert search(SearchRequest(q="chair")).hits[0].explanation is None


@pytest.mark.parametrize("q", ["", "chair"])
def test_the_number_of_database_queries_does_not_grow_with_the_hits(shop, q):
    def queries(page_size: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(search(SearchRequest(q=q, page_size=page_size)).hits) == page_size
        return len(captured)

    search(SearchRequest(q=q))
    assert queries(3) == queries(1) <= 20


def test_a_failing_text_encoder_leaves_words(shop):
    result = search(SearchRequest(q="chair encoder-outage"))
    assert result.query["mode"] == "lexical"
    assert "text encoder" in result.query["degraded"][0]


def test_while_the_store_is_down_the_database_answers_and_says_so(shop, monkeypatch):
    def down(*_args, **_kwargs):
        raise VectorStoreError("no answer", permanent=False)

    monkeypatch.setattr(candidates_module, "retrieve", down)
    result = search(SearchRequest(q="chair"))
    assert result.total == 3
    assert "does not answer" in result.query["degraded"][0]


def test_browsing_goes_on_while_the_store_is_down(shop, monkeypatch):
    def down():
        raise VectorStoreError("no answer", permanent=False)

    monkeypatch.setattr(browse_module, "live_collection", down)
    result = search(SearchRequest(filters=Filters(category="seats")))
    assert result.total == 3
    assert result.query["degraded"]


def test_a_picture_finds_what_looks_like_it(shop):
    result = search(SearchRequest(image=picture_of("blue", "rectangle"), page_size=3))
    assert result.hits[0].product.sku == "CHAIR-1"


def test_more_like_a_product_leaves_that_one_out(shop):
    result = search(SearchRequest(image_of="CHAIR-3", explain=True))
    assert result.hits[0].product.sku == "CASE-1"  # the other black rectangle
    assert "CHAIR-3" not in {hit.product.sku for hit in result.hits}
    assert result.query["image_of"] == "CHAIR-3"
    assert set(result.hits[0].explanation) == {"image"}


@pytest.mark.parametrize("colour", ["blue", "green"])
def test_words_beside_a_picture_lift_what_has_them(shop, colour):
    """How far is up to the encoder; the double's pictures and words have nothing to do with each other."""
    by_sku = {
        hit.product.sku: hit.explanation
        for hit in search(SearchRequest(image_of="CUP-red", q=f"espresso {colour}", explain=True)).hits
    }
    assert {"image", "terms"} <= by_sku[f"CUP-{colour}"].keys()
    assert by_sku[f"CUP-{colour}"]["terms"]["rank"] == 1


def test_a_picture_alone_finds_only_what_has_pictures(shop):
    assert not {"HUB-1", "LAPTOP-1", "LAPTOP-2"} & set(skus(SearchRequest(image_of="CUP-red")))


def test_a_picture_of_an_unknown_product_is_refused(shop):
    with pytest.raises(BadRequest, match="NOPE"):
        search(SearchRequest(image_of="NOPE"))


def test_a_product_without_a_picture_is_refused_as_a_picture(shop):
    with pytest.raises(BadRequest, match="no picture"):
        search(SearchRequest(image_of="HUB-1"))


def test_a_failing_picture_encoder_is_said_so(shop, monkeypatch):
    def broken(self, images):
        raise EncoderError("out of memory", permanent=False)

    monkeypatch.setattr(doubles.HashedWordsAndColours, "encode_images", broken)
    with pytest.raises(SearchUnavailable, match="out of memory"):
        search(SearchRequest(image=Image.new("RGB", (8, 8))))


def test_before_anything_is_indexed_the_database_answers_and_says_so(shop, quick_encoders, vector_store):
    result = search(SearchRequest(q="chair"))
    assert result.total == 3
    assert "Nothing has been indexed yet" in result.query["degraded"][0]
