"""Rows, feeds and pages of recommendations: what they show, how they go on, and that they never break a page."""

import re
from dataclasses import replace
from html import unescape
from uuid import uuid4

import pytest

from catalog.models import Product, Promotion
from recommend import rows
from recommend.events.models import Shopper
from recommend.surfaces import Recommendation
from search.bulkhead import Overloaded
from search.index.errors import VectorStoreError
from tests.recommend.shop.conftest import _stocked, catalogue, found, hits, no_nul, surface  # noqa: F401

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.fixture
def many(hits) -> list[Recommendation]:  # noqa: F811
    """Sixty hits: the shop's products again and again."""
    return [hits[index % len(hits)] for index in range(60)]


def test_a_row_holds_cards_with_their_reason_and_parts(client, surface, hits):  # noqa: F811
    surface("for-you", hits[:2], title="For you")
    page = client.get("/rows/for-you")
    html = page.content.decode()
    assert ">For you</h2>" in html
    assert f"Because of {hits[0].product.sku}" in html
    assert "Reading lamp (75%)" in html, "the parts that made it"
    assert f"/not-for-me?sku={hits[0].product.sku}&amp;surface=for-you&amp;position=0" in html
    assert f'data-sku="{hits[1].product.sku}" data-surface="for-you" data-position="1"' in html
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "no-store" in page.headers["Cache-Control"]


def test_whoever_asks_is_told_to_the_surface(client, surface, hits):  # noqa: F811
    asked = surface("for-you", hits)
    client.get("/rows/for-you")
    client.post("/cart/add?sku=CUP-red", headers=HTMX)
    client.get("/rows/for-you")
    assert [ask.shopper for ask in asked.asked] == [None, Shopper.objects.get()]


def test_a_row_for_a_product_starts_from_it(client, surface, hits, catalogue):  # noqa: F811
    asked = surface("complements", hits, needs_product=True)
    assert "Goes well with" in text_of(client.get("/rows/complements/CUP-red"))
    assert asked.asked[0].product == catalogue["CUP-red"]


def test_the_cart_s_rows_start_from_what_is_in_it_and_do_not_repeat_it(client, surface, hits, catalogue):  # noqa: F811
    asked = surface("complements", hits, needs_product=True)
    client.post("/cart/add?sku=CUP-red&sku=CHAIR-1", headers=HTMX)
    assert "Goes well with your cart" in text_of(client.get("/rows/complements?at=cart"))
    (ask,) = asked.asked
    inside = {catalogue["CUP-red"], catalogue["CHAIR-1"]}
    assert set(ask.products) == inside
    assert ask.exclude == {product.pk for product in inside}


def test_beside_a_search_the_surface_hears_what_was_searched_for(client, surface, hits):  # noqa: F811
    asked = surface("sponsored", hits)
    client.get("/rows/sponsored?q=cup&brand=acme&price_max=50&at=search")
    (ask,) = asked.asked
    assert (ask.q, ask.filters.brand, ask.filters.price_max) == ("cup", ("acme",), 50.0)


@pytest.mark.parametrize("address", ["/search?q=cup&brand=nord", "/c/kitchen"])
def test_the_page_of_results_asks_for_its_own_sponsored_places(client, surface, hits, found, address):  # noqa: F811
    found()
    asked = surface("sponsored", hits)
    html = client.get(address).content.decode()
    (row,) = re.findall(r'hx-get="(/rows/sponsored[^"]*)"', html)
    client.get(row.replace("&amp;", "&"))
    (ask,) = asked.asked
    assert (ask.q, ask.filters.brand, ask.filters.category) in {("cup", ("nord",), ""), ("", (), "kitchen")}


def test_what_is_paid_for_is_always_said(client, surface, hits):  # noqa: F811
    key = uuid4()
    surface("for-you", [replace(hits[0], placement=key), hits[1]])
    for layout in ("row", "cards", "list", "waterfall"):
        first, second = client.get(f"/rows/for-you?as={layout}").content.decode().split("<article")[1:]
        assert '<p class="sponsored">Sponsored</p>' in first
        assert f'data-placement="{key}"' in first
        assert "ponsored" not in second


