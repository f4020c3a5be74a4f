"""Whole imports: what goes in, what is left alone, what is rejected, and what happens when one is stopped."""

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from catalog import services
from catalog.importing import checking
from catalog.importing.checking import Batches
from catalog.importing.checkpoint import SeenSkus
from catalog.importing.importer import Importer, ImportOptions, RowsSource, upsert_rows
from catalog.importing.readers import SourceError, open_source
from catalog.importing.writer import Writer
from catalog.models import Brand, Category, OutboxEntry, Picture, Product, ProductCode, Shop, Tag, Variant
from catalog.tenancy import in_shop

pytestmark = pytest.mark.django_db

FULL = {
    "sku": "CUP-1",
    "title": "Blue <b>cup</b>",
    "description": "<p>Holds 2TB</p><p>of tea</p>",
    "brand": "Acme",
    "store": "Kitchen & Co",
    "category": "Home > Kitchen > Cups",
    "price": 12.5,
    "compare_at_price": "15.00",
    "currency": "eur",
    "stock": 7,
    "status": "published",
    "mpn": "AC-12",
    "ean": ["4006381333931"],
    "family": "cups",
    "released": "2024-05-01",
    "tags": ["Tea", "tea", "Gift"],
    "attributes": {"colour": "blue", "volume": "300ml", "dishwasher": True, "sizes": ["S", "M"], "empty": ""},
    "translations": {"de": {"title": "Blaue Tasse"}},
    "variants": [{"sku": "CUP-1-L", "title": "Large", "attributes": {"size": "L"}, "price": 14, "stock": 2}],
}


def picture(colour="red", format_="JPEG", size=(40, 30)):
    output = io.BytesIO()
    image = Image.new("RGB", size, colour)
    image.paste((255, 255, 255), (0, 0, size[0] // 2, size[1] // 3))
    image.save(output, format_)
    return output.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "images").mkdir(parents=True)
    return folder


def lines(folder: Path, *rows: object) -> Path:
    file = folder / "products.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return file


def table(folder: Path, text: str) -> Path:
    file = folder / "products.csv"
    file.write_text(text, encoding="utf-8")
    return file


def run(path: Path, **options: object):
    return Importer(open_source(path), ImportOptions(**options)).run()  # type: ignore[arg-type]


def counts(report):
    return report.created, report.updated, report.unchanged, report.rejected


def reasons(report) -> dict[int, str]:
    """Line -> reasons and warnings, from the file that a person would open."""
    found: dict[int, str] = {}
    if report.report:
        with Path(report.report).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found[int(row["line"])] = f"{found.get(int(row['line']), '')} {row['level']}: {row['reason']}".strip()
    return found


def test_every_field_of_the_import_format_arrives(folder):
    assert counts(run(lines(folder, FULL))) == (1, 0, 0, 0)
    product = Product.objects.get()
    assert (product.title, product.description) == ("Blue cup", "Holds 2TB\n\nof tea")
    assert (product.brand.name, product.store.name) == ("Acme", "Kitchen & Co")
    assert product.category.full_name == "Home > Kitchen > Cups"
    assert (product.price, product.compare_at_price, product.currency) == (Decimal("12.50"), Decimal("15.00"), "EUR")
    assert (product.stock, product.status, product.family) == (7, "published", "cups")
    assert product.released == date(2024, 5, 1)
    assert product.published_at is not None
    assert product.slug == "blue-cup"
    assert product.attributes == {"colour": "blue", "volume": "300 ml", "dishwasher": True, "sizes": ["S", "M"]}
    assert product.translations == {"de": {"title": "Blaue Tasse"}}
    assert sorted(product.tags.values_list("name", flat=True)) == ["Gift", "Tea"]
    assert set(product.codes.values_list("kind", "value")) == {
        ("sku", "CUP-1"), ("sku", "CUP-1-L"), ("mpn", "AC-12"), ("ean", "4006381333931"),
    }  # fmt: skip
    variant = product.variants.get()
    assert (variant.sku, variant.title, variant.price, variant.stock) == ("CUP-1-L", "Large", Decimal("14.00"), 2)
    assert product.history.get().history_change_reason == "import products.jsonl"
    assert OutboxEntry.objects.filter(product_id=product.pk).exists()
    assert [category.depth for category in Category.objects.all()] == [1, 2, 3]


def test_a_second_import_touches_nothing(folder):
    path = lines(folder, FULL, {"sku": "B", "title": "B"})
    run(path)
    OutboxEntry.objects.all().delete()
    before = list(Product.objects.values())
    assert counts(run(path)) == (0, 0, 2, 0)
    assert counts(run(path, force=True)) == (0, 0, 2, 0)
    assert list(Product.objects.values()) == before
    assert not OutboxEntry.objects.exists()
    assert Product.history.count() == 2


def test_a_changed_row_changes_its_fields_and_no_other_product(folder):
    run(lines(folder, FULL, {"sku": "B", "title": "B"}))
    OutboxEntry.objects.all().delete()
    changed = FULL | {
        "title": "Green cup", "brand": "ACME", "category": "Home > Mugs", "tags": ["Gift"], "ean": [],
        "variants": [{"sku": "CUP-1-S", "title": "Small"}], "mpn": None, "price": None,
    }  # fmt: skip
    assert counts(run(lines(folder, changed, {"sku": "B", "title": "B"}))) == (0, 1, 1, 0)
    product = Product.objects.get(sku="CUP-1")
    assert (product.title, product.slug, product.version) == ("Green cup", "blue-cup", 2)
    assert (product.price, product.mpn, product.category.full_name) == (None, "", "Home > Mugs")
    assert Brand.objects.count() == 1
    assert list(product.tags.values_list("name", flat=True)) == ["Gift"]
    assert set(product.codes.values_list("kind", "value")) == {("sku", "CUP-1"), ("sku", "CUP-1-S")}
    assert list(Variant.objects.values_list("sku", flat=True)) == ["CUP-1-S"]
    assert list(OutboxEntry.objects.values_list("product_id", flat=True)) == [product.pk]
    assert product.history.count() == 2


def test_a_file_of_prices_alone_changes_prices_alone(folder):
    run(lines(folder, FULL))
    before = Product.objects.values().get()
    assert counts(run(table(folder, "sku;price;stock\nCUP-1;9,99;\nNEW;1,00;1\n"))) == (0, 1, 0, 1)
    after = Product.objects.values().get()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"price", "version", "updated_at", "content_hash"}
    assert after["price"] == Decimal("9.99")


