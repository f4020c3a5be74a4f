"""One shopper on several devices: known by a cookie, joined at login, parted at logout, taken apart on request."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from catalog.models import Product
from recommend.events.history import past_of
from recommend.events.middleware import remember_shopper
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import (
    by_keys,
    devices_of,
    key_of_stranger,
    merge,
    of_name,
    of_session,
    shopper_of,
    unmerge,
)
from recommend.privacy.erasing import erase
from recommend.privacy.models import Erasure
from recommend.privacy.subjects import of_shopper

pytestmark = pytest.mark.django_db
Products = dict[str, Product]
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0"}


class Device:
    """A browser on the shop's pages."""

    def __init__(self) -> None:
        self.client = Client(headers=BROWSER)

    def sees(self, sku: str) -> Any:
        event = {"event_id": str(uuid.uuid4()), "kind": "view", "sku": sku}
        answer = self.client.post("/api/v1/events", event, content_type="application/json")
        assert answer.json()["accepted"] == 1
        return answer

    def log_in(self, user: User) -> None:
        # Through a form: the test client's own login forgets the browser's cookies.
        form = {"username": user.username, "password": "secret"}
        assert self.client.post("/admin/login/?next=/admin/", form).status_code == 302

    def log_out(self) -> None:
        self.client.post("/admin/logout/")


