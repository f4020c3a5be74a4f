"""Thousands of rows in one request: a bad one is rejected and spares the others."""

import json

import pytest

from catalog.models import OutboxEntry, Product

pytestmark = pytest.mark.django_db
BULK = "/api/v1/products/bulk"


def send(client, body, content_type="application/json"):
    data = body if isinstance(body, bytes) else json.dumps(body)
    return client.generic("POST", BULK, data, content_type=content_type)


def test_each_row_is_answered_in_its_order(keyed, product):
    product("OLD", title="Old")
    product("SAME", title="Same", status="published", stock=1)
    OutboxEntry.objects.all().delete()
    answer = send(
        keyed,
        [
            {"sku": "NEW", "title": "New", "price": "3.50", "category": "Food > Fruit", "brand": "Acme"},
            {"sku": "OLD", "title": "Newer"},
            {"sku": "SAME", "title": "Same"},
            {"sku": "BAD", "title": "Bad", "price": -1},
            {"title": "Nameless"},
            "text",
            {"sku": "NEW", "title": "Twice"},
        ],
    )
    assert answer.status_code == 200, answer.json()
    found = answer.json()
    assert [row["status"] for row in found["results"]] == [
        "created", "updated", "unchanged", "rejected", "rejected", "rejected", "rejected",
    ]  # fmt: skip
    assert [row["index"] for row in found["results"]] == list(range(7))
    assert (found["created"], found["updated"], found["unchanged"], found["rejected"]) == (1, 1, 1, 4)
    assert all(row["reason"] for row in found["results"][3:])
    assert Product.objects.get(sku="NEW").category.full_name == "Food > Fruit"
    assert Product.objects.get(sku="NEW").history.first().history_change_reason == "API key tests"
    assert set(OutboxEntry.objects.values_list("product_id", flat=True)) == set(
        Product.objects.filter(sku__in=["NEW", "OLD"]).values_list("pk", flat=True)
    )


def test_rows_may_come_as_lines_and_a_broken_line_is_one_rejected_row(keyed):
    lines = [
        '{"sku": "A", "title": "A"}',
        '{"sku": ',
        "",
        '{"sku": "B", "title": "B", "price": NaN}',
        '{"sku": "C", "title": "C"}',
    ]
    body = "\n".join(lines).encode()
    found = send(keyed, body, "application/x-ndjson").json()
    assert [row["status"] for row in found["results"]] == ["created", "rejected", "rejected", "created"]
    assert "JSON" in found["results"][1]["reason"]
    assert "NaN" in found["results"][2]["reason"]


def test_rows_may_come_inside_an_object(keyed):
    assert send(keyed, {"rows": [{"sku": "A", "title": "A"}]}).json()["created"] == 1


@pytest.mark.slow
def test_a_second_time_nothing_changes(keyed):
    rows = [{"sku": str(i), "title": f"Thing {i}", "price": 1.5, "attributes": {"size": i}} for i in range(300)]
    assert send(keyed, rows).json()["created"] == 300
    versions = dict(Product.objects.values_list("sku", "version"))
    assert send(keyed, rows).json()["unchanged"] == 300
    assert dict(Product.objects.values_list("sku", "version")) == versions


def test_an_empty_list_is_no_error(keyed):
    assert send(keyed, []).json() == {"created": 0, "updated": 0, "unchanged": 0, "rejected": 0, "results": []}


@pytest.mark.parametrize("body", [b"", b"{", b'{"sku": "A"}', b"7", b"null", b"[" * 100_000, b"[NaN]", b"\xff"])
def test_what_is_no_list_of_rows_is_refused_as_a_whole(keyed, body):
    assert send(keyed, body).status_code == 400
    assert not Product.objects.exists()


def test_too_many_rows(keyed):
    answer = send(keyed, [{}] * 10_001)
    assert answer.status_code == 400
    assert "10,000" in str(answer.json())


def test_too_many_bytes(keyed, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert send(keyed, [{"sku": "A", "title": "x" * 2000}]).status_code == 413


@pytest.mark.parametrize(
    "row",
    [
        {"sku": "A", "title": "T", "price": "NaN"},
        {"sku": "A", "title": "T", "stock": 10**40},
        {"sku": "A", "title": "T", "stock": -1},
        {"sku": ["A"], "title": {"a": 1}},
        {"sku": "A\x00", "title": "T"},
        {"sku": "A", "title": "x" * 2_000_000},
        {"sku": "A", "title": "T", "attributes": {"a": {"b": {"c": {"d": {"e": 1}}}}}, "price": {}},
        {"sku": "A", "title": "T", "variants": [1, 2]},
        {"sku": "A", "title": "T", "images": ["http://127.0.0.1/a.png"]},
        {"sku": "A", "title": "T", "images": ["/etc/passwd"]},
        {"sku": "A", "title": "T", "status": "gone"},
    ],
)
def test_hostile_rows_are_rejected_with_a_reason(keyed, row):
    found = send(keyed, [row, {"sku": "GOOD", "title": "Good"}])
    assert found.status_code == 200
    assert [entry["status"] for entry in found.json()["results"]] == ["rejected", "created"]
    assert found.json()["results"][0]["reason"]
    assert not Product.objects.exclude(sku="GOOD").exists()


def test_only_posting_is_answered(keyed):
    assert keyed.get(BULK).status_code == 405
