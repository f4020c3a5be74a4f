"""What the surface shows, to whom, where, and what it says about it."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Category, Product
from recommend.events.models import Event
from recommend.models import Charge, ModelVersion, Placement, Shopper
from recommend.sponsored import relevance
from recommend.surfaces import SURFACES
from recommend.surfaces.base import Ask
from recommend.training import live
from search.query.request import Filters
from tests.recommend.sponsored.shop_server import BROWSER


@pytest.fixture(autouse=True)
def _no_model(monkeypatch):
    """Whether one is live is asked once a second, which would make the number of queries a matter of time."""
    monkeypatch.setattr("recommend.serving.profile.live", lambda: None)


@pytest.fixture
def asked(shop):
    """Ask the surface as a stranger, or as told; returns the skus in their order."""

    def ask(**fields):
        return SURFACES["sponsored"](Ask(**{"shopper": None, **fields})).hits

    return ask


@pytest.fixture
def promote(shop, campaign):
    """Start a campaign for products of the indexed shop, by sku."""

    def start(*skus, **fields):
        return campaign(*(shop[sku] for sku in skus), **fields)

    return start


def skus(hits):
    return [hit.product.sku for hit in hits]


def looked_at(shopper, *products):
    for number, product in enumerate(products):
        Event.objects.create(
            event_id=uuid4(), kind="view", shopper=shopper, product=product,
            happened_at=timezone.now() - timedelta(minutes=len(products) - number),
        )  # fmt: skip


def test_beside_a_search_only_what_it_finds_takes_part(promote, asked):
    promote("LAPTOP-2", bid=Decimal(90))
    promote("CUP-red", bid=Decimal("0.10"))
    (hit,) = asked(q="espresso cup")
    assert hit.product.sku == "CUP-red"
    assert hit.reason == "Sponsored by Corner: found for “espresso cup”"
    assert asked(q="violin strings") == []


def test_a_search_narrowed_by_a_filter_narrows_what_is_sponsored(promote, asked):
    promote("CUP-red")
    assert skus(asked(q="cup", filters=Filters(attributes={"colour": ("red",)}))) == ["CUP-red"]
    assert asked(q="cup", filters=Filters(attributes={"colour": ("blue",)})) == []
    assert asked(q="cup", filters=Filters(price_max=5.0)) == []


def test_every_hit_is_labelled_and_carries_the_key_that_it_is_charged_by(promote, asked):
    running = promote("CUP-red")
    (hit,) = asked(q="cup")
    placement = Placement.objects.get()
    assert hit.sponsored
    assert hit.placement == placement.key
    assert hit.reason.startswith("Sponsored by Corner")
    assert hit.why == {"label": "Sponsored", "paid_by": "Corner", "relevance": hit.score, "by": "search"}
    assert (placement.campaign, placement.surface) == (running, "search")
    assert str(placement.price) not in str(hit.why), "what it costs is between shop and store"


def test_on_a_products_page_what_is_like_it_and_not_its_other_colours(promote, shop, asked):
    promote("MUG-black")
    promote("LAPTOP-2", bid=Decimal(90))
    promote("CUP-blue", bid=Decimal(50))
    hits = asked(product=shop["CUP-red"])
    assert "CUP-blue" not in skus(hits), "another colour of what is looked at"
    assert "LAPTOP-2" not in skus(hits), "no bid buys relevance"
    laptops = asked(product=shop["LAPTOP-1"])
    assert skus(laptops) == ["LAPTOP-2"]
    assert laptops[0].reason == "Sponsored by Corner: much like Volt laptop 15 inch"


def test_the_product_itself_and_what_the_page_shows_are_left_out(promote, shop, asked):
    promote("LAPTOP-1")
    promote("LAPTOP-2")
    assert skus(asked(product=shop["LAPTOP-1"])) == ["LAPTOP-2"]
    assert asked(product=shop["LAPTOP-1"], exclude=frozenset({shop["LAPTOP-2"].pk})) == []


def test_for_a_cart_the_product_that_it_is_most_like_counts(promote, shop, asked):
    promote("LAPTOP-2")
    (hit,) = asked(products=(shop["CHAIR-1"], shop["LAPTOP-1"]))
    assert hit.reason.endswith("much like Volt laptop 15 inch")
    assert Placement.objects.get().surface == "cart"


def test_a_shopper_with_a_history_sees_what_fits_it(promote, shop, asked):
    promote("LAPTOP-2")
    shopper = Shopper.objects.create()
    assert asked(shopper=shopper) == []
    looked_at(shopper, shop["LAPTOP-1"])
    (hit,) = asked(shopper=shopper)
    assert hit.product.sku == "LAPTOP-2"
    assert hit.reason == "Sponsored by Corner: much like Volt laptop 15 inch from your history"
    assert asked(shopper=shopper, personal=False) == [], "asked to be treated as a stranger"
    Shopper.objects.update(personalised=False)
    assert asked(shopper=shopper) == []


def test_what_a_shopper_does_not_want_is_not_shown_for_money(promote, shop, asked):
    promote("CUP-red")
    shopper = Shopper.objects.create()
    assert skus(asked(shopper=shopper, q="cup")) == ["CUP-red"]
    Event.objects.create(
        event_id=uuid4(), kind="not-for-me", shopper=shopper, product=shop["CUP-red"], happened_at=timezone.now()
    )
    assert asked(shopper=shopper, q="cup") == []


def test_a_category_page_is_a_context_of_its_own(promote, shop, asked):
    promote("MUG-black")
    promote("LAPTOP-2")
    kitchen = Category.objects.get(name="Kitchen")
    (hit,) = asked(category=kitchen)
    assert (hit.product.sku, hit.reason) == ("MUG-black", "Sponsored by Depot: in Kitchen")
    assert skus(asked(category=Category.objects.get(name="Home"))) == ["MUG-black"], "the whole subtree counts"


def test_strangers_without_a_context_see_nothing_sponsored(promote, asked):
    promote("CUP-red")
    assert asked() == []
    assert not Placement.objects.exists()


def test_an_answer_has_no_second_page(promote, asked):
    promote("CUP-red")
    assert asked(q="cup", offset=12) == []


def test_sold_out_since_it_was_indexed(promote, shop, asked):
    promote("CUP-red")
    Product.objects.filter(sku="CUP-red").update(stock=0)
    assert asked(q="cup") == []


def test_no_campaign_costs_one_query_and_no_search(shop, asked, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert asked(q="cup") == []


@pytest.mark.parametrize("context", ["product", "shopper", "search"])
def test_as_many_queries_for_many_campaigns_as_for_one(promote, shop, asked, context, django_assert_num_queries):
    shopper = Shopper.objects.create()
    looked_at(shopper, shop["LAPTOP-1"])
    ask = {
        "product": {"product": shop["LAPTOP-1"]}, "shopper": {"shopper": shopper}, "search": {"q": "laptop"}
    }[context]  # fmt: skip
    promote("LAPTOP-2")
    asked(**ask)  # the sample of the shop is drawn, and the queries' words are looked up
    with CaptureQueriesContext(connection) as of_one:
        assert asked(**ask)
    for _ in range(6):
        promote("LAPTOP-2", "CASE-1")
        promote("CHAIR-3")
    with django_assert_num_queries(len(of_one)):
        assert asked(**ask)


def test_relevance_is_counted_above_the_noise():
    noise = [0.1, 0.2, 0.3, 0.2, 0.2, 0.1, 0.3, 0.95]  # the last one is related, and moves neither middle nor width
    found = relevance.above(noise, [0.2, 0.1, 0.5, 1.2, -1.0])
    assert found[0] == found[1] == found[4] == 0.0
    assert 0 < found[2] < 1
    assert found[3] == 1.0
    assert relevance.above([], [0.9]) == [0.0]
    assert relevance.above([0.5] * 9, [0.5, 0.7]) == [0.0, 1.0], "where all are alike a small step is a large one"


def test_over_rest_a_hit_is_labelled_and_linked_through_the_ledger(promote, shop, client):
    promote("CUP-red", charge="view", bid=Decimal("0.5"))
    answer = client.get("/api/v1/recommendations/sponsored", {"q": "cup"})
    assert answer["Cache-Control"] == "private, no-store", "what is counted as shown is shown once"
    (hit,) = answer.json()["hits"]
    key = Placement.objects.get().key
    assert (hit["sponsored"], hit["label"], hit["store"]["name"]) == (True, "Sponsored", "Corner")
    assert (hit["placement"], hit["link"], hit["seen"]) == (str(key), f"/go/{key}", f"/go/{key}/seen")
    assert "price" not in hit["why"]
    assert client.post(hit["seen"], headers={"User-Agent": BROWSER}).status_code == 204
    assert client.get(hit["link"], headers={"User-Agent": BROWSER})["Location"] == hit["url"]
    assert Charge.objects.get().placement.key == key, "seen and clicked, and charged once"


@pytest.mark.parametrize(
    ("words", "found"), [({"q": "laptop", "category": "kitchen"}, []), ({"q": ""}, []), ({"q": "\x00"}, None)]
)
def test_over_rest_odd_questions_have_plain_answers(promote, shop, client, words, found):
    promote("LAPTOP-2")
    answer = client.get("/api/v1/recommendations/sponsored", words)
    assert answer.status_code == (200 if found is not None else 400)
    assert answer.json().get("hits") == found


def test_the_fragment_for_pages_says_sponsored_and_leads_through_the_ledger(promote, shop, client):
    promote("CUP-red", charge="view")
    text = client.get("/rows/sponsored", {"at": "search", "q": "cup"}).content.decode()
    key = Placement.objects.get().key
    assert "Sponsored" in text
    assert f'href="/go/{key}"' in text
    assert f'data-seen="/go/{key}/seen"' in text
    assert 'rel="sponsored nofollow"' in text


def test_what_is_paid_for_by_the_click_is_not_reported_as_seen(promote, shop, client):
    promote("CUP-red")
    text = client.get("/rows/sponsored", {"at": "search", "q": "cup"}).content.decode()
    assert f'data-placement="{Placement.objects.get().key}"' in text
    assert "data-seen" not in text
    (hit,) = client.get("/api/v1/recommendations/sponsored", {"q": "cup"}).json()["hits"]
    assert hit["link"]
    assert "seen" not in hit


def test_a_model_that_cannot_be_read_leaves_the_history(promote, shop, asked, monkeypatch):
    promote("LAPTOP-2")
    shopper = Shopper.objects.create()
    looked_at(shopper, shop["LAPTOP-1"])
    ModelVersion.objects.create(name="blend", path="was-deleted", live=True)
    monkeypatch.setattr("recommend.serving.profile.live", live.live)
    live.forget()
    (hit,) = asked(shopper=shopper)
    assert hit.why["by"] == "history"


@pytest.mark.parametrize("context", ["product", "shopper", "search"])
def test_where_nothing_was_ever_indexed_nothing_is_sponsored(promote, shop, asked, settings, context):
    promote("LAPTOP-2")
    shopper = Shopper.objects.create()
    looked_at(shopper, shop["LAPTOP-1"])
    settings.QDRANT_ALIAS = "never-filled"
    assert asked(**{"product": {"product": shop["LAPTOP-1"]}, "shopper": {"shopper": shopper},
                    "search": {"q": "laptop"}}[context]) == []  # fmt: skip
    assert not Placement.objects.exists()
