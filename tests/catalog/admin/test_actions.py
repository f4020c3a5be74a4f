"""What is done to many products at once, and who may do it."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog import services
from catalog.admin.export import csv_of
from catalog.importing.importer import Importer
from catalog.importing.readers import open_source
from catalog.models import Collection, OutboxEntry, Product

pytestmark = pytest.mark.django_db
PRODUCTS = "/admin/catalog/product/"
OUTBOX = "/admin/catalog/outboxentry/"


def run(client, action, rows, url=PRODUCTS, **extra):
    data = {"action": action, "_selected_action": [row.pk for row in rows], "index": "0", **extra}
    return client.post(url, data, follow=True)


@pytest.fixture
def three(product):
    rows = [product(sku) for sku in "ABC"]
    OutboxEntry.objects.all().delete()
    return rows


def waiting():
    return set(OutboxEntry.objects.values_list("product_id", flat=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "status"), [("publish", "published"), ("archive", "archived"), ("back_to_draft", "draft")]
)
def test_status(merchandiser, three, action, status):
    start = "archived" if status == "draft" else "draft"
    Product.objects.update(status=start)
    answer = run(merchandiser, action, three[:2])
    assert set(Product.objects.filter(status=status).values_list("sku", flat=True)) == {"A", "B"}
    assert waiting() == {row.pk for row in three[:2]}
    assert "2 products" in answer.content.decode()
    assert three[0].history.first().history_user.username == "merchandiser"


@pytest.mark.slow
def test_all_pages_of_a_selection(merchandiser, three):
    run(merchandiser, "publish", three[:1], select_across="1")
    assert Product.objects.filter(status="published").count() == 3


def test_reembedding(merchandiser, three):
    run(merchandiser, "reembed", three[:2])
    assert waiting() == {row.pk for row in three[:2]}
    assert Product.objects.get(pk=three[0].pk).version == 2


def test_a_category_is_asked_for_and_assigned(merchandiser, three):
    category = services.add_category("Mugs")
    page = run(merchandiser, "assign_category", three[:2])
    assert "For 2 products" in page.content.decode()
    assert waiting() == set()
    run(merchandiser, "assign_category", three[:2], apply="1", choice=category.pk)
    assert set(category.products.values_list("sku", flat=True)) == {"A", "B"}
    assert waiting() == {row.pk for row in three[:2]}
    page = run(merchandiser, "assign_category", three[:2], apply="1", choice="99999")
    assert "valid choice" in page.content.decode()


def test_a_collection_is_asked_for_and_filled(merchandiser, three):
    collection = Collection(title="Picnic")
    services.save_named(collection)
    assert "Picnic" in run(merchandiser, "add_to_collection", three).content.decode()
    run(merchandiser, "add_to_collection", three, apply="1", choice=collection.pk)
    assert collection.items.count() == 3


def test_deleting_many(sign_in, three):
    run(sign_in("administrator"), "delete_selected", three[:2], post="yes")
    assert list(Product.objects.values_list("sku", flat=True)) == ["C"]
    assert waiting() == {row.pk for row in three[:2]}


@pytest.mark.parametrize("action", ["publish", "archive", "reembed", "assign_category", "add_to_collection"])
def test_viewers_change_nothing(sign_in, three, action):
    client = sign_in("viewer")
    category = services.add_category("Mugs")
    run(client, action, three, apply="1", choice=category.pk)
    assert waiting() == set()
    assert set(Product.objects.values_list("status", "category")) == {("draft", None)}


def test_export_runs_no_formula_and_reads_back(sign_in, three, merchandiser):
    for row, title in zip(three, ("=1+1", "@SUM(A1)", 'A "quoted", title'), strict=True):
        row.title = title
        row.attributes = {"colour": "red"}
        services.save_product(row, codes={"ean": ["4006381333931"]})
    answer = run(sign_in("viewer"), "export_as_csv", three)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = {row["sku"]: row for row in csv.DictReader(io.StringIO(text))}
    assert [rows[sku]["title"] for sku in "ABC"] == ["'=1+1", "'@SUM(A1)", 'A "quoted", title']
    assert rows["C"]["attributes"] == '{"colour": "red"}'
    assert rows["C"]["ean"] == "4006381333931"


def test_an_export_that_is_imported_changes_nothing(product, tmp_path):
    product("-1", title="=1+1", description="- dry\n- light", mpn="+4")
    before = Product.objects.values().get()
    (tmp_path / "products.csv").write_text("".join(csv_of(Product.objects.all())), encoding="utf-8", newline="")
    report = Importer(open_source(tmp_path / "products.csv")).run()
    assert (report.created, report.updated, report.unchanged) == (0, 0, 1)
    assert Product.objects.values().get() == before | {"content_hash": Product.objects.get().content_hash}


class TestOutbox:
    @pytest.fixture
    def failed(self, three):
        services.mark_changed([row.pk for row in three])
        entry = OutboxEntry.objects.get(product_id=three[0].pk)
        entry.parked_at, entry.attempts, entry.error = timezone.now() - timedelta(hours=1), 5, "EncoderError: cut off"
        entry.save()
        return entry

    def test_failed_entries_come_first_with_their_error(self, merchandiser, failed):
        page = merchandiser.get(OUTBOX)
        assert page.context["cl"].result_list[0].pk == failed.pk
        assert "EncoderError: cut off" in page.content.decode()
        shown = merchandiser.get(OUTBOX, {"state": "failed"}).context["cl"].result_list
        assert [entry.pk for entry in shown] == [failed.pk]

    def test_they_are_tried_again(self, merchandiser, failed):
        answer = run(merchandiser, "retry", OutboxEntry.objects.all(), url=OUTBOX)
        assert "1 failed entry goes to a worker again" in answer.content.decode()
        failed.refresh_from_db()
        assert (failed.parked_at, failed.attempts, failed.error) == (None, 0, "")

    def test_viewers_cannot(self, sign_in, failed):
        run(sign_in("viewer"), "retry", OutboxEntry.objects.all(), url=OUTBOX)
        failed.refresh_from_db()
        assert failed.parked_at is not None

    def test_nobody_deletes_or_edits_them(self, sign_in, failed):
        client = sign_in("root")
        assert client.post(f"{OUTBOX}{failed.pk}/delete/", {"post": "yes"}).status_code == 403
        run(client, "delete_selected", OutboxEntry.objects.all(), url=OUTBOX, post="yes")
        assert OutboxEntry.objects.count() == 3

    def test_the_entry_of_a_deleted_product_is_shown(self, merchandiser, three):
        services.delete_products([three[0].pk])
        assert f"deleted product {three[0].pk}" in merchandiser.get(OUTBOX).content.decode()
