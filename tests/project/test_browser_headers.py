"""What every address tells browsers: the policy held against an evaluator's rules, cookies, and the other headers."""

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from tests.project import permission_rules as rules
from tests.project.content_policy_rules import HIGH, MAYBE, MEDIUM, evaluate
from tests.project.permission_rows import Installation
from tests.project.test_permissions import _admin_address, _api_address, _page_address, admin_rules, installation
from vetrina.browser_policy import DENIED

__all__ = ["installation"]

# What is found, and why it stays; docs/security.md says more.
EXPLAINED = {
    ("script-src", "'self'"): "no address serves JSONP, Angular or uploads as scripts; the tests below hold that",
    ("script-src", "'unsafe-eval'"): "the admin's theme evaluates expressions of its attributes; on its pages alone",
}


# The evaluator ------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", {(HIGH, "script-src", "missing"), (HIGH, "object-src", "missing"), (HIGH, "base-uri", "missing")}),
        ("script-src 'unsafe-inline'", {(HIGH, "script-src", "'unsafe-inline'"), (HIGH, "object-src", "missing")}),
        ("default-src 'unsafe-inline'", {(HIGH, "script-src", "'unsafe-inline'")}),
        ("script-src-elem 'unsafe-inline'", {(HIGH, "script-src-elem", "'unsafe-inline'")}),
        ("script-src 'unsafe-eval'", {(MAYBE, "script-src", "'unsafe-eval'")}),
        ("script-src data:", {(HIGH, "script-src", "data:")}),
        ("default-src https:", {(HIGH, "script-src", "https:"), (HIGH, "object-src", "https:")}),
        ("script-src *", {(HIGH, "script-src", "*")}),
        ("script-src https://*", {(HIGH, "script-src", "https://*")}),
        ("base-uri *", {(HIGH, "base-uri", "*")}),
        ("script-src https://cdn.example", {(HIGH, "script-src", "https://cdn.example")}),
        ("img-src http://a.example", {(MEDIUM, "img-src", "http://a.example")}),
        ("object-src 'self'", {(MAYBE, "object-src", "not 'none'")}),
        ("script-src 'nonce-abc'", {(MEDIUM, "script-src", "short nonce")}),
        ("script-src 'strict-dynamic'", {("info", "script-src", "'strict-dynamic'")}),
        ("script-src self", {(MEDIUM, "script-src", "self without quotes or semicolon")}),
        ("script-src 'slef'", {(MEDIUM, "script-src", "unknown keyword 'slef'")}),
        ("scrip-src 'self'", {(MEDIUM, "scrip-src", "unknown")}),
        ("default-src 'self' object-src 'none'", {(MEDIUM, "default-src", "object-src without quotes or semicolon")}),
    ],
)  # fmt: skip
def test_the_evaluator_finds_what_is_wrong(policy: str, expected: set[tuple[str, str, str]]) -> None:
    assert expected <= {tuple(each) for each in evaluate(policy)}


@pytest.mark.parametrize(
    "policy",
    [
        "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        "script-src 'nonce-0123456789abcdef' 'unsafe-inline' 'strict-dynamic'; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "sandbox; default-src 'none'",
    ],
)
def test_the_evaluator_lets_a_strict_policy_be(policy: str) -> None:
    assert evaluate(policy) == []


# Every address ------------------------------------------------------------


def answers(made: Installation) -> Iterator[tuple[str, HttpResponse]]:
    """What every route answers: the shop's to somebody unknown, the admin's to both; what is written is undone."""
    of_shop = [
        *(_page_address(route, made) for route in rules.PAGES),
        *(_api_address(path, made) for path in rules.API),
        "/no/such/page", "/static/shop/shop.css", "/media/nothing.jpg",
    ]  # fmt: skip
    of_admin = [_admin_address(route, made) for route in admin_rules()]
    for role, method, addresses in (
        ("anonymous", "GET", [*of_shop, *of_admin]),
        ("anonymous", "POST", of_shop),
        ("superuser", "GET", of_admin),
    ):
        client = made.clients[role]
        for address in addresses:
            cache.clear()
            cookies = client.cookies.copy()
            with transaction.atomic():
                yield f"{role}: {method} {address}", client.generic(method, address, secure=True)
                transaction.set_rollback(True)
            client.cookies = cookies


