"""The permission matrix: every address, with every method, as every role, by real requests, against one rule table.

Addresses come from the OpenAPI description and the URL resolver, so that a new one without a rule in
`permission_rules` fails here. Each request runs in a savepoint that is rolled back; one that is refused must not have
written anything.
"""

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator

from catalog.models import OutboxEntry
from search.index.drain import drain
from tests.project import permission_rules as rules
from tests.project.permission_rows import Installation, build
from vetrina.methods import METHODS

pytestmark = pytest.mark.slow
REFUSED = (401, 403)
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
GROUPED = ("viewer", "merchandiser", "administrator", "superuser")


@pytest.fixture
def installation(db, vector_store, quick_encoders, settings, monkeypatch) -> Installation:
    settings.EVENTS_FILTER_BOTS = False
    settings.EVENTS_REQUIRE_CONSENT = False
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda *args, **options: None)
    made = build()
    drain()
    OutboxEntry.add([made.rows["catalog.product"].pk])
    made.rows["catalog.outboxentry"] = OutboxEntry.objects.get()
    return made


def ask(client: Client, method: str, address: str) -> tuple[HttpResponse, list[str]]:
    """The answer, and what was written for it; afterwards all is as before."""
    cache.clear()  # the limits of the rate are no matter of permissions
    cookies = client.cookies.copy()
    body = {"data": "{}", "content_type": "application/json"} if address.startswith("/api/") else {}
    written: list[str] = []

    def note(execute, sql, parameters, many, context):
        if sql.startswith(WRITES) and "django_session" not in sql:
            written.append(sql)
        return execute(sql, parameters, many, context)

    with transaction.atomic(), connection.execute_wrapper(note):
        answer = client.generic(method, address, **body) if body else getattr(client, method.lower())(address)
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer, written


def is_refused(answer: HttpResponse) -> bool:
    leads = answer.headers.get("Location", "")
    # To the front page leads what is not there, and signing out for those who are not signed in; signing in does, too.
    nowhere = leads == "/admin/" and answer.request["PATH_INFO"] != "/admin/login/"
    return answer.status_code in REFUSED or nowhere or leads.startswith("/admin/login/")


def problem(expected: str, answer: HttpResponse, written: list[str]) -> str:
    """Why the answer is not what was expected ("allowed", "refused", "no such method", "nothing"); empty if it is."""
    if answer.status_code >= 500:
        return f"answers {answer.status_code}"
    if expected == "nothing":
        return "" if answer.status_code == 404 else f"answers {answer.status_code}"
    if expected == "allowed":
        return f"is refused ({answer.status_code})" if is_refused(answer) or answer.status_code in (404, 405) else ""
    if written:
        return f"writes: {written[0][:200]}"
    if expected == "no such method":
        return "" if answer.status_code in (*REFUSED, 405) or is_refused(answer) else f"answers {answer.status_code}"
    return "" if is_refused(answer) or answer.status_code == 404 else f"is let through ({answer.status_code})"


# REST ----------------------------------------------------------------------------------------------------------------


def api_paths() -> dict[str, set[str]]:
    described = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return {path: {method.upper() for method in operations} for path, operations in described.items()}


def test_every_operation_has_a_rule():
    assert {path: set(methods) for path, methods in rules.API.items()} == api_paths()


def test_rest_as_every_role(installation):
    found, asked = [], 0
    for path, allowed in rules.API.items():
        address = _api_address(path, installation)
        for method in rules.METHODS:
            for role in rules.ROLES:
                who = allowed.get("GET" if method == "HEAD" else method)
                if method == "OPTIONS":  # describes the endpoint
                    expected = "allowed"
                elif who is None:
                    expected = "no such method"
                else:
                    expected = "allowed" if role in who else "refused"
                answer, written = ask(installation.clients[role], method, address)
                asked += 1
                if wrong := problem(expected, answer, written):
                    found.append(f"{role}: {method} {path} {wrong}")
    assert not found, "\n".join(found)
    assert asked == len(rules.API) * len(rules.METHODS) * len(rules.ROLES)


