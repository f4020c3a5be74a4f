"""What is text in one place and more than that in another: logs, templates, tables, archives, rows, headers."""

import ast
import csv
import io
import json
import logging
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from catalog import services
from catalog.audit import record as note
from catalog.models import AuditEntry, Product, Store
from recommend.events.models import Event, Shopper
from recommend.sponsored.models import Campaign
from search.models import LoggedSearch
from search.models.judgments import JudgedQuery, Judgment, JudgmentSet
from search.models.synonyms import Synonym
from tests.conftest import ROOT
from tests.keys import authorization
from vetrina import backup
from vetrina.monitoring import logs

pytestmark = pytest.mark.django_db
JSON = {"content_type": "application/json"}
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x.example")', "=cmd|' /C calc'!A0")


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


# Tables ----------------------------------------------------------------


def test_every_place_that_writes_a_table_guards_its_cells() -> None:
    """A new export fails here until it guards its cells, and until the next test reads it."""
    writing = set()
    for folder in ("catalog", "search", "recommend", "workers", "platform"):
        for path in (ROOT / folder).rglob("*.py"):
            code = path.read_text()
            if "csv.writer" in code or "csv.DictWriter" in code:
                writing.add(str(path.relative_to(ROOT)))
                called = {ast.unparse(node.func) for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)}
                assert "guarded" in called, path
    assert writing == {
        "catalog/admin/audit.py", "catalog/admin/export.py", "catalog/importing/report.py",
        "recommend/admin/campaigns.py", "recommend/analytics/export.py", "search/evaluation/report.py",
        "search/evaluation/transfer.py", "search/language/synonym_files.py",
    }  # fmt: skip


@pytest.fixture
def tables(root: Client, settings) -> Iterator[tuple[str, bytes]]:
    """Every table that can be downloaded, of rows whose texts are formulas."""
    settings.SEARCH_POPULAR_VISITORS = 1
    now = timezone.now()
    judged = JudgmentSet.objects.create(name="=set")
    products = []
    for number, text in enumerate(FORMULAS):
        product = Product(sku=f"{text}-{number}", title=text, description=text, status="published")
        products.append(services.save_product(product))
        LoggedSearch.objects.create(
            id=uuid.uuid4(), query=text, normalised=text.strip(), mode="hybrid", surface="page", total=0, took_ms=1,
            visitor=uuid.UUID(int=number), happened_at=now, language=text[:9], device=text[:9],
        )  # fmt: skip
        Synonym.objects.create(words=f"{text}, sofa", note=text)
        query = JudgedQuery.objects.create(set=judged, text=text)
        Judgment.objects.create(query=query, sku=text, judge=text, grade=1)
        note(text, products[-1], [{"field": text}])
    store = Store(name="=store")
    services.save_label(store)
    campaign = Campaign.objects.create(name="=campaign", store=store, bid=1, budget=1)

    def chosen(model: str, action: str, pks: list[object]) -> bytes:
        answer = root.post(f"/admin/{model}/", {"action": action, "_selected_action": pks})
        assert answer.status_code == 200, model
        return b"".join(answer) if answer.streaming else answer.content

    def read() -> Iterator[tuple[str, bytes]]:
        yield "products", chosen("catalog/product", "export_as_csv", [each.pk for each in products])
        yield "synonyms", chosen("search/synonym", "export_as_csv", list(Synonym.objects.values_list("pk", flat=True)))
        yield "campaigns", chosen("recommend/campaign", "export_report", [campaign.pk])
        entries = list(AuditEntry.objects.values_list("pk", flat=True))
        yield "audit log", chosen("catalog/auditentry", "export_as_csv", entries)
        for name in ("top", "zero", "slow", "reformulations", "trending", "days", "devices", "languages"):
            yield name, root.get(f"/admin/search/loggedsearch/report/{name}.csv").content
        answer = root.get(f"/admin/search/judgmentset/{judged.pk}/export/")
        yield "judgments", b"".join(answer) if answer.streaming else answer.content

    return read()


