"""What the permission matrix cannot see: rows of others, ways up, guessing of passwords, scripts in pages."""

import re
import time

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from catalog import services
from catalog.models import Product
from recommend.events.drafts import EventDraft
from recommend.events.log import record
from recommend.events.models import Event, Shopper
from search.models.synonyms import Synonym

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse 9"
LOGIN = "/admin/login/"


@pytest.fixture(autouse=True)
def _own_limits() -> None:
    cache.clear()


@pytest.fixture
def product() -> Product:
    return services.save_product(Product(sku="A-1", title="Thing", status="published"))


# Shoppers ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(product) -> tuple[Client, Client]:
    """Two shoppers with an account each; what the first one did is in the log."""
    clients = []
    for name in ("ada", "bob"):
        user = User.objects.create_user(name, password=PASSWORD)
        shopper = Shopper.objects.create(user=user)
        assert record([EventDraft("search", shopper, query=f"{name}'s secret")]).accepted == 1
        client = Client()
        client.force_login(user)
        clients.append(client)
    return clients[0], clients[1]


def test_a_shopper_reads_nobody_else_s_history(two):
    ada, bob = two
    own, others = (b"".join(client.get("/you/download")) for client in (ada, bob))
    assert b"ada's secret" in own
    assert b"ada's secret" not in others
    assert "ada&#x27;s secret" not in bob.get("/you").content.decode()
    history = bob.get("/api/v1/suggest?q=").json()["history"]
    assert "ada's secret" not in history


@pytest.mark.parametrize("stranger", ["other account", "no account"])
def test_a_shopper_deletes_nobody_else_s_history(two, stranger):
    client = two[1] if stranger == "other account" else Client()
    client.post("/you/forget", {"what": "all"})
    client.post("/you/separate")
    client.delete("/api/v1/suggest/history?q=ada's secret")
    client.delete("/api/v1/suggest/history")
    assert Event.objects.filter(query="ada's secret", shopper__user__username="ada").exists()


def test_nobody_passes_for_another_by_a_cookie_or_a_header(two):
    key = str(Shopper.objects.get(user__username="ada").key)
    for headers, cookies in (({"X-Shopper-Session": key}, {}), ({}, {"shopper": key}), ({}, {"shopper": f"{key}:x"})):
        client = Client(headers=headers)
        for name, value in cookies.items():
            client.cookies[name] = value
        assert client.get("/api/v1/suggest?q=").json()["history"] == []
        assert "secret" not in client.get("/you").content.decode()


def test_nobody_writes_in_another_s_name_without_a_key(two):
    event = {"event_id": "5c1b9b0a-0000-4000-8000-000000000001", "kind": "view", "sku": "A-1", "shopper": "ada"}
    before = Event.objects.filter(shopper__user__username="ada").count()
    Client().post("/api/v1/events", event, content_type="application/json")
    assert Event.objects.filter(shopper__user__username="ada").count() == before


# Staff ---------------------------------------------------------------------------------------------------------------


def staff(group: str) -> Client:
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(("group", "note"), [("viewer", ""), ("merchandiser", "Changed")])
def test_who_may_only_look_changes_nothing_through_an_earlier_state(group, note):
    synonym = Synonym.objects.create(words="sofa, couch")
    page = f"/admin/search/synonym/{synonym.pk}/history/{synonym.history.first().history_id}/"
    body = {"kind": "two_way", "words": "sofa, couch", "note": "Changed", "enabled": "on"}
    answer = staff(group).post(page, body)
    assert answer.status_code == (403 if group == "viewer" else 302)
    synonym.refresh_from_db()
    assert synonym.note == note