def _api_address(path: str, made: Installation) -> str:
    if path.endswith("{surface}"):
        return path.replace("{surface}", "for-you")
    slugs = {"brands": "acme", "categories": "food", "collections": "picnic", "promotions": "week", "stores": "corner"}
    kind = path.split("/")[3]
    values = {"sku": "A-1", "slug": slugs.get(kind, ""), "id": str(made.rows["catalog.picture"].pk)}
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], path)


# Pages ---------------------------------------------------------------------------------------------------------------


def routes() -> Iterator[str]:
    """Every route of the URL resolver, as it is written."""

    def below(patterns, before: str) -> Iterator[str]:
        for each in patterns:
            route = before + str(each.pattern)
            yield from below(each.url_patterns, route) if hasattr(each, "url_patterns") else [route]

    yield from below(get_resolver().url_patterns, "")


def _asking(method: str, route: str) -> tuple[str, ...]:
    """All roles; but what is refused before anybody asks who it is (vetrina.methods), only the least and the most."""
    return rules.ROLES if method in METHODS or route.startswith("api/") else ("anonymous", "superuser")


def page_routes() -> set[str]:
    described = {"api/v1/schema", "api/v1/docs"}  # of REST, but no part of its description
    found = {each for each in routes() if not each.startswith("admin/")}
    pages = {each for each in found if not each.startswith("api/v1/") or each in described}
    return {each.replace("^media/(?P<path>.*)$", "media/<path>") for each in pages}


def test_every_page_has_a_rule():
    assert page_routes() == set(rules.PAGES)


VALUES = {
    "surface": "for-you", "sku": "A-1", "section": "products", "token": "2026-01-01-" + "0" * 32,
    "path": "nothing.jpg",
}  # fmt: skip
SLUGS = {"p": "thing", "c": "food", "b": "acme", "s": "corner", "promo": "week", "collection": "picnic"}


def _page_address(route: str, made: Installation) -> str:
    values = VALUES | {
        "key": str(made.rows["recommend.placement"].key),
        "slug": SLUGS.get(route.split("/", maxsplit=1)[0], ""),
    }
    of_product = "?sku=A-1" if route.startswith(("cart/add", "not-for-me")) else ""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: values[match[1]], route) + of_product


def test_pages_as_every_role(installation, quick_pages):
    found = []
    for route, methods in rules.PAGES.items():
        address = _page_address(route, installation)
        for method in rules.METHODS:
            known = ("GET" if method == "HEAD" else method) in methods.split()
            if method == "OPTIONS" and route == "api/v1/schema":
                known = True
            for role in _asking(method, route):
                expected = "no such method" if not known else "nothing" if route in rules.NOTHING_THERE else "allowed"
                answer, written = ask(installation.clients[role], method, address)
                if wrong := problem(expected, answer, written):
                    found.append(f"{role}: {method} {address} {wrong}")
    assert not found, "\n".join(found)


def test_every_form_of_the_shop_takes_its_token(installation):
    careful = Client(enforce_csrf_checks=True, raise_request_exception=False)
    taken = {
        route
        for route, methods in rules.PAGES.items()
        if "POST" in methods and ask(careful, "POST", _page_address(route, installation))[0].status_code != 403
    }
    assert taken == rules.WITHOUT_TOKEN


# The admin -----------------------------------------------------------------------------------------------------------


def admin_rules() -> dict[str, dict[str, frozenset[str]]]:
    """Route after admin/ -> method -> who, of all pages that have a rule."""
    found = dict(rules.ADMIN)
    for label, letters in rules.MODELS.items():
        at = label.replace(".", "/") + "/"

        def who(wanted: str, letters=letters) -> frozenset[str]:
            return frozenset(role for role, may in zip(GROUPED, letters, strict=True) if set(wanted) & set(may))

        one, both = f"{at}<path:object_id>/", ("GET", "POST")
        found |= {
            at: dict.fromkeys(both, who("vc")),
            f"{at}add/": dict.fromkeys(both, who("a")),
            f"{one}change/": {"GET": who("vc"), "POST": who("c")},
            f"{one}delete/": dict.fromkeys(both, who("d")),
            f"{one}history/": dict.fromkeys(both, who("vc")),
            one: dict.fromkeys(both, frozenset(rules.STAFF)),  # leads to the page of the row
        }
        if label in ("catalog.product", "search.rule", "search.synonym"):
            found[f"{at}^([^/]+)/history/([^/]+)/$"] = {"GET": who("vc"), "POST": who("c")}
    return found