def test_what_a_merchandiser_changed_stays_until_the_row_changes_or_force_is_said(folder):
    path = lines(folder, FULL)
    run(path)
    product = Product.objects.get()
    product.title = "Edited"
    services.save_product(product)
    assert counts(run(path)) == (0, 0, 1, 0)
    assert Product.objects.get().title == "Edited"
    assert counts(run(path, force=True)) == (0, 1, 0, 0)
    assert Product.objects.get().title == "Blue cup"


def test_a_row_that_says_the_same_in_another_format_is_unchanged(folder):
    run(lines(folder, {"sku": "A", "title": "Käse", "price": 5, "colour": "red"}))
    (folder / "products.jsonl").unlink()
    assert counts(run(table(folder, "Artikelnummer;Titel;Preis;colour\nA;KÃ¤se;5,00 €;red\n"))) == (0, 0, 1, 0)


def test_new_products_without_stock_and_status_are_for_sale_unless_said_otherwise(folder):
    run(table(folder, "sku,title\nA,A\n"))
    run(table(folder, "sku,title,stock,status\nB,B,,\nC,C,0,draft\n"), stock=5, status="draft")
    assert list(Product.objects.order_by("sku").values_list("sku", "stock", "status")) == [
        ("A", 1, "published"), ("B", 5, "draft"), ("C", 0, "draft"),
    ]  # fmt: skip
    assert Product.objects.get(sku="B").published_at is None


def test_columns_of_unknown_meaning_become_attributes_with_their_numbers(folder):
    path = table(folder, "sku,title,Weight (g),Code,Size\nA,A,12.5,007,42\n")
    run(path)
    assert Product.objects.get().attributes == {"weight_(g)": 12.5, "code": "007", "size": 42}
    Product.objects.all().delete()
    run(path, keep_unknown=False)
    assert Product.objects.get().attributes == {}