def test_an_administrator_makes_nobody_a_superuser():
    administrator, me = staff("administrator"), User.objects.get(username="administrator")
    body = {"username": "administrator", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    body |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    assert administrator.post(f"/admin/auth/user/{me.pk}/change/", body).status_code == 302
    me.refresh_from_db()
    assert not me.is_superuser


def test_an_administrator_does_not_get_in_as_a_superuser():
    administrator, root = staff("administrator"), User.objects.create_superuser("root", password=PASSWORD)
    new = {"password1": "another horse 9", "password2": "another horse 9"}
    for page in ("password", "change", "delete"):
        answer = administrator.post(f"/admin/auth/user/{root.pk}/{page}/", new | {"post": "yes", "username": "root"})
        assert answer.status_code == 403
    many = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    administrator.post("/admin/auth/user/", many)
    root.refresh_from_db()
    assert root.check_password(PASSWORD)


# Signing in ----------------------------------------------------------------------------------------------------------


def attempt(client: Client, password: str, path: str = LOGIN, address: str = "198.51.100.7"):
    return client.post(path, {"username": "root", "password": password}, REMOTE_ADDR=address)


@pytest.mark.slow
def test_passwords_of_staff_cannot_be_guessed_from_one_address():
    User.objects.create_superuser("root", password=PASSWORD)
    client = Client()
    answers = [attempt(client, f"guess {n}").status_code for n in range(21)]
    assert answers == [200] * 20 + [429]
    assert attempt(client, PASSWORD).status_code == 429, "the right one, too"
    assert "wait a little" in attempt(client, PASSWORD).content.decode()
    assert attempt(client, PASSWORD, address="198.51.100.9").status_code == 429, "the account is guarded as well"


@pytest.mark.slow
def test_the_shop_and_the_admin_count_together():
    User.objects.create_superuser("root", password=PASSWORD)
    for n in range(20):
        attempt(Client(), "guess", ("/sign-in", LOGIN)[n % 2], address=f"198.51.100.{n}")
    assert attempt(Client(), PASSWORD, LOGIN, "198.51.100.99").status_code == 429
    assert attempt(Client(), PASSWORD, "/sign-in", "198.51.100.99").status_code == 429


@pytest.mark.slow
@pytest.mark.parametrize("spelt", ["{space}root", "root{space}", "{space}\uff52oot"])
def test_a_name_that_is_spelt_in_other_ways_counts_as_the_same(spelt):
    User.objects.create_superuser("root", password=PASSWORD)
    for n in range(20):
        attempt(Client(), "guess", address=f"198.51.100.{n}")
    name = spelt.format(space=" \u00a0")
    answer = Client().post(LOGIN, {"username": name, "password": PASSWORD}, REMOTE_ADDR="198.51.100.99")
    assert answer.status_code == 429


@pytest.mark.slow
def test_nobody_is_locked_out_on_a_device_that_was_signed_in_before():
    User.objects.create_superuser("root", password=PASSWORD)
    mine = Client()
    assert attempt(mine, PASSWORD).status_code == 302
    mine.cookies.pop("sessionid")
    for n in range(25):
        attempt(Client(), "guess", address=f"198.51.100.{n + 10}")
    assert attempt(mine, PASSWORD).status_code == 302


@pytest.mark.slow
def test_who_guesses_slowly_is_stopped_within_the_hour(monkeypatch):
    User.objects.create_superuser("root", password=PASSWORD)
    start = time.time()
    for n in range(101):
        monkeypatch.setattr("rest_framework.throttling.SimpleRateThrottle.timer", lambda self, n=n: start + 10 * n)
        answer = attempt(Client(), "guess", address=f"198.51.{n}.1")
    assert answer.status_code == 429


@pytest.mark.parametrize("password", ["short 9", "123456789", "12345678901", "password1234"])
def test_weak_passwords_are_refused(password):
    with pytest.raises(ValidationError):
        validate_password(password)


# Pages ---------------------------------------------------------------------------------------------------------------


def test_pages_allow_no_script_but_the_shop_s_own_files(product):
    shop = Client().get("/").headers["Content-Security-Policy"]
    admin = Client().get(LOGIN).headers["Content-Security-Policy"]
    assert "unsafe" not in shop
    assert "script-src 'self' 'unsafe-eval'" in admin
    assert "'unsafe-inline'" not in re.search(r"script-src[^;]*", admin)[0]
    for policy in (shop, admin):
        for directive in ("default-src 'self'", "object-src 'none'", "frame-ancestors 'none'", "base-uri 'self'"):
            assert directive in policy


@pytest.mark.slow
def test_no_page_of_the_admin_has_a_script_in_itself(product):
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    for path in (
        "",
        "catalog/product/",
        f"catalog/product/{product.pk}/change/",
        "catalog/category/",
        "search/rule/add/",
    ):
        html = root.get(f"/admin/{path}").content.decode()
        scripts = re.findall(r"<script\b(?![^>]*\bsrc=)([^>]*)>", html)
        assert all("application/json" in each for each in scripts), path
        assert not re.search(r"<[^>]+\son(click|load|error|change|submit)=", html), path


def test_what_was_uploaded_is_no_page(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    for name in ("x.html", "x.svg", "x.jpg"):
        (tmp_path / name).write_text("<script>alert(1)</script>")
    assert Client().get("/media/x.html").status_code == Client().get("/media/x.svg").status_code == 404
    headers = Client().get("/media/x.jpg").headers
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