def test_every_page_of_the_admin_has_a_rule():
    assert {each.removeprefix("admin/") for each in routes() if each.startswith("admin/")} == set(admin_rules())
    assert {model._meta.label_lower for model in admin.site._registry} == set(rules.MODELS)


def test_the_admin_as_every_role(installation, quick_pages):
    found = []
    for route, methods in admin_rules().items():
        address = _admin_address(route, installation)
        for method in rules.METHODS:
            who = methods.get("GET" if method == "HEAD" else method)
            for role in _asking(method, route):
                expected = "no such method" if who is None else "allowed" if role in who else "refused"
                if expected == "allowed" and route in rules.NOTHING_THERE:
                    expected = "nothing"
                answer, written = ask(installation.clients[role], method, address)
                if wrong := problem(expected, answer, written):
                    found.append(f"{role}: {method} {address} {wrong}")
    assert not found, "\n".join(found)


def _admin_address(route: str, made: Installation) -> str:
    label = ".".join(route.split("/")[:2])
    row = made.rows.get(label)
    if "([^/]+)/history" in route:
        version = row.history.first()
        return f"/admin/{label.replace('.', '/')}/{row.pk}/history/{version.pk}/"
    if route.startswith("^(?P<app_label>"):
        return "/admin/catalog/"
    if route == "(?P<url>.*)$":
        return "/admin/nowhere/"
    if route == "autocomplete/":
        return "/admin/autocomplete/?term=x&app_label=catalog&model_name=product&field_name=brand"
    if "accept|dismiss" in route:
        return f"/admin/search/synonymsuggestion/{row.pk}/accept/"
    if route == "search/experiment/<path:object_id>/stop/":
        row = made.rows["running"]
    values = {"kind": "fusion", "table": "top", "query_id": made.rows["search.judgedquery"].pk}
    if row is not None:
        values |= dict.fromkeys(("object_id", "pk", "id", "set_id", "run_id"), row.pk)
    if route.startswith("r/"):
        from django.contrib.contenttypes.models import ContentType

        product = made.rows["catalog.product"]
        values = {"content_type_id": ContentType.objects.get_for_model(product).pk, "object_id": product.pk}
    return "/admin/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(values[match[1]]), route)


@pytest.mark.django_db
def test_actions_of_lists_as_every_group(installation):
    for model, model_admin in admin.site._registry.items():
        label = model._meta.label_lower
        ruled = {name: set(who) for name, who in rules.ACTIONS.get(label, {}).items()}
        if label not in rules.NOT_BY_THE_DOZEN and (
            deleting := {role for role, may in zip(GROUPED, rules.MODELS[label], strict=True) if "d" in may}
        ):
            ruled["delete_selected"] = deleting
        offered: dict[str, set[str]] = {}
        for role in GROUPED:
            request = RequestFactory().get(f"/admin/{label.replace('.', '/')}/")
            request.user = User.objects.get(username=role)
            request.resolver_match = get_resolver().resolve(request.path)
            for name in model_admin.get_actions(request):
                offered.setdefault(name, set()).add(role)
        assert offered == ruled, label


@pytest.fixture
def quick_pages(monkeypatch) -> None:
    """Who may see a page is decided before its template is filled in; only a superuser's pages are."""
    fill = TemplateResponse.rendered_content.fget

    def rendered(response: TemplateResponse) -> str:
        user = getattr(response._request, "user", None)
        return fill(response) if user is not None and user.is_superuser else ""

    monkeypatch.setattr(TemplateResponse, "rendered_content", property(rendered))
