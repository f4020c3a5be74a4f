"""The list of shops says who answers to which host, also where one shop answers to all."""

import pytest

from catalog import hosts
from catalog.models import Shop, ShopHost
from catalog.tenancy import DEFAULT_SHOP

pytestmark = pytest.mark.django_db
URL = "/admin/catalog/shop/"


def test_the_only_shop_answers_to_every_host(admin_client):
    page = admin_client.get(URL).content.decode()
    assert "every host, as MULTI_SHOP is off" in page
    assert "set MULTI_SHOP=true" in page
    assert "nobody reaches it" not in page


def test_of_several_each_answers_to_its_own(admin_client, settings):
    ShopHost.objects.create(shop_id=DEFAULT_SHOP, host="first.test")
    Shop.objects.create(name="Garden", slug="garden")
    settings.MULTI_SHOP, settings.ALLOWED_HOSTS = True, [".test"]
    hosts.forget()
    page = admin_client.get(URL, SERVER_NAME="first.test").content.decode()
    hosts.forget()
    assert "first.test" in page
    assert "none: nobody reaches it" in page
    assert "MULTI_SHOP" not in page