@pytest.mark.parametrize("sku", ["CUP/red", "CUP/red/", "50% off? #1"])
def test_a_product_s_page_finds_its_rows_whatever_its_sku(client, surface, hits, catalogue, sku):  # noqa: F811
    Product.objects.filter(sku="CUP-red").update(sku=sku)
    asked = surface("similar", hits, needs_product=True)
    html = client.get(catalogue["CUP-red"].get_absolute_url()).content.decode()
    (row,) = re.findall(r'hx-get="(/rows/similar[^"]*)"', html)
    (page,) = re.findall(r'href="(/discover/similar[^"]*)"', html)
    for address in (row, page):
        assert "Espresso cup, blue" in client.get(unescape(address)).content.decode()
    assert [ask.product.sku for ask in asked.asked] == [sku, sku]


def test_a_sku_that_no_address_holds_leaves_the_product_s_page_without_rows(client, catalogue):  # noqa: F811
    Product.objects.filter(sku="CUP-red").update(sku="CUP\nred")
    html = client.get(catalogue["CUP-red"].get_absolute_url()).content.decode()
    assert "/rows/" not in html
    assert not re.search(r'hx-get="(\?|")', html), "which would load the page into itself"


# Going on -----------------------------------------------------------------------------------------------------------


def test_a_waterfall_goes_on_until_it_ends(client, surface, many):  # noqa: F811
    surface("for-you", many)
    address, positions, loads = "/rows/for-you?as=waterfall", [], 0
    while address:
        html = client.get(address).content.decode()
        loads += 1
        positions += [int(each) for each in re.findall(r'data-position="(\d+)"', html)]
        following = re.search(r'href="([^"]+)" hx-get="([^"]+)" hx-trigger="revealed', html)
        address = following and following[2].replace("&amp;", "&")
    assert positions == list(range(60))
    assert loads == 3
    assert "That is all for now" in html
    assert "<h2" not in html, "the heading comes once"


@pytest.mark.slow
def test_no_two_elements_of_a_page_share_an_id(client, surface, many):  # noqa: F811
    surface("for-you", many)  # which holds each product several times
    client.post("/cart/add?sku=CUP-red", headers=HTMX)
    front = client.get("/").content.decode()
    rows = [unescape(each) for each in re.findall(r'hx-get="(/rows/for-you[^"]*)"', front)]
    assert len(rows) == 2
    shown = [client.get(row).content.decode() for row in rows]
    following = re.search(r'hx-get="([^"]+)" hx-trigger="revealed', shown[1])[1]
    shown.append(client.get(unescape(following)).content.decode())
    assert [re.findall(r"<h2[^>]*>([^<]*)", html) for html in shown] == [["Title of for-you"], ["More for you"], []]
    ids = re.findall(r'\bid="([^"]+)"', front + "".join(shown))
    assert sum(each.startswith("why-") for each in ids) == 12 + 24 + 24
    assert len(ids) == len(set(ids))


def test_after_some_loads_a_click_is_asked_for(client, surface, many):  # noqa: F811
    surface("for-you", many * 10)
    pages = [client.get(f"/rows/for-you?as=waterfall&offset={offset}").content.decode() for offset in (0, 48, 72)]
    assert [re.search(r'hx-trigger="([a-z, ]+)"[^>]*data-more', html)[1] for html in pages] == [
        "revealed, click",
        "revealed, click",
        "click",
    ]


def test_nobody_scrolls_for_ever(client, surface, many):  # noqa: F811
    surface("for-you", many * 20)
    assert "data-more" in client.get("/rows/for-you?as=waterfall&offset=432").content.decode()
    assert "data-more" not in client.get("/rows/for-you?as=waterfall&offset=480").content.decode()


@pytest.mark.parametrize("layout", ["waterfall", "cards", "list"])
def test_without_scripts_there_is_a_page_with_further_pages(client, surface, many, layout):  # noqa: F811
    surface("trending", many)
    html = client.get(f"/discover/trending?as={layout}").content.decode()
    assert "<h1>Title of trending</h1>" in html
    (more,) = re.findall(r'href="(/discover/trending[^"]+offset=(?!0)[^"]+)"', html)
    second = client.get(more.replace("&amp;", "&")).content.decode()
    assert 'data-position="30"' in second or 'data-position="12"' in second
    assert f"as={layout}" in more, "the layout stays"


