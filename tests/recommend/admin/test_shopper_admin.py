"""The admin's pages of shoppers and events: what they show, to whom, and that only what may be undone can be done."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog import services
from catalog.admin import reading
from catalog.models import Product
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import merge

pytestmark = pytest.mark.django_db
SHOPPERS, EVENTS = "/admin/recommend/shopper/", "/admin/recommend/event/"


@pytest.fixture
def admin(sign_in: Any) -> Client:
    client: Client = sign_in("administrator")
    return client


@pytest.fixture
def product(db: None) -> Product:
    return services.save_product(Product(sku="CUP-1", title="Espresso cup", status="published"))


def happened(shopper: Shopper | None, product: Product | None, kind: str = "view", **more: Any) -> Event:
    at = more.pop("happened_at", timezone.now())
    return Event.objects.create(
        event_id=uuid.uuid4(), kind=kind, shopper=shopper, product=product, consent=shopper is not None,
        happened_at=at, **more,
    )  # fmt: skip


@pytest.fixture
def ada(product: Product) -> Shopper:
    """An account with a device that was merged into it, each with an event."""
    account = Shopper.objects.create(user=User.objects.create_user("ada", email="ada@example.org"))
    device = Shopper.objects.create()
    happened(device, product, "click", surface="for-you", position=2, device="phone")
    happened(account, product, "purchase")
    merge(device, account)
    return account


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_lists_say_who_did_what(admin: Client, ada: Shopper) -> None:
    page = text(admin.get(SHOPPERS))
    assert "ada" in page
    assert "of ada" in page  # the device
    page = text(admin.get(EVENTS))
    assert "Espresso cup" in page
    assert "for-you" in page


def test_a_shoppers_page_has_the_history_of_all_devices(admin: Client, ada: Shopper) -> None:
    page = text(admin.get(f"{SHOPPERS}{ada.pk}/change/"))
    assert "Click on a hit or a recommendation" in page
    assert "for-you, 3rd" in page
    assert "Purchase" in page
    assert "Take apart" in page


@pytest.mark.parametrize(
    ("chosen", "shown"), [("account", 1), ("device", 1), ("merged", 1), ("apart", 1), ("nonsense", 4), ("", 4)]
)
def test_shoppers_are_filtered_by_what_they_are(admin: Client, ada: Shopper, chosen: str, shown: int) -> None:
    Shopper.objects.create()
    Shopper.objects.create(merged_at=timezone.now())
    answer = admin.get(SHOPPERS, {"is": chosen})
    assert answer.context["cl"].result_count == shown


@pytest.mark.slow
def test_shoppers_are_found_by_account_and_by_key(admin: Client, ada: Shopper) -> None:
    for term in ("ada", "example.org", str(ada.key), ada.key.hex):
        assert admin.get(SHOPPERS, {"q": term}).context["cl"].result_count == 1


@pytest.mark.parametrize("named", ["the sku", "the event", "nothing"])
def test_events_are_found_by_what_is_indexed(admin: Client, ada: Shopper, product: Product, named: str) -> None:
    event = happened(ada, None, "search", query="lamp", basket="b-7")
    term, number = {"the sku": ("CUP-1", 2), "the event": (str(event.event_id), 1), "nothing": ("b-7", 0)}[named]
    with CaptureQueriesContext(connection) as queries:
        assert admin.get(EVENTS, {"q": term}).context["cl"].result_count == number
    asked = [each["sql"] for each in queries if "WHERE" in each["sql"] and "recommend_event" in each["sql"]]
    assert bool(asked) == bool(number)
    if connection.vendor != "sqlite":
        return
    for sql in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = [step[3] for step in cursor.fetchall() if "recommend_event" in step[3]]
        assert plan
        assert all(step.startswith("SEARCH") for step in plan), plan


def test_a_sku_that_looks_like_an_id_is_a_sku(admin: Client, ada: Shopper) -> None:
    sku = str(uuid.uuid4())
    happened(ada, services.save_product(Product(sku=sku, title="Lamp", status="published")))
    assert admin.get(EVENTS, {"q": sku}).context["cl"].result_count == 1


@pytest.mark.slow
def test_events_are_filtered_by_kind_shopper_and_time(admin: Client, ada: Shopper, product: Product) -> None:
    happened(None, product, happened_at=timezone.now() - timedelta(days=3))
    for parameters, number in (
        ({"kind__exact": "purchase"}, 1), ({"shopper": str(ada.pk)}, 1), ({"last": "24"}, 2), ({"last": "168"}, 3),
        ({"consent__exact": "0"}, 1), ({"last": "x"}, 3), ({"surface": "for-you"}, 1), ({"surface": "x"}, 0),
    ):  # fmt: skip
        assert admin.get(EVENTS, parameters).context["cl"].result_count == number, parameters


def test_an_event_of_a_deleted_product_and_of_nobody_is_shown(admin: Client, product: Product) -> None:
    event = happened(None, product)
    Product.objects.filter(pk=product.pk).delete()
    page = text(admin.get(EVENTS))
    assert f"deleted product {event.product_id}" in page
    assert "nobody known" in page
    assert admin.get(f"{EVENTS}{event.pk}/change/").status_code == 200


def test_events_cannot_be_written_changed_or_deleted(admin: Client, ada: Shopper) -> None:
    event = Event.objects.first()
    assert event is not None
    assert admin.get(f"{EVENTS}add/").status_code == 403
    assert admin.post(f"{EVENTS}{event.pk}/change/", {"kind": "like"}).status_code == 403
    assert admin.post(f"{EVENTS}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin.post(f"{SHOPPERS}{ada.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Event.objects.count() == 2


def test_a_merge_is_taken_back(admin: Client, ada: Shopper) -> None:
    device = ada.merged.get()
    answer = admin.post(f"{SHOPPERS}{device.pk}/take-apart/", follow=True)
    assert "1 merge taken back" in text(answer)
    assert not ada.merged.exists()
    assert Event.objects.count() == 2
    assert "no merge to be taken back" in text(admin.post(f"{SHOPPERS}{device.pk}/take-apart/", follow=True))


@pytest.mark.slow
def test_many_merges_are_taken_back_at_once(admin: Client, ada: Shopper) -> None:
    chosen = list(Shopper.objects.values_list("pk", flat=True))
    answer = admin.post(SHOPPERS, {"action": "take_apart", "_selected_action": chosen}, follow=True)
    assert "1 merge taken back" in text(answer)


def test_a_history_is_forgotten_on_request(admin: Client, ada: Shopper) -> None:
    assert "2 events deleted" in text(admin.post(f"{SHOPPERS}{ada.pk}/forget/", follow=True))
    assert not Event.objects.exists()
    assert Shopper.objects.get() == ada


def test_only_a_post_changes_anything(admin: Client, ada: Shopper) -> None:
    device = ada.merged.get()
    for at in ("take-apart", "forget"):
        assert admin.get(f"{SHOPPERS}{device.pk}/{at}/").status_code == 405
    assert ada.merged.exists()


@pytest.mark.parametrize("group", ["viewer", "merchandiser"])
def test_what_shoppers_did_is_not_everybodys_business(sign_in: Any, ada: Shopper, group: str) -> None:
    client = sign_in(group)
    for address in (SHOPPERS, EVENTS, f"{SHOPPERS}{ada.pk}/change/"):
        assert client.get(address).status_code == 403
    device = ada.merged.get()
    for at in ("take-apart", "forget"):
        assert client.post(f"{SHOPPERS}{device.pk}/{at}/").status_code == 403
    assert "Shoppers" not in text(client.get("/admin/"))


def test_with_an_account_its_history_is_deleted(admin: Client, ada: Shopper) -> None:
    answer = admin.post(f"/admin/auth/user/{ada.user_id}/delete/", {"post": "yes"}, follow=True)
    assert answer.status_code == 200
    assert not User.objects.filter(username="ada").exists()
    assert not Shopper.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.slow
def test_the_lists_cost_the_same_however_long_they_are(admin: Client, ada: Shopper, product: Product) -> None:
    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            admin.get(address)
        return len(queries)

    before = cost(SHOPPERS), cost(EVENTS)
    for _ in range(20):
        happened(Shopper.objects.create(), product)
    assert (cost(SHOPPERS), cost(EVENTS)) == before


def test_a_long_log_is_not_counted_to_its_end(admin: Client, ada: Shopper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "COUNTED", 1)
    assert admin.get(EVENTS).context["cl"].result_count == 1


def test_counting_a_list_counts_rows_and_nothing_of_each(admin: Client, ada: Shopper) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert admin.get(SHOPPERS).context["cl"].result_count == 2
    [counting] = [each["sql"] for each in queries if each["sql"].startswith("SELECT COUNT(*)")]
    assert "recommend_event" not in counting  # the numbers of each shopper's events