@pytest.mark.slow
def test_no_cell_of_any_table_is_a_formula(tables) -> None:
    seen = 0
    for name, content in tables:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        cells = [cell for row in rows for cell in row if cell]
        # A number may be negative, and is no formula.
        bad = [each for each in cells if each[0] in "=+-@\t\r" and not each.lstrip("-").replace(".", "", 1).isdigit()]
        assert not bad, (name, bad[:3])
        seen += sum(cell.lstrip("'\t\r ").startswith(("=", "@")) for cell in cells)
    assert seen > 20, "the formulas are there, as text"


# Logs -------------------------------------------------------------------


def test_no_text_makes_a_line_of_the_log() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.json_lines())
    logger = logging.getLogger()
    logger.addHandler(handler)
    forged = '\n{"event": "forged", "level": "critical"}\n'
    try:
        for text in (forged, "\r" + forged, "\u2028" + forged, "\x85forged", "\x1b[2J" + forged):
            logging.getLogger("tests").warning("Could not read %s", text)
            logging.getLogger("tests").error(text)
            try:
                raise ValueError(text)
            except ValueError:
                logging.getLogger("tests").exception("It failed")
        Client().get(
            "/no%0A%7B%22event%22%3A%22forged%22%7D", headers={"X-Request-ID": "a\r\nforged", "User-Agent": forged}
        )
    finally:
        logger.removeHandler(handler)
    lines = stream.getvalue().split("\n")[:-1]
    told = [json.loads(line) for line in lines]
    assert len(told) >= 16
    assert not [each for each in told if each["event"] == "forged"]
    assert "\x1b" not in stream.getvalue()


# Templates ----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["{{ 7|add:35 }}", "{% debug %}", "{% load static %}{{ settings.SECRET_KEY }}", "${6*7}"]
)
def test_no_text_is_a_template(text: str, root: Client, settings) -> None:
    product = services.save_product(Product(sku="A-1", title=f"Cup {text}", description=text, status="published"))
    pages = ("/", f"/p/{product.slug}", f"/search?q={text}", "/admin/catalog/product/",
             f"/admin/catalog/product/{product.pk}/change/", f"/no/{text}")  # fmt: skip
    shown = 0
    for page in pages:
        html = root.get(page).content.decode()
        assert "Cup 42" not in html
        assert settings.SECRET_KEY not in html
        shown += text in html
    assert shown >= 3, "as it was typed"


# Archives -----------------------------------------------------------------


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarFile, tarfile.TarInfo]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        info.size = 5 if kind == tarfile.REGTYPE else 0
        tar.addfile(info, io.BytesIO(b"owned") if info.size else None)
    out.seek(0)
    tar = tarfile.open(fileobj=out)  # noqa: SIM115  (it is read by the caller)
    return tar, tar.next()


@pytest.mark.parametrize(
    ("name", "kind", "link"),
    [
        ("/etc/owned", tarfile.REGTYPE, ""),
        ("../owned", tarfile.REGTYPE, ""),
        ("media/../../owned", tarfile.REGTYPE, ""),
        ("media/a/../../../owned", tarfile.REGTYPE, ""),
        ("models/../owned", tarfile.REGTYPE, ""),
        ("media", tarfile.REGTYPE, ""),
        ("other/owned", tarfile.REGTYPE, ""),
        ("media/../models/owned", tarfile.REGTYPE, ""),
        ("media/link", tarfile.SYMTYPE, "/etc/passwd"),
        ("models/link", tarfile.SYMTYPE, "../.."),
        ("models/link", tarfile.LNKTYPE, "/etc/passwd"),
        ("media/pipe", tarfile.FIFOTYPE, ""),
        ("media/device", tarfile.CHRTYPE, ""),
        ("media/folder", tarfile.DIRTYPE, ""),
    ],
)
def test_no_archive_writes_outside_of_its_folders(tmp_path: Path, settings, name: str, kind: bytes, link: str) -> None:
    settings.MEDIA_ROOT, settings.MODELS_DIR = tmp_path / "in" / "media", tmp_path / "in" / "models"
    with pytest.raises(backup.BackupError, match="no archive of Vetrina has"):
        backup._restore_file(*member(name, kind, link))
    assert not [each for each in tmp_path.rglob("*") if not each.is_dir()]