@pytest.fixture
def ada(settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    return User.objects.create_user("ada", password="secret", is_staff=True)


def skus_of(shopper: Shopper, products: Products) -> list[str]:
    names = {product.pk: sku for sku, product in products.items()}
    return [names[each.product_id] for each in past_of(shopper).seen]


@pytest.mark.usefixtures("products")
def test_a_login_joins_what_the_devices_did_before(products: Products, ada: User) -> None:
    phone, laptop = Device(), Device()
    phone.sees("A")
    laptop.sees("B")
    phone.log_in(ada)
    laptop.log_in(ada)
    phone.sees("C")
    account = Shopper.objects.get(user=ada)
    assert skus_of(account, products) == ["A", "B", "C"]
    assert [each.user for each in devices_of(account)].count(ada) == 1
    assert len(devices_of(account)) == 3
    # Nothing was rewritten.
    assert Event.objects.exclude(shopper=account).count() == 2


def test_a_device_is_joined_once(products: Products, ada: User) -> None:
    phone = Device()
    phone.sees("A")
    phone.log_in(ada)
    joined = Shopper.objects.exclude(merged_at=None).get()
    phone.log_in(ada)
    assert Shopper.objects.exclude(merged_at=None).get().merged_at == joined.merged_at


def test_after_the_logout_the_device_is_somebody_new(products: Products, ada: User) -> None:
    phone = Device()
    first = phone.sees("A").cookies["shopper"].value
    phone.log_in(ada)
    phone.log_out()
    assert "shopper" not in phone.client.cookies or phone.client.cookies["shopper"].value == ""
    second = phone.sees("B").cookies["shopper"].value
    assert first != second
    assert skus_of(Shopper.objects.get(user=ada), products) == ["A"]


def test_a_device_whose_login_ran_out_shows_nobody_the_accounts_history(products: Products, ada: User) -> None:
    phone = Device()
    phone.sees("A")
    phone.log_in(ada)
    del phone.client.cookies["sessionid"]  # with the shopper's cookie still there
    phone.sees("B")
    assert skus_of(Shopper.objects.get(user=ada), products) == ["A"]
    assert Shopper.objects.filter(user=None, merged_into=None).count() == 1


def test_another_account_on_the_same_device_gets_nothing_of_the_first(products: Products, ada: User) -> None:
    ben = User.objects.create_user("ben", password="secret", is_staff=True)
    phone = Device()
    phone.sees("A")
    phone.log_in(ada)
    phone.log_in(ben)
    phone.sees("B")
    assert skus_of(Shopper.objects.get(user=ben), products) == ["B"]
    assert skus_of(Shopper.objects.get(user=ada), products) == ["A"]


def test_a_merge_that_was_undone_is_not_repeated_by_the_next_login(products: Products, ada: User) -> None:
    phone = Device()
    phone.sees("A")
    phone.log_in(ada)
    account = Shopper.objects.get(user=ada)
    [device] = Shopper.objects.filter(merged_into=account)
    assert unmerge(device)
    phone.log_in(ada)
    assert skus_of(account, products) == []
    assert skus_of(device, products) == ["A"]
    assert not unmerge(device)


def test_without_consent_a_login_joins_nothing(products: Products, ada: User) -> None:
    phone = Device()
    phone.sees("A")
    phone.client.cookies["consent"] = "no"
    phone.log_in(ada)
    assert not Shopper.objects.filter(user=ada).exists()
    assert not Shopper.objects.exclude(merged_into=None).exists()


def test_a_login_alone_makes_no_shopper(ada: User) -> None:
    Device().log_in(ada)
    assert not Shopper.objects.exists()


# Merging ------------------------------------------------------------------------------------------------------------


def test_a_merge_happens_once_and_follows_where_the_other_went(db: None) -> None:
    account, phone, tablet = (Shopper.objects.create() for _ in range(3))
    assert merge(phone, account)
    assert not merge(phone, account)
    assert merge(tablet, phone)
    assert Shopper.objects.get(pk=tablet.pk).merged_into == account


@pytest.mark.parametrize("gone", ["device", "account"])
def test_a_merge_with_who_is_erased_at_that_moment_does_nothing(db: None, gone: str) -> None:
    device, account = Shopper.objects.create(), Shopper.objects.create()
    Shopper.objects.filter(pk={"device": device, "account": account}[gone].pk).delete()
    assert not merge(device, account)
    assert not Shopper.objects.exclude(merged_into=None).exists()


def test_what_would_make_a_circle_or_a_chain_is_refused(ada: User) -> None:
    account, other, phone = Shopper.objects.create(user=ada), Shopper.objects.create(), Shopper.objects.create()
    merge(phone, account)
    with pytest.raises(ValueError, match="account cannot"):
        merge(account, other)
    with pytest.raises(ValueError, match="into itself"):
        merge(other, other)
    merge(Shopper.objects.create(), other)
    with pytest.raises(ValueError, match="Others are merged"):
        merge(other, account)


# Who it is ----------------------------------------------------------------------------------------------------------


def request(**more: Any) -> Any:
    made = RequestFactory().get("/", **more)
    made.user = AnonymousUser()
    return made


def test_a_stranger_stays_unknown_until_asked_for(db: None) -> None:
    assert shopper_of(request()) is None
    assert not Shopper.objects.exists()
    assert shopper_of(request(), create=True) == Shopper.objects.get()


def test_the_cookie_brings_the_same_shopper_back(db: None) -> None:
    seen: list[Shopper | None] = []

    def view(asked: Any) -> HttpResponse:
        seen.append(shopper_of(asked, create=True))
        return HttpResponse()

    first = remember_shopper(view)(request())
    assert first["Vary"] == "Cookie"
    again = request()
    again.COOKIES["shopper"] = first.cookies["shopper"].value
    second = remember_shopper(view)(again)
    assert seen[0] == seen[1]
    assert "shopper" not in second.cookies  # it has it


@pytest.mark.parametrize("value", ["", "x", "a:b:c", "\x00", "1" * 5000])
def test_a_cookie_that_was_not_made_here_is_nobodys(db: None, value: str) -> None:
    forged = request()
    forged.COOKIES["shopper"] = value
    assert shopper_of(forged) is None


def test_an_app_without_cookies_is_known_by_its_session(db: None) -> None:
    secret = uuid.uuid4().hex
    made = shopper_of(request(headers={"X-Shopper-Session": secret}), create=True)
    assert shopper_of(request(headers={"X-Shopper-Session": secret})) == made
    assert shopper_of(request(headers={"X-Shopper-Session": secret[:-1]})) is None
    assert secret not in str(made.key)  # type: ignore[union-attr]


def test_after_an_erasure_a_session_of_an_account_s_device_is_nobody_s_without_the_login(ada: User) -> None:
    app = {"X-Shopper-Session": uuid.uuid4().hex}
    first = shopper_of(request(headers=app), create=True)
    erase(of_shopper(first), by=Erasure.By.SHOPPER)  # type: ignore[arg-type]
    second = shopper_of(request(headers=app), create=True)
    merge(second, Shopper.objects.create(user=ada))  # type: ignore[arg-type]
    assert shopper_of(request(headers=app)) is None
    assert key_of_stranger(request(headers=app), make=False) == (None, False)


def test_a_session_that_can_be_guessed_is_no_key() -> None:
    assert of_session("12345") is None
    assert of_session("x" * 65) is None


def test_names_of_other_systems_are_always_the_same_key() -> None:
    assert of_name("customer 7") == of_name("customer 7") != of_name("customer 8")
    key = uuid.uuid4()
    assert of_name(str(key)) == key


def test_many_shoppers_are_found_or_made_in_a_fixed_number_of_queries(
    db: None, django_assert_max_num_queries: Any
) -> None:
    account, old = Shopper.objects.create(), Shopper.objects.create()
    merge(old, account)
    keys = [old.key, *(uuid.uuid4() for _ in range(300))]
    with django_assert_max_num_queries(5):
        found = by_keys(keys)
    assert found[old.key] == account
    assert len(found) == 301 == len({each.pk for each in found.values()})
    with django_assert_max_num_queries(1):
        assert by_keys(keys) == found


FORBIDDEN = [{"headers": {"Sec-GPC": "1"}}, {"headers": {"DNT": "1"}}, {}]


@pytest.mark.parametrize("how", FORBIDDEN, ids=["global privacy control", "do not track", "consent that lapsed"])
def test_who_does_not_agree_any_more_is_found_for_what_was_kept(db: None, settings: Any, how: dict[str, Any]) -> None:
    first = request()
    shopper = shopper_of(first, create=True)
    cookie = remember_shopper(lambda asked: HttpResponse())(first).cookies["shopper"].value
    settings.EVENTS_REQUIRE_CONSENT = not how
    again = request(**how)
    again.COOKIES["shopper"] = cookie
    assert shopper_of(again, create=True) is None
    assert shopper_of(again, without_consent=True) == shopper
    assert shopper_of(again) is None, "what was found is for nothing else"
    stranger = request(**how)
    assert shopper_of(stranger, create=True, without_consent=True) is None
    assert Shopper.objects.count() == 1
    answer = remember_shopper(lambda asked: HttpResponse())(again)
    assert "shopper" not in answer.cookies


def test_a_shopper_is_looked_up_once_in_a_request(db: None, django_assert_num_queries: Any) -> None:
    made = shopper_of(request(headers={"X-Shopper-Session": "s" * 20}), create=True)
    again = request(headers={"X-Shopper-Session": "s" * 20})
    with django_assert_num_queries(1):
        assert [shopper_of(again) for _ in range(3)] == [made] * 3
        assert shopper_of(again, create=True) == made
    stranger = request(headers={"X-Shopper-Session": "t" * 20})
    assert shopper_of(stranger) is None
    new = shopper_of(stranger, create=True)
    assert new is not None
    assert shopper_of(stranger) == new, "who is made known is known from then on"


def test_signing_in_and_out_tells_anew_who_it_is(client: Client, ada: User, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    ada.set_password("correct horse 9")
    ada.save()
    client.post("/you/personalised?to=on")
    device = Shopper.objects.get()
    client.post("/sign-in", {"username": ada.username, "password": "correct horse 9"})
    account = Shopper.objects.get(user=ada)
    device.refresh_from_db()
    assert device.merged_into == account
    assert Shopper.objects.count() == 2, "nobody else was made known"
    client.post("/sign-out")
    client.post("/you/personalised?to=on")
    assert Shopper.objects.filter(user=None, merged_into=None).count() == 1, "who comes next is somebody new"
