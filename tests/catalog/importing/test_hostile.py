"""Bad input of every kind: each row is rejected with its reason or repaired with a warning, and the rest goes in."""

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalog.fetch import Fetcher, FetchError
from catalog.importing.importer import Importer, ImportOptions, upsert_rows
from catalog.importing.readers import open_source
from catalog.models import OutboxEntry, Picture, Product, ProductCode, Variant
from tests.pictures import bomb

pytestmark = pytest.mark.django_db


def photo(format_="JPEG", size=(400, 300)):
    output = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)).save(output, format_)
    return output.getvalue()


def run(path: Path, **options: object):
    report = Importer(open_source(path), ImportOptions(**options)).run()  # type: ignore[arg-type]
    written = []
    if report.report:
        written = [json.loads(line) for line in Path(report.report).with_suffix(".jsonl").read_text().splitlines()]
    return report, {row["line"]: row["reason"] for row in written if row["level"] == "rejected"}, written


BAD_FIELDS = [
    ({"price": -1}, "price: -1|negative"),
    ({"price": "-3,50 €"}, "negative"),
    ({"price": "NaN"}, "not a price"),
    ({"price": "Infinity"}, "not a price"),
    ({"price": "=1+1"}, "not a price"),
    ({"price": {"amount": 5}}, "an object"),
    ({"price": True}, "true or false"),
    ({"price": 1e300}, "more than"),
    ({"price_cents": -5}, "negative"),
    ({"compare_at_price": "-1"}, "negative"),
    ({"currency": "EURO"}, "three letters"),
    ({"price": "5 $", "currency": "EUR"}, "several"),
    ({"stock": -1}, "negative"),
    ({"stock": 1.5}, "whole number"),
    ({"stock": 10**12}, "more than"),
    ({"status": "maybe"}, "none of published"),
    ({"title": ""}, "title: is empty"),
    ({"title": "<p> </p>"}, "title: is empty"),
    ({"title": "x" * 501}, "at most 500"),
    ({"title": ["a"]}, "a list"),
    ({"title": "x" * 2_000_000}, "at most 1,000,000"),
    ({"description": "x" * 200_000}, "at most 100,000"),
    ({"description": {"html": "x"}}, "an object"),
    ({"sku": "x" * 65}, "at most 64"),
    ({"sku": "a\x00b"}, "control or invisible"),
    ({"sku": "a\u202eb"}, "control or invisible"),
    ({"sku": ""}, "sku: is missing"),
    ({"sku": None}, "sku: is missing"),
    ({"sku": ["a"]}, "a list"),
    ({"brand": "b" * 161}, "at most 160"),
    ({"category": " > ".join("abcdefghi")}, "9 levels"),
    ({"category": ["x" * 121]}, "at most 120"),
    ({"released": "2024-02-31"}, "not a date"),
    ({"tags": {"a": 1}}, "an object"),
    ({"tags": ["t"] * 501}, "501 entries"),
    ({"attributes": "[1]"}, "object of names"),
    ({"attributes": [1]}, "object of names"),
    ({"attributes": "{broken"}, "begins like JSON"),
    ({"attributes": {"a": {"b": {"c": 1}}}}, "an object"),
    ({"attributes": {"a": [[1]]}}, "lists or objects"),
    ({"attributes": {"a": 1e300}}, "not a value"),
    ({"attributes": {f"a{n}": 1 for n in range(401)}}, "at most 400"),
    ({"translations": {"de": "x"}}, "an object like"),
    ({"translations": {"../../x": {"title": "x"}}}, "code of a language"),
    ({"translations": {"de": {"slug": "x"}}}, "cannot be translated"),
    ({"variants": ["x"]}, "an object like"),
    ({"variants": [{"title": "x"}]}, "sku: is missing"),
    ({"variants": [{"sku": "V"}, {"sku": "V"}]}, "named twice"),
    ({"variants": [{"sku": "V", "price": -1}]}, "negative"),
    ({"images": 5}, "file name"),
    ({"images": [{"alt": "x"}]}, "file name"),
    ({"images": [f"{n}.jpg" for n in range(51)]}, "at most 50"),
    ({"images": ["a\x00.jpg"]}, "not a file name"),
]