def test_a_column_that_no_name_gives_away_is_mapped(folder):
    path = table(folder, "K1,K2,K3\nA,Cup,5\n")
    with pytest.raises(SourceError, match="No column names the sku"):
        run(path)
    with pytest.raises(SourceError, match="no column 'K9' for price"):
        run(path, mapping={"sku": "K1", "price": "K9"})
    assert counts(run(path, mapping={"sku": "K1", "title": "K2", "price": "K3"})) == (1, 0, 0, 0)
    assert Product.objects.get().price == Decimal("5.00")


def test_a_sku_that_comes_twice_counts_once_and_the_second_run_changes_nothing(folder):
    path = lines(folder, {"sku": "A", "title": "first"}, {"sku": "B", "title": "B"}, {"sku": "A", "title": "second"})
    report = run(path, batch=2)
    assert counts(report) == (2, 0, 0, 1)
    assert reasons(report) == {3: "rejected: sku: 'A' is on line 1 already"}
    assert counts(run(path, batch=2)) == (0, 0, 2, 1)
    assert Product.objects.get(sku="A").title == "first"


def test_pictures_go_in_once_upright_and_in_order(folder):
    (folder / "images" / "a.jpg").write_bytes(picture("red"))
    (folder / "images" / "b.jpg").write_bytes(picture("blue", size=(80, 80)))
    (folder / "images" / "copy.jpg").write_bytes(picture("red"))
    path = lines(
        folder,
        {
            "sku": "A",
            "title": "A",
            "images": [{"file": "images/b.jpg", "alt": "front"}, "images/a.jpg", "images/copy.jpg"],
        },
        {"sku": "B", "title": "B", "images": ["images/a.jpg"]},
    )
    report = run(path)
    assert counts(report) == (2, 0, 0, 0)
    assert "same as another" in reasons(report)[1]
    rows = list(Picture.objects.filter(product__sku="A").values_list("source", "position", "alt", "width"))
    assert rows == [("images/b.jpg", 0, "front", 80), ("images/a.jpg", 1, "", 40)]
    assert len(set(Picture.objects.values_list("file", flat=True))) == 2
    assert counts(run(path)) == (0, 0, 2, 0)


def test_a_picture_whose_file_changed_or_left_the_row_changes_the_product(folder):
    (folder / "images" / "a.jpg").write_bytes(picture("red"))
    (folder / "images" / "b.jpg").write_bytes(picture("blue"))
    path = lines(folder, {"sku": "A", "title": "A", "images": ["images/a.jpg", "images/b.jpg"]})
    run(path)
    first = Picture.objects.get(position=0)
    (folder / "images" / "b.jpg").write_bytes(picture("green", size=(60, 60)))
    assert counts(run(path)) == (0, 1, 0, 0)
    assert Picture.objects.get(position=0).pk == first.pk
    assert Picture.objects.get(position=1).width == 60
    assert counts(run(lines(folder, {"sku": "A", "title": "A", "images": ["images/b.jpg"]}))) == (0, 1, 0, 0)
    assert Picture.objects.get().source == "images/b.jpg"
    assert Product.objects.get().version == 3


def test_broken_pictures_can_be_left_out_or_skipped(folder):
    (folder / "images" / "good.jpg").write_bytes(picture())
    (folder / "images" / "bad.jpg").write_bytes(b"<svg/>")
    path = lines(folder, {"sku": "A", "title": "A", "images": ["images/bad.jpg", "images/good.jpg", "images/none.jpg"]})
    assert counts(run(path)) == (0, 0, 0, 1)
    assert not Product.objects.exists()
    report = run(path, pictures="lenient")
    assert counts(report) == (1, 0, 0, 0)
    assert "SVG document" in reasons(report)[1]
    assert "no such file" in reasons(report)[1]
    assert Picture.objects.get().source == "images/good.jpg"
    Product.objects.all().delete()
    assert counts(run(path, pictures="skip")) == (1, 0, 0, 0)
    assert not Picture.objects.exists()