@pytest.fixture
def in_production(installation: Installation, settings) -> Installation:
    """With the settings of production, and clients that read them."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    settings.SECURE_HSTS_PRELOAD = True
    for role in ("anonymous", "superuser"):
        old = installation.clients[role]
        installation.clients[role] = Client(raise_request_exception=False)
        installation.clients[role].cookies = old.cookies
    return installation


@pytest.mark.slow
def test_every_address_is_guarded_by_its_headers(in_production: Installation) -> None:
    wrong: dict[str, list[str]] = defaultdict(list)
    policies: dict[str, str] = {}
    seen = 0
    for what, answer in answers(in_production):
        seen += 1
        header = answer.headers.get
        if answer.status_code >= 500:
            wrong["answers 5xx"].append(what)
        if not (policy := header("Content-Security-Policy", "")):
            if "html" in header("Content-Type", "") or answer.status_code == 200:
                wrong["no policy"].append(what)
        else:
            policies.setdefault(policy, what)
        expected = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
            "Cross-Origin-Resource-Policy": "cross-origin" if "/media/" in what else "same-origin",
        }
        for name, value in expected.items():
            if header(name) != value:
                wrong[f"{name}: {header(name)}"].append(what)
        if not all(f"{each}=()" in header("Permissions-Policy", "") for each in DENIED):
            wrong["Permissions-Policy"].append(what)
        if "html" in header("Content-Type", "") and header("X-Frame-Options") != "DENY":
            wrong["X-Frame-Options"].append(what)
        if header("Server") or header("X-Powered-By"):
            wrong["says what it is made with"].append(what)
        if header("Access-Control-Allow-Origin"):
            wrong["lets other sites read"].append(what)
        for name, cookie in answer.cookies.items():
            readable = name in ("csrftoken", "consent")
            if not cookie["secure"] and cookie["max-age"] != 0:
                wrong[f"cookie {name} not secure"].append(what)
            if cookie["samesite"] != "Lax" or (bool(cookie["httponly"]) == readable and cookie["max-age"] != 0):
                wrong[f"cookie {name}: {cookie.OutputString()}"].append(what)
    assert not wrong, {reason: (len(of), of[:3]) for reason, of in wrong.items()}
    assert seen > 350
    found = {
        (each.directive, each.what): f"{each} of {what}: {policy}"
        for policy, what in policies.items()
        for each in evaluate(policy)
    }
    assert not [told for key, told in found.items() if key not in EXPLAINED]
    assert found.keys() == EXPLAINED.keys(), "what is explained is there"
    evaluating = [what for policy, what in policies.items() if "unsafe-eval" in policy]
    assert all("/admin/" in each for each in evaluating)


# Why 'self' may stay ------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/search?q=x", "/api/v1/products/", "/api/v1/schema", "/api/v1/suggest?q=x"])
@pytest.mark.parametrize("name", ["callback", "jsonp", "cb", "format"])
def test_no_address_serves_jsonp(path: str, name: str) -> None:
    told = "alert" if name != "format" else "jsonp"
    answer = Client(raise_request_exception=False).get(path, {name: told})
    assert "javascript" not in answer.headers.get("Content-Type", "")
    assert not re.match(rb"\s*(/\*\*/)?alert\(", answer.content)


def test_no_static_file_is_angular() -> None:
    names = [path for finder in finders.get_finders() for path, _ in finder.list([])]
    assert len(names) > 100
    assert not [name for name in names if re.search(r"angular", name, re.IGNORECASE)]