@pytest.mark.parametrize("name", ["media/a/b.jpg", "models/1/config.json"])
def test_what_belongs_into_an_archive_is_written(tmp_path: Path, settings, name: str) -> None:
    settings.MEDIA_ROOT, settings.MODELS_DIR = tmp_path / "media", tmp_path / "models"
    assert backup._restore_file(*member(name)) == 1
    assert (tmp_path / name).read_bytes() == b"owned"


# Rows --------------------------------------------------------------------


def test_no_field_is_set_that_a_client_may_not_set() -> None:
    product = services.save_product(Product(sku="A-1", title="Thing", status="published"))
    before = Product.objects.values().get()
    hidden = {
        "id": 999, "pk": 999, "version": 77, "content_hash": "x", "published_at": "2001-01-01T00:00:00Z",
        "created_at": "2001-01-01T00:00:00Z", "updated_at": "2001-01-01T00:00:00Z", "slug": "stolen",
    }  # fmt: skip
    answer = Client().patch(
        "/api/v1/products/A-1", {"title": "Thing", **hidden}, **JSON, HTTP_AUTHORIZATION=authorization()
    )
    assert answer.status_code in (200, 400)
    after = Product.objects.values().get(pk=product.pk)
    assert {name: after[name] for name in hidden.keys() & after.keys() - {"version", "updated_at"}} == {
        name: before[name] for name in hidden.keys() & after.keys() - {"version", "updated_at"}
    }
    assert after["version"] != 77
    assert after["updated_at"].year != 2001


def test_nobody_makes_an_event_of_another_or_of_another_time() -> None:
    other = Shopper.objects.create()
    services.save_product(Product(sku="A-1", title="Thing", status="published"))
    for more in (
        {"shopper_id": other.pk}, {"shopper": str(other.key)}, {"received_at": "2001-01-01T00:00:00Z"},
        {"id": 1}, {"merged_into": other.pk}, {"user": 1}, {"product_id": 1},
    ):  # fmt: skip
        event = {"event_id": str(uuid.uuid4()), "kind": "view", "sku": "A-1", **more}
        answer = Client(headers={"User-Agent": "Mozilla/5.0"}).post("/api/v1/events", event, **JSON)
        assert answer.status_code == 400, more
    assert not Event.objects.exists()


@pytest.mark.slow
def test_who_signs_up_is_a_shopper_and_nothing_else() -> None:
    body = {"username": "eve@shop.example", "password1": "correct horse 9", "password2": "correct horse 9"}
    more = {"is_staff": "on", "is_superuser": "on", "groups": "1", "user_permissions": "1", "id": "1", "pk": "1"}
    assert Client().post("/sign-up", body | more).status_code == 302
    eve = User.objects.get()
    assert (eve.is_staff, eve.is_superuser, eve.groups.count(), eve.user_permissions.count()) == (False, False, 0, 0)


# Headers -----------------------------------------------------------------


@pytest.mark.parametrize("name", ['a"; filename="b.exe', "a\r\nSet-Cookie: owned=1", "a\nb", "тест", "x/../y"])
def test_no_name_that_becomes_a_file_s_can_end_a_header(root: Client, name: str) -> None:
    with pytest.raises(ValidationError):
        JudgmentSet(name=name).full_clean()
    root.post("/admin/search/judgmentset/add/", {"name": name, "note": ""})
    assert not JudgmentSet.objects.exists()