def test_a_preview_says_what_would_change_and_writes_nothing(folder):
    run(lines(folder, FULL))
    before = list(Product.objects.values())
    (folder / "images" / "a.jpg").write_bytes(picture())
    path = lines(
        folder,
        FULL | {"price": 13, "brand": "Other", "images": ["images/a.jpg"]},
        {"sku": "B", "title": "B", "category": "New"},
        {"sku": "C"},
        {"sku": "D", "title": "D", "images": ["http://shop.example/d.jpg"]},
    )
    preview = Importer(open_source(path)).preview()
    assert [row.outcome for row in preview.rows] == ["updated", "created", "rejected", "created"]
    assert preview.rows[0].changes == {
        "price": (Decimal("12.50"), Decimal("13.00")), "brand": ("Acme", "Other"), "pictures": ([], ["images/a.jpg"]),
    }  # fmt: skip
    assert preview.rows[1].changes["title"] == (None, "B")
    assert preview.rows[3].warnings == ["picture 'http://shop.example/d.jpg': will be fetched"]
    assert preview.columns["sku"] == "sku"
    assert list(Product.objects.values()) == before
    assert not Category.objects.filter(name="New").exists()
    assert not Picture.objects.exists()


def test_a_batch_that_the_database_refuses_costs_the_row_at_fault_alone(folder, monkeypatch):
    rows = [{"sku": f"S{number}", "title": f"T{number}", "brand": f"Brand {number % 3}"} for number in range(20)]
    original = Writer._create

    def refuse(self, plans):
        original(self, plans)
        if any(plan.row.sku == "S13" for plan in plans):
            raise RuntimeError("boom")

    monkeypatch.setattr(Writer, "_create", refuse)
    report = run(lines(folder, *rows))
    assert counts(report) == (19, 0, 0, 1)
    assert reasons(report) == {14: "rejected: unexpected RuntimeError: boom"}
    assert not Product.objects.filter(sku="S13").exists()
    assert ProductCode.objects.count() == OutboxEntry.objects.count() == 19
    assert Brand.objects.count() == 3


def test_a_variant_belongs_to_one_product(folder):
    row = {"variants": [{"sku": "V"}]}
    report = run(lines(folder, {"sku": "A", "title": "A"} | row, {"sku": "B", "title": "B"} | row))
    assert counts(report) == (1, 0, 0, 1)
    assert "belongs to the product 'A'" in reasons(report)[2]
    assert upsert_rows([{"sku": "C", "title": "C"} | row])[0].outcome == "rejected"


def test_an_interrupted_import_goes_on_where_it_stopped(folder):
    rows = [{"sku": f"S{number}", "title": f"T{number}"} for number in range(10)]
    path = lines(folder, *rows, {"sku": "S1", "title": "again"})
    asked = iter([False, True])
    options = ImportOptions(batch=3)
    stopped = Importer(open_source(path), options, stop=lambda: next(asked)).run()
    assert (stopped.interrupted, stopped.last_line, Product.objects.count()) == (True, 6, 6)
    resumed = run(path, batch=3, resume=True)
    assert counts(resumed) == (4, 0, 0, 1)
    assert "is on line 2 already" in reasons(resumed)[11]
    assert counts(run(path, batch=3, resume=True)) == (0, 0, 10, 1)  # finished: there is nothing to go on from


def test_a_checkpoint_does_not_hold_for_another_file_or_other_options(folder):
    rows = [{"sku": f"S{number}", "title": f"T{number}"} for number in range(6)]
    path = lines(folder, *rows)
    Importer(open_source(path), ImportOptions(batch=3), stop=lambda: True).run()
    assert counts(run(path, resume=True, status="draft")) == (3, 0, 3, 0)
    Importer(open_source(path), ImportOptions(batch=3), stop=lambda: True).run()
    assert counts(run(lines(folder, *rows, {"sku": "X", "title": "X"}), resume=True)) == (1, 0, 6, 0)


def test_a_checkpoint_of_one_shop_does_not_hold_for_another(folder, settings):
    settings.MULTI_SHOP = True
    path = lines(folder, *({"sku": f"S{number}", "title": "T"} for number in range(6)))
    with in_shop(1):
        Importer(open_source(path), ImportOptions(batch=3), stop=lambda: True).run()
    with in_shop(Shop.objects.create(name="Second", slug="second").pk):
        assert counts(run(path, batch=3, resume=True)) == (6, 0, 0, 0)
    with in_shop(1):
        assert counts(run(path, batch=3, resume=True)) == (3, 0, 0, 0)


