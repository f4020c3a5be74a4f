"""What every page of the shop is given, and what that costs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommend.events.models import Shopper

pytestmark = pytest.mark.django_db


def lookups(client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(address).status_code == 200
    return sum('FROM "recommend_shopper"' in each["sql"] for each in asked.captured_queries)


@pytest.mark.parametrize("address", ["/search?q=cup", "/search?q=cup&personal=off", "/"])
def test_a_page_looks_its_shopper_up_once(client, catalogue, found, address):
    found()
    client.post("/cart/add?sku=CUP-red")
    assert lookups(client, address) == 1


def test_a_search_that_is_not_personal_is_nobody_s(client, catalogue, found):
    asked = found()
    client.post("/cart/add?sku=CUP-red")
    client.get("/search?q=cup")
    client.get("/search?q=cup&personal=off")
    assert [request.shopper for request in asked] == [Shopper.objects.get(), None]
