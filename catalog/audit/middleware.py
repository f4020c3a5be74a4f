"""Every request to the admin that changes something, or takes a file out, leaves an entry in the audit log."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib.admin import site
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from catalog.audit.acting import Acting, Subject, acting, name_of, of_request, record

GetResponse = Callable[[HttpRequest], HttpResponse]
ADMIN: Final = "/admin/"
# What says by itself what it did (catalog.audit.signing_in), and what leads elsewhere.
OWN: Final = {"login", "logout", "view_on_site", ""}
LEADS_AWAY: Final = ("/admin/login/", "/admin/second-factor")
MOST_CHOSEN: Final = 50


def audited(get_response: GetResponse) -> GetResponse:
    """The entry is written after the change and before the answer: what was acknowledged is in the log."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(ADMIN) or not request.user.is_staff:
            return get_response(request)
        with acting(of_request(request, request.user)) as who:
            response = get_response(request)
            if _matters(request, response, who):
                # Only now: to read the form before the view does would keep it from reading the body itself.
                _write(request, response, who, request.POST.getlist("_selected_action"))
        return response

    return middleware


def _matters(request: HttpRequest, response: HttpResponse, who: Acting) -> bool:
    # What was recorded meanwhile says more than the address does.
    if who.recorded or response.status_code >= 400 or _name(request) in OWN or request.path_info.startswith(LEADS_AWAY):
        return False
    if "attachment" in response.headers.get("Content-Disposition", ""):
        return True
    if request.method != "POST":
        return bool(who.changes)
    leads = response.headers.get("Location", "")
    # A form that was sent ends in a redirect; an answer in place (a preview, a form with errors) changed nothing
    # unless a row says so. To the front page leads what was not there.
    moved = bool(leads) and leads != ADMIN and not leads.startswith(LEADS_AWAY)
    return bool(who.changes) or moved


def _write(request: HttpRequest, response: HttpResponse, who: Acting, chosen: list[str]) -> None:
    model, action = _model_and_action(_name(request))
    if action == "changelist":
        action = request.POST.get("action", "") or "change the list"
    if "attachment" in response.headers.get("Content-Disposition", "") and "export" not in action:
        action = f"export {action}"
    changes: list[dict[str, Any]] = list(who.changes)
    if who.left_out:
        changes.append({"what": f"and {who.left_out} more"})
    if chosen:
        changes.append({"what": "chosen", "count": len(chosen), "ids": [each[:40] for each in chosen[:MOST_CHOSEN]]})
    record(action.replace("_", " "), _subject(request, model, who), changes, who=who)


def _name(request: HttpRequest) -> str:
    match = request.resolver_match
    return (match.url_name or "") if match else ""


def _model_and_action(name: str) -> tuple[type[Model] | None, str]:
    """From the name of an address: catalog_product_change is of the product, and the action is change."""
    for model in site._registry:
        start = f"{model._meta.app_label}_{model._meta.model_name}_"
        if name.startswith(start):
            return model, name.removeprefix(start)
    return None, name


def _subject(request: HttpRequest, model: type[Model] | None, who: Acting) -> Subject:
    """The row that the address names, or that was made; where there is none, its model alone."""
    if model is None:
        return Subject()
    label = model._meta.label_lower
    values = request.resolver_match.kwargs if request.resolver_match else {}
    number = next((str(values[name]) for name in ("object_id", "pk", "run_id", "set_id", "id") if name in values), "")
    seen = [each for each in who.changes if each["model"] == label and number in ("", each["id"])]
    if number:
        return Subject(label, number, seen[0]["object"] if seen else _called(model, number))
    made = [each for each in seen if each["what"] == "added"]
    return Subject(label, made[0]["id"], made[0]["object"]) if len(made) == 1 else Subject(label)


def _called(model: type[Model], number: str) -> str:
    try:
        row = model._default_manager.filter(pk=number).first()
    except (ValueError, TypeError, OverflowError):
        return ""
    return name_of(row) if row else ""
