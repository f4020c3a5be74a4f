"""The admin's list of possible duplicates: what it shows, who may decide, and that a decision is made once."""

import pytest
from django.test import Client

from catalog import services
from catalog.models import OutboxEntry, Product
from search.models import DuplicatePair

pytestmark = pytest.mark.django_db
LIST = "/admin/search/duplicatepair/"


@pytest.fixture
def pair(db) -> DuplicatePair:
    for sku, title in (("A", "Deck chair <b>oak</b>"), ("B", "Deck chair oak")):
        services.save_product(Product(sku=sku, title=title, status="published", price=10))
    OutboxEntry.objects.all().delete()  # as if they were indexed
    first, second = Product.objects.order_by("pk")
    return DuplicatePair.objects.create(first=first, second=second, score=0.93, reasons=["title"], title=1.0)


def decide(client: Client, pair: DuplicatePair, decision: str):
    return client.post(f"{LIST}{pair.pk}/decide/", {"decision": decision}, follow=True)


def test_pairs_are_shown_side_by_side(merchandiser, pair):
    page = merchandiser.get(LIST).content.decode()
    assert "Deck chair &lt;b&gt;oak&lt;/b&gt;" in page
    assert "<b>oak</b>" not in page
    assert "93 %" in page
    assert "formaction" in page
    assert "2 wait for their turn" in page


def test_an_empty_list_says_so(merchandiser, db):
    assert "Nothing here looks like the same product twice." in merchandiser.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("decision", "statuses", "state"),
    [
        ("archive_second", {"A": "published", "B": "archived"}, "same"),
        ("archive_first", {"A": "archived", "B": "published"}, "same"),
        ("family", {"A": "published", "B": "published"}, "same"),
        ("different", {"A": "published", "B": "published"}, "different"),
        ("nonsense", {"A": "published", "B": "published"}, "open"),
    ],
)
def test_a_merchandiser_decides(merchandiser, pair, decision, statuses, state):
    assert decide(merchandiser, pair, decision).status_code == 200
    pair.refresh_from_db()
    assert pair.state == state
    assert dict(Product.objects.values_list("sku", "status")) == statuses


@pytest.mark.slow
def test_a_decided_pair_leaves_the_list_and_can_be_taken_back(merchandiser, pair):
    decide(merchandiser, pair, "different")
    assert "Deck chair" not in merchandiser.get(LIST).content.decode()
    assert "Deck chair" in merchandiser.get(LIST, {"state__exact": "different"}).content.decode()
    decide(merchandiser, pair, "reopen")
    assert "Deck chair" in merchandiser.get(LIST).content.decode()


def test_who_only_looks_decides_nothing(sign_in, pair):
    viewer = sign_in("viewer")
    page = viewer.get(LIST)
    assert page.status_code == 200
    assert "formaction" not in page.content.decode()
    assert decide(viewer, pair, "archive_first").status_code == 403
    assert viewer.get(f"{LIST}{pair.pk}/decide/").status_code in (403, 405)
    assert Client().post(f"{LIST}{pair.pk}/decide/", {"decision": "different"}).status_code == 302
    pair.refresh_from_db()
    assert pair.state == "open"


def test_a_pair_whose_product_is_gone_is_not_to_be_decided(merchandiser, pair):
    services.archive([pair.second_id])
    assert "Deck chair" not in merchandiser.get(LIST).content.decode()


def test_several_pairs_are_kept_apart_at_once(merchandiser, pair):
    answer = merchandiser.post(LIST, {"action": "different", "_selected_action": [pair.pk]}, follow=True)
    assert answer.status_code == 200
    pair.refresh_from_db()
    assert pair.state == "different"
