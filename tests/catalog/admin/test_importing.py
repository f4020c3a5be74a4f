"""The import page: nothing is written before it is confirmed, and what is then written is what was shown."""

import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.models import OutboxEntry, Product

URL = "/admin/catalog/product/import/"
ROWS = b"""sku,title,price,category
OLD,New title,9.90,Food > Fruit
SAME,Same title,,
NEW,Brand new,1.50,Food
BAD,Bad price,-3,Food
,No sku,1,Food
"""


def upload(client, data=ROWS, name="products.csv", **fields):
    chosen = {"status": "published", "pictures": "strict", "decimal": ""} | fields
    return client.post(URL, {"file": SimpleUploadedFile(name, data), **chosen})


@pytest.fixture
def rows(product):
    product("OLD", title="Old title", price="5.00")
    product("SAME", title="Same title")
    OutboxEntry.objects.all().delete()


@pytest.mark.django_db
class TestPreview:
    def test_it_counts_and_shows_changes_field_by_field_and_writes_nothing(self, merchandiser, rows):
        page = upload(merchandiser)
        report = page.context["report"]
        assert (report.created, report.updated, report.unchanged, report.rejected) == (1, 1, 1, 2)
        old = next(row for row in page.context["changed"] if row["sku"] == "OLD")
        changes = {change["field"]: (change["before"], change["after"]) for change in old["changes"]}
        assert changes["title"] == ("Old title", "New title")
        assert changes["price"] == ("5.00", "9.90")
        assert changes["category"] == ("", "Food > Fruit")
        assert [(row.line, row.sku) for row in page.context["rejected"]] == [(5, "BAD"), (6, "")]
        text = page.content.decode()
        assert "negative" in text
        assert "is missing" in text
        assert Product.objects.get(sku="OLD").title == "Old title"
        assert not Product.objects.filter(sku="NEW").exists()
        assert not OutboxEntry.objects.exists()

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("products.csv", b""),
            ("products.csv", b"title,price\nA,1\n"),
            ("products.xlsx", b"PK\x03\x04"),
            ("products.csv.gz", b"not gzip"),
            ("products.json", b"{"),
            ("products", b"sku\n1\n"),
        ],
    )
    def test_files_that_cannot_be_read_are_told_in_the_form(self, merchandiser, name, data):
        page = upload(merchandiser, data, name)
        assert page.status_code == 200
        assert page.context["form"].errors or page.context["report"].rejected
        assert not Product.objects.exists()

    def test_titles_are_escaped(self, merchandiser):
        text = upload(merchandiser, b"sku,title\nA,a & <script\n").content.decode()
        assert "<script\n" not in text.split("</head>")[1].split("First changes")[1]

    def test_a_name_that_leads_out_of_its_folder_does_not(self, merchandiser, settings):
        upload(merchandiser, name="../../evil.csv")
        assert [path.name for path in (Path(settings.HOME) / "imports" / "uploads").rglob("*.csv")] == ["evil.csv"]

    @pytest.mark.parametrize("group", ["viewer", "nobody"])
    def test_it_takes_the_right_to_add_and_change(self, sign_in, group):
        client = sign_in(group)
        assert client.get(URL).status_code == 403
        assert upload(client).status_code == 403


@pytest.mark.django_db(transaction=True)
class TestConfirming:
    def confirm(self, client, token, **fields):
        answer = client.post(URL, {"token": token, **(fields or {"confirm": "1"})})
        if not answer.streaming:
            return answer
        return [json.loads(line) for line in b"".join(answer.streaming_content).decode().splitlines()]

    def test_it_writes_what_was_shown_and_tells_how_far_it_is(self, merchandiser, rows, settings):
        token = upload(merchandiser).context["token"]
        lines = self.confirm(merchandiser, token)
        assert lines[-1]["done"]
        counts = {name: lines[-1][name] for name in ("created", "updated", "unchanged", "rejected")}
        assert counts == {"created": 1, "updated": 1, "unchanged": 1, "rejected": 2}
        assert all(line["percent"] <= 100 for line in lines)
        row = Product.objects.get(sku="OLD")
        assert (row.title, row.category.full_name) == ("New title", "Food > Fruit")
        assert row.history.first().history_user.username == "merchandiser"
        assert OutboxEntry.objects.count() == 2
        assert not any((Path(settings.HOME) / "imports" / "uploads").iterdir())

    def test_a_confirmation_counts_once_and_for_its_own_session(self, sign_in, merchandiser, rows):
        token = upload(merchandiser).context["token"]
        assert self.confirm(sign_in("administrator"), token).status_code == 404
        self.confirm(merchandiser, token)
        assert self.confirm(merchandiser, token).status_code == 404
        assert self.confirm(merchandiser, "../..").status_code == 404

    def test_cancelling_writes_nothing_and_forgets_the_file(self, merchandiser, rows, settings):
        token = upload(merchandiser).context["token"]
        assert self.confirm(merchandiser, token, cancel="1").status_code == 302
        assert not Product.objects.filter(sku="NEW").exists()
        assert not any((Path(settings.HOME) / "imports" / "uploads").iterdir())
