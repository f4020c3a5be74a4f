""" "Not for me" acts at once, on every surface and device, and can be taken back."""

import pytest
from django.test import Client

from recommend.events.history import past_of
from recommend.events.models import Event, Shopper

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}


def titles(client, catalogue) -> list[str]:
    html = client.get("/rows/similar/LAMP-1").content.decode()
    return [product.title for product in catalogue.values() if f">{product.title}<" in html]


@pytest.mark.slow
def test_the_next_answer_leaves_out_what_was_not_wanted(client, indexed):
    before = titles(client, indexed)
    refused = next(product for product in indexed.values() if product.title == before[0])
    asked = f"sku={refused.sku}&surface=similar&position=0"
    html = client.post(f"/not-for-me?{asked}", headers=FRAGMENT).content.decode()
    assert "Not for you" in html
    assert f"/not-for-me/undo?sku={refused.sku}" in html
    assert refused.title not in titles(client, indexed)
    assert titles(Client(), indexed) == before, "another shopper's answer is as it was"
    assert client.post(f"/not-for-me/undo?sku={refused.sku}", headers=FRAGMENT).content == b""
    assert titles(client, indexed) == before


def test_it_is_recorded_with_where_it_was_shown(client, catalogue):
    client.post("/not-for-me?sku=CUP-red&surface=trending&position=7", headers=FRAGMENT)
    (event,) = Event.objects.all()
    assert (event.kind, event.product_id, event.surface, event.position) == (
        "not-for-me", catalogue["CUP-red"].pk, "trending", 7,
    )  # fmt: skip


def test_taking_it_back_leaves_nothing_behind(client, catalogue):
    client.post("/not-for-me?sku=CUP-red", headers=FRAGMENT)
    client.post("/not-for-me?sku=CUP-red", headers=FRAGMENT)
    client.post("/not-for-me?sku=LAMP-1", headers=FRAGMENT)
    client.post("/not-for-me/undo?sku=CUP-red", headers=FRAGMENT)
    assert past_of(Shopper.objects.get()).rejected == {catalogue["LAMP-1"].pk}
    assert not Event.objects.filter(product_id=catalogue["CUP-red"].pk).exists()


def test_nobody_takes_back_what_another_said(client, catalogue):
    client.post("/not-for-me?sku=CUP-red", headers=FRAGMENT)
    other = Client()
    other.post("/not-for-me?sku=LAMP-1", headers=FRAGMENT)
    other.post("/not-for-me/undo?sku=CUP-red", headers=FRAGMENT)
    assert Event.objects.filter(product_id=catalogue["CUP-red"].pk).count() == 1


def test_without_scripts_it_is_said_on_the_page_that_follows(client, catalogue):
    answer = client.post("/not-for-me?sku=CUP-red", {"next": "/discover/for-you"})
    assert answer.headers["location"] == "/discover/for-you"
    assert "will not be recommended to you any more" in client.get("/you").content.decode()


def test_who_is_not_remembered_is_told_so(client, catalogue, settings):
    settings.EVENTS_REQUIRE_CONSENT = True
    html = client.post("/not-for-me?sku=CUP-red", headers=FRAGMENT).content.decode()
    assert "To have it remembered" in html
    assert not Shopper.objects.exists()


@pytest.mark.parametrize(
    "address",
    ["/not-for-me", "/not-for-me?sku=no", "/not-for-me?sku=%00", "/not-for-me/undo?sku=%00", "/not-for-me/undo"],
)
def test_feedback_on_nothing_is_a_404(client, catalogue, no_nul, address):
    assert client.post(address).status_code == 404


@pytest.mark.parametrize("where", ["surface=%00&position=1", "position=-1&surface=" + "x" * 90, "position=99999999999"])
def test_a_hostile_place_is_left_out_and_the_wish_is_kept(client, catalogue, where):
    client.post(f"/not-for-me?sku=CUP-red&{where}", headers=FRAGMENT)
    assert past_of(Shopper.objects.get()).rejected == {catalogue["CUP-red"].pk}


def test_only_a_form_of_the_shop_may_say_it(catalogue):
    assert Client(enforce_csrf_checks=True).post("/not-for-me?sku=CUP-red").status_code == 403
    assert Client().get("/not-for-me?sku=CUP-red").status_code == 405