def test_the_front_page_names_them_for_those_without_scripts(client, catalogue):  # noqa: F811
    html = client.get("/").content.decode()
    assert re.search(r'<noscript><p[^>]*><a class="link" href="/discover/for-you">', html)


# Other kinds --------------------------------------------------------------------------------------------------------


def test_stores_brands_and_promotions_show_what_made_the_case(client, surface, hits, catalogue):  # noqa: F811
    cup = catalogue["CUP-red"]
    surface("stores", [Recommendation(None, 1, "You like it", store=cup.store, products=tuple(hits[:2]))], hits="store")
    surface("brands", [Recommendation(None, 1, "You like it", brand=cup.brand, products=tuple(hits[:2]))], hits="brand")
    week = Promotion.objects.get()
    surface(
        "promotions", [Recommendation(None, 1, "25% off", promotion=week, products=tuple(hits[:2]))], hits="promotion"
    )
    for name, title, address in (
        ("stores", "Corner shop", "/s/corner-shop"),
        ("brands", "Acme", "/b/acme"),
        ("promotions", "Kitchen week", "/promo/kitchen-week"),
    ):
        for path in (f"/rows/{name}", f"/discover/{name}"):
            html = client.get(path).content.decode()
            assert f'href="{address}"' in html
            assert title in html
            assert hits[0].product.get_absolute_url() in html


def test_a_set_has_one_price_and_one_button(client, surface, hits, catalogue):  # noqa: F811
    by_sku = {hit.product.sku: hit for hit in hits}
    surface("bought-together", [by_sku["CHAIR-1"], by_sku["CUP-blue"]], needs_product=True)
    html = client.get("/rows/bought-together/CUP-red?as=set").content.decode()
    assert "€98.65" in html, "9.00 + 79.90 + 9.75"
    (button,) = re.findall(r'hx-post="(/cart/add\?sku=CUP-red&amp;[^"]+)"', html)
    client.post(button.replace("&amp;", "&"), headers=HTMX)
    assert "Cart, 3 things" in client.get("/").content.decode()


def test_a_set_holds_only_what_can_be_had_as_it_is(client, surface, hits, catalogue):  # noqa: F811
    by_sku = {hit.product.sku: hit for hit in hits}
    surface("bought-together", [by_sku["CHAIR-2"], by_sku["LAMP-1"]], needs_product=True)
    html = client.get("/rows/bought-together/CUP-red?as=set").content.decode()
    assert "Add all" not in html, "one is sold out, the other comes in sizes"
    assert "Reading lamp" in html, "they are shown all the same"
    Product.objects.filter(sku="CUP-red").update(stock=0)
    surface("bought-together", [by_sku["CHAIR-1"]], needs_product=True)
    assert "Add all" not in client.get("/rows/bought-together/CUP-red?as=set").content.decode()


# When nothing comes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [VectorStoreError("refused", permanent=False), RuntimeError("a bug")])
def test_a_row_that_fails_is_empty_and_written_down(client, surface, catalogue, caplog, error):  # noqa: F811
    surface("similar", error=error, needs_product=True)
    page = client.get("/rows/similar/LAMP-1")
    assert (page.status_code, page.content.strip()) == (200, b"")
    assert "No row similar for LAMP-1" in caplog.text


@pytest.mark.parametrize("more", ["", "&on=1"])
def test_a_row_whose_parts_make_no_sense_is_empty_and_written_down(client, surface, hits, caplog, more):  # noqa: F811
    surface("for-you", [hits[1], replace(hits[0], why={"relevance": "very well"})])
    page = client.get(f"/rows/for-you?as=list{more}")
    assert (page.status_code, page.content.strip()) == (200, b"")
    assert "No row for-you" in caplog.text
    assert client.get("/discover/for-you").status_code == 503


