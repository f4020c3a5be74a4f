"""Logs of other systems: read as they are, told what is wrong with them, imported twice without harm."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from catalog.models import Product
from recommend.events import importing
from recommend.events.history import past_of
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import of_name

pytestmark = pytest.mark.django_db
Products = dict[str, Product]


@pytest.fixture(autouse=True)
def _own_home(settings: Settings, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    settings.EVENT_RETENTION_DAYS = 0


def run(path: Path, *options: str) -> dict[str, Any]:
    """What the command says as JSON."""
    out = StringIO()
    call_command("import_events", str(path), "--json", *options, stdout=out)
    said: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return said


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write_file(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        data = text.encode() if isinstance(text, str) else text
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_file


def bought(user: str, products: Products) -> list[str]:
    names = {product.pk: sku for sku, product in products.items()}
    return [names[each.product_id] for each in past_of(Shopper.objects.get(key=of_name(user))).seen]


TABLE = """user,kind,sku,happened_at,surface,position
ada,view,A,2026-03-01T10:00:00Z,search,3
ben,cart,B,2026-03-01T10:01:00+01:00,,
ada,purchase,C,2026-03-01 10:02:00,,
"""


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_a_table_goes_in(products: Products, write: Any, name: str) -> None:
    said = run(write(name, TABLE))
    assert (said["accepted"], said["rejected"], said["shoppers"]) == (3, 0, 2)
    assert bought("ada", products) == ["A", "C"]
    event = Event.objects.get(kind="view")
    assert (event.surface, event.position) == ("search", 3)
    assert event.happened_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert Event.objects.get(kind="cart").happened_at == datetime(2026, 3, 1, 9, 1, tzinfo=UTC)


def test_what_is_imported_again_is_there_already(products: Products, write: Any) -> None:
    path = write("log.csv", TABLE)
    run(path)
    longer = write("other.csv", TABLE + "ben,view,D,2026-03-02,,\n")
    again, more = run(path), run(longer)
    assert (again["accepted"], again["duplicates"], again["shoppers"]) == (0, 3, 0)
    assert (more["accepted"], more["duplicates"]) == (1, 3)
    assert Event.objects.count() == 4


RETAIL = """timestamp,visitorid,event,itemid,transactionid
1433221332117,257597,addtocart,A,
1433224214164,257597,transaction,A,7"""
REVIEWS = '{"reviewerID": "AO94", "asin": "A", "overall": 5.0, "unixReviewTime": 1391040000, "reviewText": "good"}'


@pytest.mark.parametrize(
    ("name", "text", "kinds"),
    [
        ("retail.csv", RETAIL, ["cart", "purchase"]),
        ("reviews.jsonl", REVIEWS, ["rating"]),
        ("ratings.tsv", "user_id\titem_id\trating\ttimestamp\n196\tA\t3\t881250949", ["rating"]),
        ("orders.csv", "customer_id,product_id,date\n7,A,2026-01-02", ["view"]),
    ],
)
def test_the_columns_of_well_known_logs_are_understood(
    products: Products, write: Any, name: str, text: str, kinds: list[str]
) -> None:
    assert run(write(name, text))["accepted"] == len(kinds)
    assert list(Event.objects.order_by("happened_at").values_list("kind", flat=True)) == kinds


def test_columns_can_be_named_and_a_kind_be_given(products: Products, write: Any) -> None:
    path = write("log.csv", "Kunde;Artikel;Wann;Farbe\nada;A;2026-03-01;rot\n")
    said = run(path, "--map", "user=Kunde", "--map", "sku=Artikel", "--map", "happened_at=Wann", "--kind", "purchase")
    assert said["accepted"] == 1
    assert Event.objects.get().kind == "purchase"


@pytest.mark.parametrize(
    ("name", "mapped", "said"),
    [
        ("log.csv", "skuu=Artikel", "skuu is no field of an event; known are: basket"),
        ("log.jsonl", "skuu=Artikel", "skuu is no field"),
        ("log.csv", "sku=Artikl", "no column 'Artikl' for sku; there are: user, Artikel, time"),
        ("log.txt", "sku=Artikel", "no columns"),
    ],
)
def test_a_mapping_that_names_nothing_is_refused(
    products: Products, write: Any, name: str, mapped: str, said: str
) -> None:
    path = write(name, "user;Artikel;time\nada;A;2026-03-01\n")
    with pytest.raises(CommandError, match=said):
        run(path, "--map", mapped)
    assert not Event.objects.exists()


def test_an_object_may_lack_the_key_that_a_field_is_named_by(products: Products, write: Any) -> None:
    rows = [{"user": "ada", "Artikel": "A", "time": "2026-03-01"}, {"user": "ada", "kind": "search", "query": "cup"}]
    said = run(
        write("log.jsonl", "\n".join(json.dumps({"time": "2026-03-02"} | row) for row in rows[::-1])),
        "--map",
        "sku=Artikel",
    )
    assert said["accepted"] == 2


def test_shoppers_who_come_meanwhile_are_not_the_imports(products: Products, write: Any) -> None:
    def another(report: importing.Report) -> None:
        Shopper.objects.create()

    report = importing.run(importing.Log(write("log.csv", TABLE)), progress=another)
    assert (report.shoppers, Shopper.objects.count()) == (2, 3)


def test_columns_of_unknown_meaning_are_told(products: Products, write: Any) -> None:
    out = StringIO()
    path = write("log.csv", "user,sku,time,colour,item,weight\nada,A,2026-03-01,red,B,3\n")
    call_command("import_events", str(path), stdout=out)
    assert "left out: colour, item, weight" in out.getvalue()


def test_what_cannot_be_read_is_reported_and_the_rest_goes_in(products: Products, write: Any, tmp_path: Path) -> None:
    wrong = {
        "no product with the sku": "ada,view,nowhere,2026-03-01",
        "no kind of event": "ada,stare,A,2026-03-01",
        "says no time": "ada,view,A,",
        "is no time": "ada,view,A,yesterday",
        "future": "ada,view,A,2999-01-01",
        "the row has 2 cells": "ada,view",
        "at most 200": f"{'x' * 201},view,A,2026-03-01",
    }
    path = write("log.csv", "\n".join(["user,kind,sku,time", *wrong.values(), "ada,view,A,2026-03-01"]))
    said = run(path, "--report", str(tmp_path / "rejected.csv"))
    assert (said["accepted"], said["rejected"]) == (1, len(wrong))
    report = [json.loads(line) for line in (tmp_path / "rejected.jsonl").read_text().splitlines()]
    assert [each["line"] for each in report] == list(range(2, 2 + len(wrong)))
    for reason, row in zip(wrong, report, strict=True):
        assert reason in row["reason"]


def test_who_is_not_named_is_nobody(products: Products, write: Any) -> None:
    run(write("log.csv", "user,kind,sku,time\n,view,A,2026-03-01\n"))
    assert Event.objects.get().shopper is None


def test_lines_of_a_user_and_items_go_in_in_their_order(products: Products, write: Any) -> None:
    until = datetime(2026, 3, 1, 12, tzinfo=UTC)
    said = run(write("sequences.txt", "u1 A B C\n\nu2 D\nu3\n"), "--until", until.isoformat())
    assert (said["accepted"], said["rejected"], said["shoppers"]) == (4, 1, 2)
    assert bought("u1", products) == ["A", "B", "C"]
    times = Event.objects.filter(product__in=[products["C"], products["B"]]).order_by("happened_at")
    assert [event.happened_at for event in times] == [until - timedelta(hours=1), until]


def test_lines_that_grew_bring_only_what_is_new(products: Products, write: Any) -> None:
    run(write("a.txt.gz", "u1 A B\n"), "--kind", "purchase")
    said = run(write("b.txt", "u1 A B C\n"), "--kind", "purchase")
    assert (said["accepted"], said["duplicates"]) == (1, 2)
    assert Event.objects.filter(kind="purchase").count() == 3


@pytest.mark.slow
def test_a_file_that_is_cut_off_leaves_what_came_before(products: Products, write: Any, tmp_path: Path) -> None:
    whole = gzip.compress("".join(f"u{n} A B C\n" for n in range(3000)).encode())
    path = tmp_path / "cut.txt.gz"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(CommandError, match="cut off"):
        run(path)
    assert 0 < Event.objects.count() < 9000


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("log.pdf", "x", "none of .csv"), ("log.csv", "a,a\n1,2\n", "twice"), ("log.json", "{}", "list of")],
)
def test_a_file_that_is_no_log_is_refused(products: Products, write: Any, name: str, text: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(write(name, text))


def test_a_file_that_is_not_there_is_refused(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="not a file"):
        run(tmp_path / "nothing.csv")


def test_old_events_are_refused_where_they_would_be_deleted_at_once(
    products: Products, write: Any, settings: Settings
) -> None:
    settings.EVENT_RETENTION_DAYS = 730
    said = run(write("log.csv", "user,kind,sku,time\nada,view,A,2014-03-01\n"))
    assert (said["accepted"], said["rejected"]) == (0, 1)


@pytest.mark.slow
def test_a_batch_costs_the_same_whatever_it_holds(
    products: Products, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cost(number: int, start: int) -> int:
        rows = "\n".join(f"u{start + n} ABCDE"[:-4] + " A" for n in range(number))
        with CaptureQueriesContext(connection) as queries:
            importing.run(importing.Log(write("some.txt", rows)))
        return len(queries)

    cost(1, 5000)  # on PostgreSQL the first rows of a month make the log's partition
    assert cost(1, 0) == cost(500, 1000)


# Whatever a file holds ----------------------------------------------------------------------------------------------

CELLS = st.text(max_size=12) | st.sampled_from(
    [
        "A",
        "view",
        "rating",
        "5",
        "NaN",
        "1e999",
        "9" * 50,
        "\x00",
        "2026-03-01",
        "0001-01-01",
        "9999-12-31T23:59:59-14:00",
    ]
)
HEADS = st.permutations(["user", "kind", "sku", "time", "value", "position", "quantity", "event_id", "consent"])
BOUNDED = bounded(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@BOUNDED
@given(st.binary(max_size=400))
def test_whatever_bytes_a_sequence_file_holds_it_is_read_or_refused(
    products: Products, write: Any, data: bytes
) -> None:
    _accounts_for_every_event(write("any.txt", data))


@pytest.mark.slow
@BOUNDED
@given(HEADS, st.lists(st.lists(CELLS, min_size=9, max_size=9), max_size=5))
def test_whatever_cells_a_table_holds_each_row_is_taken_or_reported(
    products: Products, write: Any, head: list[str], rows: list[list[str]]
) -> None:
    cells = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    path = write("any.csv", (",".join(head) + "\n" + cells).encode("utf-8", "surrogatepass"))
    _accounts_for_every_event(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@pytest.mark.slow
@BOUNDED
@given(st.lists(st.dictionaries(HEADS.map(lambda names: names[0]), VALUES, max_size=9), max_size=5))
def test_whatever_objects_a_log_holds_each_is_taken_or_reported(
    products: Products, write: Any, rows: list[dict[str, Any]]
) -> None:
    _accounts_for_every_event(write("any.jsonl", "\n".join(json.dumps(row) for row in rows)))


def _accounts_for_every_event(path: Path) -> None:
    before = Event.objects.count()
    report = importing.run(importing.Log(path))
    if report.problem:
        return
    events = len(list(importing.Log(path).lines()))
    assert report.accepted + report.duplicates + report.rejected == events
    assert Event.objects.count() - before == report.accepted
