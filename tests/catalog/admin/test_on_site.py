"""The way from the admin to a page of the shop leads to rows of this shop alone."""

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from catalog import hosts, services
from catalog.models import Brand, Product, Shop, ShopHost
from catalog.tenancy import DEFAULT_SHOP, in_shop

pytestmark = pytest.mark.django_db


def address_of(row) -> str:
    return f"/admin/r/{ContentType.objects.get_for_model(type(row)).pk}/{row.pk}/"


def test_staff_are_led_to_no_row_of_another_shop(settings):
    settings.MULTI_SHOP, settings.ALLOWED_HOSTS = True, [".test"]
    settings.AUTHENTICATION_BACKENDS = ["catalog.accounts.ShopBackend"]
    hosts.forget()
    first, second = Shop.objects.get(pk=DEFAULT_SHOP), Shop.objects.create(name="Second", slug="second")
    rows = []
    for shop, host in ((first, "one.test"), (second, "two.test")):
        ShopHost.objects.create(shop=shop, host=host)
        with in_shop(shop.pk):
            rows.append(services.save_product(Product(sku="A", title="Secret")))
            rows.append(Brand.objects.create(name="Brand", slug="brand"))
    first.staff.add(ann := User.objects.create_user("ann", is_staff=True))
    client = Client(SERVER_NAME="one.test")
    with in_shop(first.pk):
        client.force_login(ann)
    assert [client.get(address_of(row)).status_code for row in rows] == [302, 302, 404, 404]
    hosts.forget()


@pytest.mark.parametrize("path", ["x/1", "1/x", "99999/1", f"1/{10**30}"])
def test_what_is_no_row_is_not_found(admin_client, path):
    assert admin_client.get(f"/admin/r/{path}/").status_code == 404


def test_strangers_have_to_sign_in(client):
    row = Brand.objects.create(name="Brand", slug="brand")
    assert client.get(address_of(row)).headers["Location"].startswith("/admin/login/")
