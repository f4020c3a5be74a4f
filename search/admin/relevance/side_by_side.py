"""One query, two configurations: both lists of hits beside each other, what moves, and what judgments say of it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from search.admin.relevance.pages import cards, page
from search.evaluation import judged, moves
from search.evaluation.configurations import DEFAULT, Named, UnknownConfigurationError, named, names
from search.evaluation.relevance import DEPTH, HEADLINE, measure
from search.models import JudgedQuery, JudgmentSet
from search.query import SearchError

SHOWN = 10
COMPARED = 50  # places that a product may have come from
LONGEST = 300
MEASURES = {HEADLINE: "nDCG@10", f"{HEADLINE}_judged": "nDCG@10, judged only", "mrr": "MRR", "recall@100": "Recall@100"}


def side_by_side_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """`q`, `a`, `b` and `set` come as parameters; without a query the page asks for one."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    query = " ".join(request.GET.get("q", "").split())[:LONGEST]
    known = names()
    chosen = {
        "a": request.GET.get("a", DEFAULT)[:2000],
        "b": request.GET.get("b", known[-1] if len(known) > 3 else "lexical")[:2000],
    }
    context: dict[str, Any] = {
        "q": query,
        **chosen,
        # Overrides may come as JSON too, which a list of names does not have.
        "configurations": list(dict.fromkeys([*known, *chosen.values()])),
        "sets": JudgmentSet.objects.all(),
        "set": _set(request.GET.get("set", "")),
    }
    if query:
        try:
            context |= _compared(query, named(chosen["a"]), named(chosen["b"]), context["set"])
        except (SearchError, UnknownConfigurationError) as error:
            context["problem"] = str(error)
    return page(model_admin, request, "side_by_side.html", "Side by side", **context)


def _set(text: str) -> JudgmentSet | None:
    return JudgmentSet.objects.filter(name=text[:60]).first() if text else None


def _compared(query: str, before: Named, after: Named, chosen: JudgmentSet | None) -> dict[str, Any]:
    grades = _grades(query, chosen)
    most = DEPTH if grades else COMPARED
    results = [each.ask(query, most) for each in (before, after)]
    old, new = ([hit.product.sku for hit in result.hits] for result in results)
    products = cards({*old[:SHOWN], *new[:SHOWN]})
    columns = []
    for side, result, marked in zip((before, after), results, moves.moves(old, new, k=SHOWN), strict=True):
        columns.append(
            {
                "name": side.name,
                "total": result.total,
                "took_ms": result.took_ms,
                "message": result.query.get("message", ""),
                "rows": [
                    {"move": move, "product": products.get(move.sku), "grade": grades.get(move.sku)} for move in marked
                ],
            }
        )
    told: dict[str, Any] = {
        "columns": columns,
        "changed": round(100 * moves.changed(old, new, k=SHOWN)),
        "reordered": round(100 * moves.reordered(old, new, k=SHOWN)),
    }
    if max(grades.values(), default=0):
        before_figures, after_figures = measure(old, grades), measure(new, grades)
        told["figures"] = [
            {
                "label": label,
                "a": before_figures[name],
                "b": after_figures[name],
                "difference": after_figures[name] - before_figures[name],
            }
            for name, label in MEASURES.items()
        ]
    return told


def _grades(query: str, chosen: JudgmentSet | None) -> dict[str, int]:
    """What the set's judges say of this query; without a set, those of the newest set that has it."""
    if chosen is None:
        row = JudgedQuery.objects.filter(text=query, judgments__isnull=False).select_related("set").last()
        chosen = row.set if row else None
    return judged.read(chosen).get(query, {}) if chosen else {}
