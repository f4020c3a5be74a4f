"""Pictures over REST: from a file or an address, and nothing that is no picture or lies inside the network."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.models import OutboxEntry

pytestmark = pytest.mark.django_db


class TestPictures:
    def url(self, sku: str = "A-1") -> str:
        return f"/api/v1/products/{sku}/pictures"

    def upload(self, client, data: bytes, name: str = "a.png", **fields):
        return client.post(self.url(), {"file": SimpleUploadedFile(name, data), **fields}, format="multipart")

    def test_they_are_added_listed_and_taken_off(self, keyed, anonymous, product, picture_bytes):
        row = product(status="published")
        OutboxEntry.objects.all().delete()
        answer = self.upload(keyed, picture_bytes(1), alt="Front")
        assert answer.status_code == 201, answer.json()
        assert self.upload(keyed, picture_bytes(2), position=0).status_code == 201
        assert len(anonymous.get(self.url()).json()) == 2
        assert OutboxEntry.objects.get().product_id == row.pk
        assert keyed.delete(f"{self.url()}/{answer.json()['id']}").status_code == 204
        assert [picture["alt"] for picture in anonymous.get(self.url()).json()] == [""]

    def test_the_same_picture_is_not_added_twice(self, keyed, product, picture_bytes):
        row = product()
        assert self.upload(keyed, picture_bytes()).json()["id"] == self.upload(keyed, picture_bytes()).json()["id"]
        assert row.pictures.count() == 1

    @pytest.mark.parametrize(
        "data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html></html>", b"\x89PNG\r\n\x1a\n"]
    )
    def test_what_is_no_picture_is_refused(self, keyed, product, data):
        row = product()
        answer = self.upload(keyed, data, "photo.jpg")
        assert answer.status_code == 400
        assert "file" in answer.json()
        assert not row.pictures.exists()

    def test_a_truncated_picture_is_refused(self, keyed, product, picture_bytes):
        product()
        assert self.upload(keyed, picture_bytes(size=300)[:400]).status_code == 400

    def test_too_many_bytes_are_refused(self, keyed, product, settings):
        product()
        settings.PICTURE_MAX_BYTES = 1000
        answer = self.upload(keyed, b"\x89PNG" + b"x" * 5000)
        assert "at most 1,000" in answer.json()["file"][0]

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/a.png",
            "http://localhost:8000/a.png",
            "http://169.254.169.254/x",
            "file:///etc/passwd",
            "x",
        ],
    )
    def test_addresses_inside_the_network_are_not_fetched(self, keyed, product, url):
        row = product()
        answer = keyed.post(self.url(), {"url": url}, format="json")
        assert answer.status_code == 400
        assert "url" in answer.json()
        assert not row.pictures.exists()

    def test_either_a_file_or_an_address(self, keyed, product):
        product()
        assert keyed.post(self.url(), {}, format="json").status_code == 400
        assert keyed.post(self.url(), {"file": "text"}, format="json").status_code == 400

    def test_of_products_and_pictures_that_are_not_there(self, keyed, product):
        assert keyed.get(self.url("none")).status_code == 404
        product()
        assert keyed.delete(f"{self.url()}/{2**70}").status_code == 404

    def test_drafts_show_no_pictures_without_a_key(self, anonymous, product):
        product()
        assert anonymous.get(self.url()).status_code == 404
