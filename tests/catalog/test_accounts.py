"""Whose account a name and a password open in which shop."""

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User

from catalog.accounts import name_here
from catalog.models import Shop
from catalog.tenancy import in_shop

pytestmark = pytest.mark.django_db
ADDRESS = "boss@example.com"


@pytest.fixture
def second(settings) -> Shop:
    settings.MULTI_SHOP = True
    settings.AUTHENTICATION_BACKENDS = ["catalog.accounts.ShopBackend"]
    return Shop.objects.create(name="Second", slug="second")


def test_a_shopper_with_the_address_of_the_staff_shuts_nobody_out(second):
    root = User.objects.create_superuser(ADDRESS, password="of the superuser")
    with in_shop(second.pk):
        shopper = User.objects.create_user(name_here(ADDRESS), password="of the shopper")
        assert authenticate(None, username=ADDRESS, password="of the superuser") == root
        assert authenticate(None, username=ADDRESS, password="of the shopper") == shopper
        assert authenticate(None, username=ADDRESS, password="of nobody") is None
    with in_shop(1):
        assert authenticate(None, username=ADDRESS, password="of the shopper") is None


def test_the_password_of_an_account_of_another_shop_opens_nothing(second):
    User.objects.create_user(ADDRESS, password="of the first shop")
    with in_shop(second.pk):
        assert authenticate(None, username=ADDRESS, password="of the first shop") is None
        shopper = User.objects.create_user(name_here(ADDRESS), password="of the second")
        assert authenticate(None, username=ADDRESS, password="of the second") == shopper
        assert authenticate(None, username=ADDRESS, password="of the first shop") is None
