"""The page that describes the REST interface works under the policy that forbids inline scripts."""

import re

import pytest

pytestmark = pytest.mark.django_db


def test_the_description_page_has_no_inline_script(client):
    response = client.get("/api/v1/docs")
    assert response.status_code == 200
    assert not re.search(r"<script(?![^>]*\bsrc=)", response.content.decode())
    assert "script-src" not in response["Content-Security-Policy"]
    assert "default-src 'self'" in response["Content-Security-Policy"]


def test_the_schema_names_every_part_of_the_interface(client):
    schema = client.get("/api/v1/schema", headers={"accept": "application/vnd.oai.openapi+json"}).json()
    for path in ("search", "suggest", "products/", "products/bulk", "categories/", "recommendations/{surface}"):
        assert f"/api/v1/{path}" in schema["paths"]