def test_a_row_that_a_busy_process_has_no_place_for_asks_again_a_few_times(client, surface, catalogue):  # noqa: F811
    surface("for-you", error=Overloaded("There are too many recommendations at the moment."), title="For you")
    for begin in ("/rows/for-you?as=waterfall&offset=12", "/rows/for-you?as=waterfall&offset=24&on=1"):
        address, asked = begin, []
        while address and len(asked) < 20:
            html = client.get(address).content.decode()
            asked.append(address)
            again = re.search(r'hx-get="([^"]+)" hx-trigger="load delay:\d{4}ms', html)
            address = unescape(again[1]) if again else ""
        assert len(asked) == rows.TRIES + 1
        assert ('hx-trigger="click"' in html) == ("on=1" in begin), (
            "a list keeps its way on, a row leaves no empty place"
        )
        assert all("as=waterfall" in each for each in asked)
        assert {"on=1" in each for each in asked} == {"on=1" in begin}
        assert asked[-1].count("again=") == 1
    surface("sponsored", error=Overloaded("There are too many recommendations at the moment."))
    slot = client.get("/rows/sponsored?at=search&q=cup").content.decode()
    assert 'class="waiting"' not in slot, "nothing jumps above the results"
    assert "q=cup" in slot
    assert client.get("/rows/for-you?instead=1").status_code == 204
    assert client.get("/rows/for-you?again=6").status_code == 400


def test_a_page_that_fails_says_so(client, surface, catalogue):  # noqa: F811
    surface("trending", error=VectorStoreError("qdrant:6333 refused", permanent=False))
    page = client.get("/discover/trending")
    assert page.status_code == 503
    assert "6333" not in page.content.decode()


def test_nothing_in_the_place_of_something_leaves_it_there(client, surface, catalogue):  # noqa: F811
    surface("new-arrivals", [])
    assert client.get("/rows/new-arrivals").status_code == 200
    assert client.get("/rows/new-arrivals?instead=1").status_code == 204
    surface("new-arrivals", error=RuntimeError("a bug"))
    assert client.get("/rows/new-arrivals?instead=1").status_code == 204


def test_a_page_of_nothing_says_what_to_do(client, surface, catalogue):  # noqa: F811
    surface("for-you", [])
    assert "Look around a little" in text_of(client.get("/discover/for-you"))


@pytest.mark.parametrize("prefix", ["/rows", "/discover"])
@pytest.mark.parametrize("address", ["nothing/LAMP-1", "nothing", "similar/nothing", "similar/%00"])
def test_what_is_not_there_is_a_404(client, catalogue, no_nul, prefix, address):  # noqa: F811
    assert client.get(f"{prefix}/{address}").status_code == 404


@pytest.mark.parametrize("prefix", ["/rows", "/discover"])
@pytest.mark.parametrize(
    "query", ["as=carousel", "at=moon", "offset=-1", "offset=x", "offset=99999999", "offset=481", "offset=%C2%B2",
              "at=search&page=x", "at=search&price_min=nan", "at=search&q=%00"],
)  # fmt: skip
def test_a_hostile_address_is_refused_in_words(client, surface, hits, prefix, query):  # noqa: F811
    surface("for-you", hits)
    page = client.get(f"{prefix}/for-you?{query}")
    assert page.status_code == 400
    assert len(page.content) > 10


def test_rows_cost_the_same_however_long(client, surface, hits, django_assert_max_num_queries):  # noqa: F811
    surface("for-you", hits[:1])
    with django_assert_max_num_queries(50) as few:
        client.get("/rows/for-you")
    surface("for-you", hits)
    with django_assert_max_num_queries(50) as many:
        client.get("/rows/for-you")
    assert len(many.captured_queries) == len(few.captured_queries)


def test_titles_and_reasons_are_escaped(client, surface, hits):  # noqa: F811
    evil = "<script>alert(1)</script>"
    hits[0].product.title = evil
    surface("for-you", [replace(hits[0], reason=evil, why={evil: evil, "neighbours": {evil: 1.0}})])
    for layout in ("row", "list", "waterfall"):
        assert evil not in client.get(f"/rows/for-you?as={layout}").content.decode()