@pytest.mark.parametrize("number", range(len(BAD_FIELDS)))
def test_a_bad_field_rejects_its_row_with_the_reason_and_nothing_of_it_is_written(number):
    fields, reason = BAD_FIELDS[number]
    results = upsert_rows([{"sku": "GOOD", "title": "Good"}, {"sku": "BAD", "title": "Bad"} | fields])
    assert [row.outcome for row in results] == ["created", "rejected"]
    assert any(part in results[1].reason for part in reason.split("|")), results[1].reason
    assert len(results[1].reason) < 400
    assert list(Product.objects.values_list("sku", flat=True)) == ["GOOD"]
    assert (Variant.objects.count(), Picture.objects.count(), ProductCode.objects.count()) == (0, 0, 1)
    assert OutboxEntry.objects.count() == 1


@pytest.mark.parametrize("number", range(len(BAD_FIELDS)))
def test_a_bad_field_leaves_a_product_that_exists_as_it_was(number):
    fields, _ = BAD_FIELDS[number]
    upsert_rows([{"sku": "BAD", "title": "Before", "price": 5, "tags": ["x"]}])
    before = list(Product.objects.values())
    assert upsert_rows([{"sku": "BAD", "title": "After"} | fields])[0].outcome == "rejected"
    assert list(Product.objects.values()) == before


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("truncated.jpg", photo()[:9000], "cut off"),
        ("huge.png", bomb(), "too many pixels"),
        ("svg.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG document"),
        ("html.jpg", b"<!doctype html><script>alert(1)</script>", "HTML page"),
        ("empty.jpg", b"", "empty"),
        ("text.jpg", b"hello", "not a picture"),
        ("absent.jpg", None, "no such file"),
        ("large.jpg", b"\xff\xd8" + b"x" * 2_000_000, "at most 1,000,000"),
    ],
)
def test_a_bad_picture_rejects_its_row(tmp_path, settings, name, data, reason):
    settings.PICTURE_MAX_BYTES = 1_000_000
    if data is not None:
        (tmp_path / name).write_bytes(data)
    (tmp_path / "good.jpg").write_bytes(photo())
    rows = [
        {"sku": "A", "title": "A", "images": ["good.jpg", name]},
        {"sku": "B", "title": "B", "images": ["good.jpg"]},
    ]
    (tmp_path / "products.jsonl").write_text("\n".join(map(json.dumps, rows)))
    report, rejected, _ = run(tmp_path)
    assert (report.created, report.rejected) == (1, 1)
    assert reason in rejected[1]
    assert name in rejected[1]
    assert list(Picture.objects.values_list("product__sku", flat=True)) == ["B"]


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "link.jpg", "images/../../secret.jpg", ".", "pipe"])
def test_no_file_outside_the_catalogue_s_folder_is_read(tmp_path, name):

    shop = tmp_path / "shop"
    shop.mkdir()
    (tmp_path / "secret.jpg").write_bytes(photo())
    (shop / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    os.mkfifo(shop / "pipe")
    (shop / "products.jsonl").write_text(json.dumps({"sku": "A", "title": "A", "images": [name]}))
    report, rejected, _ = run(shop)
    assert report.rejected == 1
    assert "outside" in rejected[1] or "no such file" in rejected[1]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1/a.jpg", "not a public address"),
        ("http://localhost:8000/a.jpg", "Port 8000"),
        ("http://[::1]/a.jpg", "not a public address"),
        ("http://169.254.169.254/latest/meta-data/", "not a public address"),
        ("file:///etc/passwd", "Only http"),
        ("ftp://shop.example/a.jpg", "Only http"),
        ("http://user:pass@shop.example/a.jpg", "user name"),
        ("http://xn--/a.jpg", "not a valid address"),
    ],
)
def test_an_address_that_must_not_be_fetched_rejects_its_row(address, reason):
    result = upsert_rows([{"sku": "A", "title": "A", "images": [{"url": address}]}])[0]
    assert result.outcome == "rejected"
    assert reason in result.reason
    assert not Product.objects.exists()


