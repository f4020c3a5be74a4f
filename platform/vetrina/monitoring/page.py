"""The admin's page of operations: what is degraded, what waits, what failed, and who is at work."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from catalog import services
from catalog.models import OutboxEntry, Product
from recommend.admin.plots import Line, plot
from search.models import IndexingMinute, RankingVersion
from vetrina.monitoring import parts, probes, state

VIEW, RETRY = "catalog.view_outboxentry", "catalog.change_outboxentry"
SPANS = {2: "2 hours", 24: "24 hours", 168: "7 days"}
PLACES = 60  # of a plot
SHOWN = 10  # kinds of failures


@dataclass(frozen=True)
class Failure:
    """Products that were given up with the same error."""

    error: str
    count: int
    latest: datetime
    product_id: int  # one of them
    title: str = ""  # of that one; empty: it is deleted


@require_http_methods(["GET", "HEAD", "POST"])
def operations(request: HttpRequest) -> HttpResponse:
    """GET shows the page; POST gives failed products to the workers again, all or those with the `error` sent."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    if request.method == "POST":
        return _retry(request)
    hours = request.GET.get("hours", "")
    span = int(hours) if hours in map(str, SPANS) else 24
    health = parts.look()
    if settings.MULTI_SHOP:
        health = replace(health, points=probes.points_here())  # those of all shops together are not this one's business
    context = {
        **admin.site.each_context(request),
        "title": "Operations",
        "span": span,
        "spans": SPANS.items(),
        "health": health,
        "may_retry": request.user.has_perm(RETRY),
        **_plots(timedelta(hours=span)),
        "failures": _failures(),
    }
    if health.state is not None:
        context |= {"now": health.state, "rates": _rates(health.state), "versions": _versions(health.state)}
        context |= {"queues": _queues(health, health.state)}
    return TemplateResponse(request, "vetrina/operations.html", context)


def _retry(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm(RETRY):
        raise PermissionDenied
    entries = OutboxEntry.objects.exclude(parked_at=None)
    if "error" in request.POST:
        entries = entries.filter(error=request.POST["error"])
    count = services.retry_parked(entries)
    told = f"{count:,} failed {'product goes' if count == 1 else 'products go'} to a worker again."
    (messages.success if count else messages.info)(request, told if count else "Nothing of that had failed any more.")
    return redirect(reverse("operations"))


def _failures() -> list[Failure]:
    """The commonest errors of products that were given up."""
    rows = (
        OutboxEntry.objects.exclude(parked_at=None)
        .order_by()
        .values("error")
        .annotate(count=Count("pk"), latest=Max("parked_at"), product_id=Max("product_id"))
        .order_by("-count", "-latest")[:SHOWN]
    )
    found = list(rows)
    products = Product.objects.filter(pk__in=[row["product_id"] for row in found])
    titles = dict(products.values_list("pk", "title"))
    return [Failure(**row, title=titles.get(row["product_id"], "")) for row in found]


def _rates(now: state.State) -> dict[str, float]:
    """Of the last five minutes: products a minute; texts and pictures a second of the encoders' own time."""
    busy = now.recent["encode_ms"] / 1000
    return {
        "products": now.recent["products"] / (state.RECENT.total_seconds() / 60),
        "encoded": (now.recent["texts"] + now.recent["pictures"]) / busy if busy else 0.0,
    }


def _queues(health: parts.Health, now: state.State) -> list[dict[str, Any]]:
    depths = health.depths or {}
    return [{"name": name, "workers": now.workers_of(name), "waiting": depths.get(name)} for name in probes.queues()]


def _versions(now: state.State) -> list[tuple[str, str, datetime | None]]:
    """What is in use, its version, and since when."""
    rows: list[tuple[str, str, datetime | None]] = [("Vetrina", version("vetrina"), None)]
    live = next((each for each in now.collections if each.state == "live"), None)
    made = live.created_at if live else None
    for kind in ("text", "image"):
        told = (live.shape.get(kind) or {}).get("model_id", "") if live else ""
        rows.append((f"{kind.capitalize()} encoder", told or "nothing is indexed yet", made))
    model = now.model
    rows.append(("Recommender", str(model) if model else "none is live", model.published_at if model else None))
    rankings = {each.kind: each for each in RankingVersion.objects.filter(live=True).defer("model")}
    for kind, label in RankingVersion.Kind.choices:
        ranking = rankings.get(kind)
        told = f"version {ranking.pk}" if ranking else "built in"
        rows.append((label, told, ranking.published_at if ranking else None))
    return rows


def _plots(span: timedelta) -> dict[str, SafeString]:
    now = timezone.now()
    rows = list(IndexingMinute.objects.filter(minute__gt=now - span).order_by("minute"))
    width = span / PLACES
    places: dict[int, list[IndexingMinute]] = defaultdict(list)
    for row in rows:
        places[min(int((row.minute - (now - span)) / width), PLACES - 1)].append(row)
    labels = [f"{now - span + width * place:%-d %b %H:%M}" for place in range(PLACES)]
    minutes = width.total_seconds() / 60

    def line(name: str, kind: str, field: str, *, most: bool) -> Line:
        told = [_value((getattr(row, field) for row in places[place]), most, minutes) for place in range(PLACES)]
        return Line(name, kind, told)

    if not rows:
        return {"age_plot": SafeString(""), "throughput_plot": SafeString("")}
    return {
        "age_plot": plot(
            [line("oldest change that waits, seconds", "new", "oldest_seconds", most=True)],
            labels, "Age of the outbox", "{:,.0f} s".format,
        ),
        "throughput_plot": plot(
            [
                line("brought level a minute", "new", "products", most=False),
                line("failed a minute", "live", "failed", most=False),
            ],
            labels, "Throughput", "{:,.1f}".format,
        ),
    }  # fmt: skip


def _value(values: Iterable[Any], most: bool, minutes: float) -> float | None:
    """The largest of what was seen, None where nobody looked; or the sum of what was done, a minute."""
    told = [value for value in values if value is not None]
    if most:
        return float(max(told)) if told else None
    return sum(told) / minutes
