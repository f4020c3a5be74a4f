"""Signing up, in and out: one shopper on two devices."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from recommend.events.history import past_of
from recommend.events.models import Shopper

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}
PASSWORD = "correct horse 9"


def sign_up(client, address="Ada@Example.com", headers=None, **fields):
    return client.post(
        "/sign-up",
        {"username": address, "password1": PASSWORD, "password2": PASSWORD, "next": "/cart"} | fields,
        headers=headers,
    )


def sign_in(client, address="ada@example.com", password=PASSWORD, **fields):
    return client.post("/sign-in", {"username": address, "password": password, **fields})


@pytest.mark.slow
def test_what_was_done_before_joins_the_account_on_every_device(client, catalogue):
    client.post("/cart/add?sku=CUP-red", headers=FRAGMENT)
    assert sign_up(client).headers["location"] == "/cart"
    assert "Cart, 1 thing" in client.get("/").content.decode(), "the cart comes along"
    phone = Client()
    phone.post("/cart/add?sku=CHAIR-1", headers=FRAGMENT)
    assert sign_in(phone).status_code == 302
    for device in (client, phone):
        page = device.get("/you").content.decode()
        assert "Espresso cup, red" in page
        assert "Folding chair" in page
    account = Shopper.objects.get(user__username="ada@example.com")
    assert {seen.product_id for seen in past_of(account).seen} == {catalogue["CUP-red"].pk, catalogue["CHAIR-1"].pk}


def test_after_signing_out_the_device_shows_nobody_s_history(client, catalogue):
    client.post("/cart/add?sku=CUP-red", headers=FRAGMENT)
    sign_up(client)
    client.post("/sign-out")
    page = client.get("/you").content.decode()
    assert "You are known on this device only" in page
    assert "Espresso cup, red" not in page


def test_an_address_is_an_account_once_however_it_is_written(client, catalogue):
    sign_up(client)
    page = sign_up(Client(), "ADA@example.COM")
    assert page.status_code == 400
    assert "already exists" in page.content.decode()
    assert sign_in(Client(), "ADA@example.com").status_code == 302
    assert User.objects.get().email == "ada@example.com"


@pytest.mark.parametrize(
    "fields", [{"username": "no address"}, {"password2": "another"}, {"password1": "12345678", "password2": "12345678"}]
)
def test_what_is_wrong_is_said_on_the_page(client, catalogue, fields):
    page = sign_up(client, **fields)
    assert page.status_code == 400
    assert 'role="alert"' in page.content.decode()
    assert not User.objects.exists()


@pytest.mark.slow
def test_a_wrong_password_is_refused_and_not_guessed_for_long(client, catalogue):
    sign_up(client)
    stranger = Client()
    assert sign_in(stranger, password="wrong").status_code == 400
    answers = {sign_in(stranger, password=f"wrong {number}").status_code for number in range(25)}
    assert answers == {400, 429}
    assert sign_in(stranger).status_code == 429, "the right one neither, once there were too many"


@pytest.mark.slow
def test_an_account_is_not_guessed_at_from_many_addresses(client, catalogue):
    sign_up(client)
    sign_up(Client(), "ben@example.com")
    written = ["ada@example.com", " ADA@example.com ", "\uff41da@example.com"]  # all of them one name to the form
    for number in range(20):
        guess = Client(REMOTE_ADDR=f"192.0.2.{number}")
        assert sign_in(guess, written[number % 3], password=f"wrong {number}").status_code == 400
    elsewhere = Client(REMOTE_ADDR="192.0.2.99")
    assert sign_in(elsewhere).status_code == 429
    assert sign_in(elsewhere, "ben@example.com").status_code == 302


@pytest.mark.slow
def test_who_guesses_at_an_account_does_not_lock_out_the_devices_of_its_owner(client, catalogue):
    sign_up(client)
    client.post("/sign-out")
    for number in range(25):
        sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), password="wrong")
    assert sign_in(Client(REMOTE_ADDR="192.0.2.99")).status_code == 429
    assert sign_in(client).status_code == 302
    client.post("/sign-out")
    answers = [sign_in(client, password=f"wrong {number}").status_code for number in range(25)]
    assert answers[0] == 400
    assert answers[-1] == 429, "a device that is known does not guess for ever either"


@pytest.mark.slow
@pytest.mark.parametrize("forged", ["", "nonsense", "account of another"])
def test_only_a_device_that_signed_in_to_the_account_is_known_there(client, catalogue, forged):
    sign_up(client)
    other = Client()
    sign_up(other, "ben@example.com")
    known = other.cookies["known"].value if forged == "account of another" else forged
    for number in range(20):
        sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), password="wrong")
    guess = Client(REMOTE_ADDR="192.0.2.99")
    guess.cookies["known"] = known
    assert sign_in(guess).status_code == 429
    assert "ada" not in client.cookies["known"].value.lower()


@pytest.mark.slow
def test_a_made_up_header_gives_nobody_more_attempts(client, catalogue):
    answers = [
        sign_up(Client(), "no address", headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
        for number in range(21)
    ]
    assert answers == [400] * 20 + [429]


def test_signing_in_leads_to_no_other_site(client, catalogue):
    sign_up(client)
    assert sign_in(Client(), next="https://evil.example/").headers["location"] == "/you"
    assert client.get("/sign-in?next=/cart").headers["location"] == "/cart", "who is signed in already goes on"


def test_a_shopper_is_no_member_of_staff(client, catalogue):
    sign_up(client, is_staff="on", is_superuser="on")
    user = User.objects.get()
    assert not user.is_staff
    assert not user.is_superuser
    assert client.get("/admin/").status_code == 302


def test_forms_need_their_token(catalogue):
    guarded = Client(enforce_csrf_checks=True)
    for address in ("/sign-in", "/sign-up", "/sign-out"):
        assert guarded.post(address).status_code == 403