def test_what_ever_new_columns_mean_is_not_kept_for_ever(monkeypatch):
    monkeypatch.setattr(checking, "MOST_COLUMNS", 10)
    rows, options = [{"sku": f"S{number}", "title": "T", f"k{number}": 1} for number in range(50)], ImportOptions()
    with SeenSkus() as seen:
        batches = Batches(RowsSource(rows), options, options.rules(from_table=False), seen)
        assert sum(len(good) for good, _ in batches.read(0)) == 50
    assert len(batches.meaning) == 10


def test_rows_from_the_api_are_always_compared_and_answered_in_order(product):
    product("OLD", title="Old", stock=1)
    results = upsert_rows([{"sku": "NEW", "title": "New"}, "text", {"sku": "OLD", "title": "Newer"}, {"title": "x"}])  # type: ignore[list-item]
    assert [(row.line, row.outcome) for row in results] == [
        (1, "created"), (2, "rejected"), (3, "updated"), (4, "rejected"),
    ]  # fmt: skip
    assert results[2].changes == {"title": ("Old", "Newer")}
    assert results[0].product_id == Product.objects.get(sku="NEW").pk
    edited = Product.objects.get(sku="NEW")
    edited.title = "Edited"
    services.save_product(edited)
    assert upsert_rows([{"sku": "NEW", "title": "New"}])[0].outcome == "updated"
    assert Tag.objects.count() == 0


def test_a_row_from_the_api_names_no_file_of_this_machine():
    result = upsert_rows([{"sku": "A", "title": "A", "images": ["/etc/passwd"]}])[0]
    assert result.outcome == "rejected"
    assert "address" in result.reason


def test_workers_are_woken_once_the_rows_are_committed(folder, monkeypatch, django_capture_on_commit_callbacks):
    sent = []
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda self, name, *args, **options: sent.append(name))
    (folder / "images" / "a.jpg").write_bytes(picture())
    with django_capture_on_commit_callbacks(execute=True):
        run(lines(folder, {"sku": "A", "title": "A", "images": ["images/a.jpg"]}))
    assert {"workers.tasks.drain_outbox", "workers.tasks.make_thumbnails"} == set(sent)
    sent.clear()
    run(folder / "products.jsonl")
    assert sent == []


def test_a_broker_that_is_down_does_not_hold_up_an_import(folder, monkeypatch):
    def down(*_, **__):
        raise ConnectionError("no broker")

    monkeypatch.setattr("celery.app.base.Celery.send_task", down)
    (folder / "images" / "a.jpg").write_bytes(picture())
    assert counts(run(lines(folder, {"sku": "A", "title": "A", "images": ["images/a.jpg"]}))) == (1, 0, 0, 0)


def test_the_command_prints_what_became_of_the_rows(folder, capsys):
    path = lines(folder, FULL, {"sku": "B"})
    call_command("import_catalog", str(folder), "--json", "--report", str(folder / "why.csv"))
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last.keys() >= {"created", "updated", "unchanged", "rejected", "seconds"}
    assert (last["created"], last["rejected"], last["report"]) == (1, 1, str(folder / "why.csv"))
    written = [json.loads(line) for line in (folder / "why.jsonl").read_text().splitlines()]
    assert [(row["line"], row["sku"], row["level"]) for row in written] == [(2, "B", "rejected")]
    call_command("import_catalog", str(path), "--dry-run", "--map", "title=description", "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["updated"] == 1
    assert Product.objects.get().title == "Blue cup"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["absent.csv"], "does not exist"),
        (["--map", "price"], "FIELD=COLUMN"),
        (["--map", "colour=x"], "no field"),
        (["--delimiter", "ab"], "one character"),
    ],
)
def test_the_command_says_what_is_wrong_with_its_arguments(folder, arguments, reason):
    path = [] if arguments[0].endswith(".csv") else [str(lines(folder, FULL))]
    with pytest.raises(CommandError, match=reason):
        call_command("import_catalog", *path, *arguments)
