"""The admin's page of operations."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from catalog.models import OutboxEntry, Product
from search.models import IndexingMinute, ProcessSeen
from vetrina.monitoring import probes

pytestmark = pytest.mark.django_db
PAGE = "/admin/operations/"


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "vectors", probes.Probe(lambda: 7))
    monkeypatch.setattr(probes, "broker", probes.Probe(lambda: {"default": 3, "encode": 4_321, "train": 0}))


@pytest.fixture
def parked() -> list[OutboxEntry]:
    product = Product.objects.create(sku="L1", title="Lamp <b>bold</b>", status="published")
    OutboxEntry.objects.all().delete()
    now = timezone.now()
    return [
        OutboxEntry.objects.create(product_id=number, parked_at=now, error=error, attempts=5)
        for number, error in ((product.pk, "EncoderError: <i>broken</i>"), (10_001, "Odd"), (10_002, "Odd"))
    ]


def test_who_may_not_see_the_outbox_is_refused(client: Client) -> None:
    assert client.get(PAGE).status_code == 302
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.get(PAGE).status_code == 403


def test_an_installation_without_anything_tells_what_is_missing(admin_client: Client) -> None:
    page = admin_client.get(PAGE).content.decode()
    assert "Serving, but degraded" in page
    assert "No worker of default, encode, train was seen lately" in page
    assert "Nobody has looked in this time" in page
    assert "No product was given up" in page
    assert "There is no collection yet" in page
    assert "4,321" in page


def test_it_tells_who_is_at_work_and_plots_the_past(admin_client: Client) -> None:
    now = timezone.now()
    for name, kind, queues in (
        ("all@one", "worker", ["default", "encode", "train"]), ("beat@one", "schedule", []),
    ):  # fmt: skip
        ProcessSeen.objects.create(name=name, kind=kind, queues=queues, pid=1)
    IndexingMinute.objects.create(minute=now - timedelta(minutes=30), oldest_seconds=250.0, waiting=9, parked=0)
    IndexingMinute.objects.create(minute=now - timedelta(minutes=2), oldest_seconds=3.0, products=1_200, encode_ms=10)
    page = admin_client.get(f"{PAGE}?hours=2").content.decode()
    assert "All parts work" in page
    assert "all@one" in page
    assert "250 s" in page  # the top of the plot's axis: the largest in its place, never a mean
    assert "600.0" in page  # 1,200 in a place of two minutes
    assert page.count("<polyline") == 3

    assert admin_client.get(f"{PAGE}?hours=1e9").status_code == 200
    late = timezone.now() - timedelta(minutes=10)
    ProcessSeen.objects.filter(name="all@one").update(seen_at=late)
    assert "No worker of default, encode, train" in admin_client.get(PAGE).content.decode()


@pytest.mark.slow
def test_failures_are_grouped_escaped_and_retried(admin_client: Client, parked: list[OutboxEntry]) -> None:
    page = admin_client.get(PAGE).content.decode()
    assert "&lt;i&gt;broken&lt;/i&gt;" in page
    assert "<i>broken" not in page
    assert "deleted product 10002" in page

    def failed() -> set[int]:
        return set(OutboxEntry.objects.exclude(parked_at=None).values_list("product_id", flat=True))

    answer = admin_client.post(PAGE, {"error": "Odd"}, follow=True)
    assert failed() == {parked[0].product_id}
    assert "2 failed products go to a worker again." in answer.content.decode()
    assert "Nothing of that had failed" in admin_client.post(PAGE, {"error": "No such"}, follow=True).content.decode()
    admin_client.post(PAGE)
    assert not failed()


def test_a_retry_takes_the_right_to_change_the_outbox(client: Client, parked: list[OutboxEntry]) -> None:
    viewer: Any = User.objects.create_user("viewer", is_staff=True)
    viewer.groups.add(Group.objects.get(name="viewer"))
    client.force_login(viewer)
    page = client.get(PAGE)
    assert page.status_code == 200
    assert "Retry all" not in page.content.decode()
    assert client.post(PAGE).status_code == 403
    assert OutboxEntry.objects.exclude(parked_at=None).count() == 3