class Answers(Fetcher):
    """Answers from memory, as the network would."""

    def __init__(self, answers):
        super().__init__()
        self.answers, self.asked = answers, []

    def fetch(self, url):
        self.asked.append(url)
        answer = self.answers[url]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_an_address_that_does_not_answer_is_tried_again_at_the_next_import(tmp_path):
    good, slow = "https://shop.example/a.jpg", "https://shop.example/b.jpg"
    path = tmp_path / "products.csv"
    path.write_text(f"sku,title,images\nA,A,{good}|{slow}\n")
    fetcher = Answers({good: photo(), slow: FetchError("No answer within 10 seconds.", permanent=False)})
    report = Importer(open_source(path), fetcher=fetcher).run()
    assert (report.created, report.rejected, report.warnings) == (1, 0, 1)
    assert list(Picture.objects.values_list("source", flat=True)) == [good]
    fetcher.answers[slow] = photo("PNG", (300, 300))
    fetcher.asked.clear()
    report = Importer(open_source(path), fetcher=fetcher).run()
    assert (report.updated, report.warnings) == (1, 0)
    assert fetcher.asked == [slow]
    fetcher.asked.clear()
    assert Importer(open_source(path), fetcher=fetcher).run().unchanged == 1
    assert fetcher.asked == []


def test_an_address_behind_which_there_is_no_picture_rejects_its_row(tmp_path):
    gone, page = "https://shop.example/gone.jpg", "https://shop.example/page.jpg"
    path = tmp_path / "products.csv"
    path.write_text(f"sku,title,image\nA,A,{gone}\nB,B,{page}\n")
    fetcher = Answers({gone: FetchError("The server answered 404.", permanent=True), page: b"<html>"})
    report = Importer(open_source(path), fetcher=fetcher).run()
    assert report.rejected == 2
    text = Path(report.report).read_text()
    assert "404" in text
    assert "HTML page" in text


def test_cells_that_look_like_formulas_are_texts_and_the_report_runs_none(tmp_path):
    path = tmp_path / "products.csv"
    path.write_text('sku,title,price\nA,"=HYPERLINK(""http://x"",""y"")",1\n=cmd|calc,Bad,-1\n@x,Worse,NaN\n')
    report, rejected, _ = run(path)
    assert Product.objects.get(sku="A").title == '=HYPERLINK("http://x","y")'
    assert len(rejected) == 2
    with Path(report.report).open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=cmd|calc" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_a_file_of_all_that_is_bad_lets_the_good_rows_in(tmp_path):
    path = tmp_path / "products.csv"
    path.write_bytes(
        b"sku,title,price,stock\n"
        b"1,Good,5.00,1\n"
        b"2,NaN price,NaN,1\n"
        b"3,Negative,-5,1\n"
        b"4," + b"x" * 10_000_000 + b",5,1\n"
        b'5,"open quote,5,1\n'
        b"6,Too,many,cells,here\n"
        b"7,short\n" + "8,Möhre,5,1\n".encode("cp1252") + b"9,\x81\x8d,5,1\n"
        b"10,Nul\x00led,5,1\n"
        b"1,Twice,5,1\n"
        b",No sku,5,1\n"
        b"11,<script>alert(1)</script>,5,1\n"
        b"12,Good too,\xe2\x82\xac 5,2\n"
    )
    report, rejected, written = run(path)
    assert sorted(Product.objects.values_list("sku", flat=True), key=int) == ["1", "8", "10", "12"]
    assert Product.objects.get(sku="8").title == "Möhre"
    assert Product.objects.get(sku="10").title == "Nulled"
    assert sorted(rejected) == [3, 4, 5, 6, 7, 8, 10, 12, 13, 14]
    assert all(rejected.values())
    assert [row["reason"] for row in written if row["level"] == "warning"] == [
        "the line is not UTF-8 and was read as Windows-1252"
    ]
    assert report.created + report.rejected == 14


def test_an_unexpected_error_in_one_row_rejects_that_row(monkeypatch):
    from catalog.importing import rows

    original = rows.date_of

    def broken(value, field):
        if value == "2020-02-02":
            raise ZeroDivisionError("surprise")
        return original(value, field)

    monkeypatch.setattr(rows, "date_of", broken)
    results = upsert_rows(
        [{"sku": "A", "title": "A", "released": "2020-02-02"}, {"sku": "B", "title": "B", "released": "2020-02-03"}]
    )
    assert [row.outcome for row in results] == ["rejected", "created"]
    assert "ZeroDivisionError: surprise" in results[0].reason
