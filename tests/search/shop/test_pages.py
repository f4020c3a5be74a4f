"""Every page of the shop: what it shows, what it hides, what it costs, and that nothing can be written into it."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import services
from catalog.models import Brand, Category, Picture, Product, Promotion, Variant
from search.query.crop import Crop
from search.query.errors import BadRequest, SearchUnavailable
from tests.search.shop.conftest import picture

pytestmark = pytest.mark.django_db

XSS = "<script>alert('\"x')</script>"
LISTINGS = ["/search", "/c/kitchen", "/b/acme", "/s/corner-shop", "/promo/kitchen-week", "/collection/first-flat"]


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


# The front page ---------------------------------------------------------------------------------------------------


def test_the_front_page_shows_what_the_catalogue_has(client, catalogue):
    page = text_of(client.get("/"))
    for expected in (
        "6 things",
        "Home",
        "4 products",
        "Garden",
        "Kitchen week",
        "−25%",
        "First flat",
        "Corner shop",
        "Deck chair",
    ):
        assert expected in page


def test_what_is_not_published_is_not_on_the_front_page(client, catalogue):
    assert "Reading lamp" in text_of(client.get("/"))
    services.archive([catalogue["LAMP-1"].pk])
    assert "Reading lamp" not in text_of(client.get("/")), "though the overview is kept for a minute"


def test_the_front_page_costs_the_same_however_much_there_is(client, catalogue):
    def queries() -> int:
        cache.clear()
        with counted() as spent:
            client.get("/")
        return len(spent.captured_queries)

    before = queries()
    double(catalogue)
    assert queries() == before


# Listings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", LISTINGS)
def test_a_listing_shows_cards_with_prices_and_pictures(client, catalogue, found, address):
    found()
    page = client.get(address)
    assert page.status_code == 200
    html = page.content.decode()
    assert "Espresso cup, red" in html
    assert "€9.00" in html, "25% off 12"
    assert "€12.00" in html, "struck"
    assert 'srcset="/media/thumbnails/' in html
    assert "Sold out" in html
    assert "Remove" not in html, "what the page itself sets is not to be taken back"


@pytest.mark.parametrize(
    ("address", "field", "value"),
    [
        ("/c/kitchen", "category", "kitchen"),
        ("/b/acme", "brand", ("acme",)),
        ("/s/corner-shop", "store", ("corner-shop",)),
        ("/promo/kitchen-week", "promotion", "kitchen-week"),
        ("/collection/first-flat", "collection", "first-flat"),
    ],
)
def test_a_listing_asks_for_its_own_products_and_keeps_to_them(client, catalogue, found, address, field, value):
    asked = found()
    client.get(f"{address}?q=cup&{field}=something-else")
    assert getattr(asked[0].filters, field) == value
    assert asked[0].q == "cup"


@pytest.mark.parametrize("address", LISTINGS)
def test_a_listing_costs_the_same_however_much_it_shows(client, catalogue, found, address):
    found()
    client.get(address)
    with counted() as few:
        client.get(address)
    double(catalogue)
    with counted() as many:
        client.get(address)
    assert len(many.captured_queries) == len(few.captured_queries)


def test_each_condition_can_be_taken_back_alone(client, catalogue, found):
    found()
    html = client.get(
        "/search?q=cup&brand=acme&brand=nord&attributes.colour=red&price_max=50&page=2&not=tin"
    ).content.decode()
    chips = dict(re.findall(r'class="chip" href="([^"]+)" aria-label="Remove the filter ([^"]+)"', html))
    chips = {label: address.replace("&amp;", "&") for address, label in chips.items()}
    assert chips == {
        "Acme": "/search?q=cup&brand=nord&attributes.colour=red&price_max=50&not=tin",
        "Nord": "/search?q=cup&brand=acme&attributes.colour=red&price_max=50&not=tin",
        "Colour: red": "/search?q=cup&brand=acme&brand=nord&price_max=50&not=tin",
        "Up to 50": "/search?q=cup&brand=acme&brand=nord&attributes.colour=red&not=tin",
        "Without tin": "/search?q=cup&brand=acme&brand=nord&attributes.colour=red&price_max=50",
    }


def test_conditions_without_a_control_travel_with_the_form(client, catalogue, found):
    found()
    html = client.get("/search?q=cup&tag=gift&tag=new&store=corner-shop&brand=acme&page=2").content.decode()
    carried = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', html.split('id="listing"')[1])
    assert carried[:4] == [("q", "cup"), ("tag", "gift"), ("tag", "new"), ("store", "corner-shop")]


def test_pages_have_addresses(client, catalogue, found):
    found(total=1000)
    html = client.get("/search?q=cup&page=2").content.decode()
    assert 'href="/search?q=cup&amp;page=3" rel="next"' in html
    assert 'href="/search?q=cup" rel="prev"' in html
    assert "Page 2 of 41" in html, "no link leads beyond what the search ranks"


def test_nothing_found_is_said_and_helped(client, catalogue, found):
    found(hits=[], total=0)
    assert "Nothing matches “blorb”" in text_of(client.get("/search?q=blorb"))
    assert "Clear all filters" in text_of(client.get("/search?q=cup&brand=acme"))


def test_a_page_behind_the_last_leads_back(client, catalogue, found):
    found(hits=[])
    assert "Back to the first page" in text_of(client.get("/search?q=cup&page=9"))


def test_a_search_that_is_down_is_a_503_with_the_shop_around_it(client, catalogue, found):
    found(SearchUnavailable("qdrant.internal:6333 refused"))
    page = client.get("/search?q=cup")
    assert page.status_code == 503
    assert "short break" in text_of(page)
    assert 'value="cup"' in page.content.decode(), "the words are still in the box"
    assert "Garden" in text_of(page)
    assert "6333" not in page.content.decode()


def test_a_request_that_the_search_refuses_is_a_400_with_its_sentence(client, catalogue, found):
    found(BadRequest("image_of", "There is no product with this sku."))
    page = client.get("/search?image_of=nothing")
    assert page.status_code == 400
    assert "There is no product with this sku." in text_of(page)


@pytest.mark.parametrize(
    "address", ["?page=x", "?sort=%27", "?price_min=nan", "?q=%00", "?picture=../../x", "?attributes.%00=1"]
)
@pytest.mark.parametrize("listing", ["/search", "/c/kitchen"])
def test_hostile_parameters_get_a_page_and_no_500(client, catalogue, found, listing, address):
    found()
    page = client.get(listing + address)
    assert page.status_code in (400, 410)
    assert "<main" in page.content.decode()


def test_a_thousand_parameters_are_refused(client, catalogue, found):
    found()
    assert client.get("/search?" + "&".join(f"a{n}=1" for n in range(1100))).status_code == 400


@pytest.mark.parametrize(
    "parameter", ["q", "not", "brand", "category", "tag", "attributes.colour", f"attributes.{XSS}", XSS, "image_of"]
)
def test_nothing_in_the_address_becomes_markup(client, catalogue, found, parameter):
    found()
    html = client.get("/search", {parameter: XSS}).content.decode()
    assert "<script>alert" not in html
    assert "('\"x" not in html


# Products ---------------------------------------------------------------------------------------------------------


def test_a_product_page_shows_all_of_it(client, catalogue):
    lamp = client.get(catalogue["LAMP-1"].get_absolute_url())
    page = text_of(lamp)
    for expected in (
        "Reading lamp",
        "€10.00",
        "€20.00",
        "−50%",
        "In stock",
        "Small",
        "Large",
        "€30.00",
        "Colour blue",
        "SKU LAMP-1",
        "Corner shop",
        "Home",
    ):
        assert expected in page
    html = lamp.content.decode()
    assert 'alt="Reading lamp, switched on"' in html
    assert f'<link rel="canonical" href="http://testserver{catalogue["LAMP-1"].get_absolute_url()}">' in html


def test_a_variant_has_its_own_price_and_stock(client, catalogue):
    page = text_of(client.get(catalogue["LAMP-1"].get_absolute_url() + "?variant=LAMP-1-L"))
    assert "Reading lamp, Large" in page
    assert "€30.00" in page
    assert "Sold out" in page


def test_a_product_shows_its_other_colours_and_its_promotion(client, catalogue):
    html = client.get(catalogue["CUP-red"].get_absolute_url()).content.decode()
    assert "3 versions" in html
    for colour in ("blue", "green"):
        assert f'href="{catalogue[f"CUP-{colour}"].get_absolute_url()}"' in html
    assert "Kitchen week" in html


def test_stock_of_variants_counts(client, catalogue, found):
    Product.objects.filter(sku="LAMP-1").update(stock=0)
    assert "In stock" in text_of(client.get(catalogue["LAMP-1"].get_absolute_url()))
    found()
    cards = client.get("/search").content.decode().split("<article")
    assert "Sold out" not in next(card for card in cards if "Reading lamp" in card)
    assert "Sold out" in next(card for card in cards if "Deck chair" in card)


def test_a_product_costs_the_same_however_much_it_has(client, catalogue):
    address = catalogue["CUP-red"].get_absolute_url()
    with counted() as few:
        client.get(address)
    double(catalogue)
    with counted() as many:
        client.get(address)
    assert len(many.captured_queries) == len(few.captured_queries)


def test_structured_data_says_what_is_sold_and_cannot_break_out(client, catalogue):
    cup = catalogue["CUP-red"]
    cup.title, cup.description = f"Cup </script>{XSS}", "Tea & <b>coffee</b>"
    services.save_product(cup)
    html = client.get(cup.get_absolute_url()).content.decode()
    assert "<script>alert" not in html
    product, crumbs = json.loads(html.split('<script type="application/ld+json">')[1].split("</script>")[0])
    assert product["name"] == cup.title
    assert product["offers"] == {
        "@type": "Offer",
        "url": f"http://testserver{cup.get_absolute_url()}",
        "price": "9.00",
        "priceCurrency": "EUR",
        "availability": "https://schema.org/InStock",
    }
    assert [item["name"] for item in crumbs["itemListElement"]] == ["Home", "Kitchen"]


def test_an_archived_product_is_gone_and_a_draft_was_never_here(client, catalogue):
    address = catalogue["LAMP-1"].get_absolute_url()
    services.archive([catalogue["LAMP-1"].pk])
    page = client.get(address)
    assert page.status_code == 410
    assert "no longer sold" in text_of(page)
    Product.objects.filter(sku="LAMP-1").update(status="draft")
    assert client.get(address).status_code == 404


def test_names_from_the_catalogue_are_escaped_everywhere(client, catalogue, found):
    found()
    Brand.objects.filter(slug="acme").update(name=XSS)
    Category.objects.filter(slug="kitchen").update(name=XSS)
    cup = catalogue["CUP-red"]
    cup.title, cup.attributes = XSS, {XSS: XSS, "colour": XSS}
    services.save_product(cup)
    for address in ("/", "/search", "/b/acme", "/c/kitchen", cup.get_absolute_url()):
        assert "<script>alert" not in client.get(address).content.decode()


def test_a_product_with_nothing_but_a_name_has_a_page(client, db):
    bare = Product(sku="BARE", title="Bare", status="published")
    services.save_product(bare)
    page = text_of(client.get(bare.get_absolute_url()))
    assert "Price on request" in page


# Search by picture ------------------------------------------------------------------------------------------------


def upload(client: Client, data: bytes, **fields: Any):
    # The pictures that the search has already are fields of the same name as the file.
    files = [*fields.pop("picture", ()), SimpleUploadedFile("p.jpg", data)]
    return client.post("/search/picture", {"picture": files, **fields})


def test_an_uploaded_picture_leads_to_results_that_any_process_can_page(client, catalogue, found):
    asked = found()
    answer = upload(client, picture("#c0392b"), q="blue")
    assert answer.status_code == 302
    page = Client().get(answer["location"])
    assert page.status_code == 200
    assert asked[0].q == "blue"
    assert [image.mode for image in asked[0].images] == ["RGB"]
    shown = re.search(r'src="(/search/picture/[^"]+)"', page.content.decode())[1]
    assert client.get(shown)["content-type"] == "image/webp"


@pytest.mark.parametrize("data", [b"%PDF-1.7", picture("#c0392b")[:99], b"<html><script>alert(1)</script>"])
def test_what_is_no_picture_is_refused_on_the_page(client, catalogue, data):
    page = upload(client, data)
    assert page.status_code == 400
    assert 'role="alert"' in page.content.decode()


def test_a_form_without_a_picture_is_refused(client, catalogue):
    assert client.post("/search/picture").status_code == 400


def test_uploads_need_the_form_s_token(catalogue):
    assert upload(Client(enforce_csrf_checks=True), picture("#c0392b")).status_code == 403


def test_one_address_may_leave_only_so_many_pictures(client, catalogue):
    answers = [upload(client, picture("#c0392b", side=48)).status_code for _ in range(31)]
    assert set(answers[:30]) == {302}
    assert answers[30] == 429


def address_of(client: Client, *colours: str) -> str:
    """The address of a search with several uploaded pictures, one added after the other."""
    carried: dict[str, Any] = {"q": "cup", "brand": ["acme", "nord"]}
    for colour in colours:
        answer = upload(client, picture(colour), **carried)
        assert answer.status_code == 302, answer.content
        carried = dict(QueryDict(answer["location"].partition("?")[2]).lists())
    return answer["location"]


def test_another_picture_joins_the_search_with_its_words_and_filters(client, catalogue, found):
    asked = found()
    page = client.get(address_of(client, "#c0392b", "#2d5fd0"))
    assert len(asked[0].images) == 2
    assert (asked[0].q, asked[0].filters.brand) == ("cup", ("acme", "nord"))
    html = page.content.decode()
    assert "Like these pictures" in text_of(page)
    without = re.findall(r'<a class="link remove" href="([^"]+)"', html)
    assert len(without) == 2
    client.get(unescape(without[0]))
    assert len(asked[1].images) == 1
    assert asked[1].filters.brand == ("acme", "nord")


def test_a_search_takes_four_pictures_and_no_fifth(client, catalogue, found):
    found()
    address = address_of(client, "#c0392b", "#2d5fd0", "#2e9d57", "#f2c230")
    assert "data-adds" not in client.get(address).content.decode()
    carried = dict(QueryDict(address.partition("?")[2]).lists())
    refused = upload(client, picture("#111111"), **carried)
    assert refused.status_code == 400
    assert "At most 4 pictures" in text_of(refused)
    assert client.get(f"{address}&image_of=CUP-red").status_code == 400


def test_a_part_of_a_product_s_picture_is_set_by_four_numbers(client, catalogue, found):
    asked = found()
    edges = {"region_x": "10", "region_y": "20", "region_width": "50", "region_height": "90"}
    answer = client.get("/search/region", {"image_of": "CUP-red", "q": "blue", "region_of": "0", **edges})
    assert answer.status_code == 302
    page = client.get(answer["location"])
    assert asked[0].crop == (Crop(0.1, 0.2, 0.5, 0.8),), "what reaches beyond the picture is cut off"
    assert (asked[0].skus, asked[0].q) == (("CUP-red",), "blue")
    assert "M0 0H100V100H0ZM10 20h50v80h-50z" in page.content.decode(), "the page shows which part it is"
    client.get(unescape(re.search(r'href="([^"]+)">Whole picture<', page.content.decode())[1]))
    assert asked[1].crop in ((), (None,))


@pytest.mark.parametrize(
    "changed",
    [
        {"region_of": "1"},
        {"region_of": "-1"},
        {"region_of": "٠"},
        {"region_of": ""},
        {"region_x": "nan"},
        {"region_x": "-5"},
        {"region_y": "100"},
        {"region_width": "0"},
        {"region_width": "1e400"},
        {"region_height": "<script>"},
    ],
)
def test_a_part_that_makes_no_sense_is_refused_with_a_sentence(client, catalogue, changed):
    edges = {"region_x": "10", "region_y": "20", "region_width": "50", "region_height": "50"}
    answer = client.get("/search/region", {"image_of": "CUP-red", "region_of": "0", **edges, **changed})
    assert answer.status_code == 400
    assert re.search(r"region|picture", text_of(answer))


@pytest.mark.parametrize(
    "crop", ["", "1", "0,0,1", "0,0,1,1,1", "a,b,c,d", "0,0,nan,1", "-1,0,1,1", ".5,.5,.6,.5", "0,0,0,0"]
)
def test_a_region_in_the_address_is_checked(client, catalogue, found, crop):
    found()
    answer = client.get("/search", {"image_of": "CUP-red", "crop": crop})
    assert answer.status_code == (200 if crop == "" else 400)
    assert client.get("/search", {"image_of": "CUP-red", "crop": ["0,0,1,1", "0,0,1,1"]}).status_code == 400


def test_an_expired_picture_asks_for_it_again(client, catalogue, found):
    found()
    page = client.get("/search?picture=2020-01-01-" + "0" * 32)
    assert page.status_code == 410
    assert "expired" in text_of(page)


# Around it --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["/p/no", "/c/no", "/b/no", "/s/no", "/promo/no", "/collection/no", "/nowhere", "/p/%00", "/search/picture/x"],
)
def test_what_is_not_there_is_a_404_with_the_shop_around_it(client, catalogue, address):
    page = client.get(address)
    assert page.status_code == 404
    assert "Garden" in text_of(page)


def test_a_promotion_that_is_over_is_gone(client, catalogue):
    Promotion.objects.update(active=False)
    assert client.get("/promo/kitchen-week").status_code == 410


def test_crawlers_are_led_to_products_and_kept_from_searches(client, catalogue):
    assert "Disallow: /search" in client.get("/robots.txt").content.decode()
    index = client.get("/sitemap.xml").content.decode()
    (products,) = re.findall(r"<loc>http://testserver(/sitemap-products\.xml)</loc>", index)
    listed = client.get(products).content.decode()
    assert listed.count("<loc>") == 6
    services.archive([catalogue["LAMP-1"].pk])
    assert catalogue["LAMP-1"].get_absolute_url() not in client.get(products).content.decode()


@pytest.mark.parametrize("address", ["/", "/search", "/search/picture", "/c/kitchen", "/p/reading-lamp", "/nowhere"])
def test_pages_hold_no_inline_code_or_style(client, catalogue, found, address):
    found()
    html = client.get(address).content.decode()
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", html)
    assert all("src=" in tag or "ld+json" in tag for tag in re.findall(r"<script[^>]*>", html))


# ------------------------------------------------------------------------------------------------------------------


def double(catalogue: dict[str, Product]) -> None:
    """Every product again under another name, with pictures and variants."""
    for sku, product in list(catalogue.items()):
        pictures, variants, tags = list(product.pictures.all()), list(product.variants.all()), list(product.tags.all())
        product.pk, product.sku, product.slug, product._state.adding = None, f"{sku}-2", "", True
        services.save_product(product, tags=tags)
        for each in pictures:
            each.pk, each.product, each._state.adding = None, product, True
        Picture.objects.bulk_create(pictures)
        for each in variants:
            each.pk, each.product, each.sku, each._state.adding = None, product, f"{each.sku}-2", True
        Variant.objects.bulk_create(variants)


def counted() -> CaptureQueriesContext:
    return CaptureQueriesContext(connection)


def test_what_was_understood_can_be_taken_back(client, found):
    told = {
        "understood": [
            {"kind": "attribute", "name": "attributes.colour", "value": "red", "label": "red", "phrase": "red",
             "applied": "filter"},
            {"kind": "price", "name": "price_max", "value": 50, "label": "Up to 50 EUR", "phrase": "under 50",
             "applied": "filter"},
            {"kind": "tag", "name": "tag", "value": "gift", "label": "Gift", "phrase": "gift", "applied": "preference"},
        ],
        "relaxed": [{"step": "words", "sentence": "Without “xkq”, which no product has.", "phrases": ["xkq"]}],
    }  # fmt: skip
    found(query=told)
    page = client.get("/search?q=red+gift+xkq+under+50&page=2&literal=old").content.decode()
    assert "Colour: red" in page
    assert "?q=red+gift+xkq+under+50&amp;literal=old&amp;literal=under+50" in page
    assert "Gift" not in page.split('class="pills understood"')[1].split("</ul>")[0]
    assert "Without “xkq”, which no product has." in page


def test_corrections_are_told_and_can_be_refused(client, found):
    corrections = [{"typed": "chiar", "meant": "chair"}]
    found(query={"showing_results_for": "folding chair", "corrections": corrections})
    page = client.get("/search?q=folding+chiar").content.decode()
    assert "Showing results for <strong>folding chair</strong>" in page
    assert "?q=folding+chiar&amp;literal=chiar" in page
    found(query={"did_you_mean": "folding chair", "corrections": corrections})
    page = client.get("/search?q=folding+chiar&literal=x").content.decode()
    assert 'href="/search?q=folding+chair">folding chair</a>?' in page


def test_literal_phrases_reach_the_search(client, found):
    asked = found()
    client.get("/search?q=red+cup&literal=red&literal=cup&understand=false")
    assert (asked[0].literal, asked[0].understand) == (("red", "cup"), False)
