"""Judging: one query at a time, its products as cards, a grade by key or button, saved at once.

Every button is a form of its own, so that the page works without its script; with it, nothing is loaded anew.
"""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from catalog.models import Product
from search.admin.relevance.pages import cards, facts, page
from search.evaluation.configurations import UnknownConfigurationError
from search.evaluation.pooling import pool
from search.models import JudgedQuery, Judgment, JudgmentSet
from search.models.judgments import GRADES
from search.query import SearchError


def judge_view(model_admin: Any, request: HttpRequest, set_id: int, query_id: int | None = None) -> HttpResponse:
    """Show a query's products (GET) or take a grade (POST); without a query, go to the first one with work left."""
    judged = model_admin.get_object(request, str(set_id))
    if judged is None:
        raise Http404("There is no such set.")
    if not request.user.has_perm("search.add_judgment"):
        raise PermissionDenied
    if query_id is None:
        return _to_first(judged, request)
    query = judged.queries.filter(pk=query_id).first()
    if query is None:
        raise Http404("The set has no such query.")
    if request.method == "POST":
        return _take(request, query)
    return _show(model_admin, request, judged, query)


def _to_first(judged: JudgmentSet, request: HttpRequest) -> HttpResponse:
    mine = Count("judgments", filter=Q(judgments__judge=request.user.get_username()))
    query = judged.queries.annotate(mine=mine).order_by("mine", "position", "pk").first()
    if query is None:
        messages.warning(request, "This set has no queries yet: add some first, one a line.")
        return HttpResponseRedirect(reverse("admin:search_judgmentset_change", args=[judged.pk]))
    return HttpResponseRedirect(_address(query))


def _address(query: JudgedQuery) -> str:
    return reverse("admin:search_judgmentset_judge_query", args=[query.set_id, query.pk])


def _show(model_admin: Any, request: HttpRequest, judged: JudgmentSet, query: JudgedQuery) -> HttpResponse:
    try:
        skus, problem = pool(query), ""
    except (SearchError, UnknownConfigurationError) as error:
        skus, problem = [], str(error)
    products, grades = cards(skus), _grades(query, request)
    rows = [
        {
            "sku": sku,
            "product": products.get(sku),
            "facts": facts(products[sku]) if sku in products else [],
            "grade": grades.get(sku),
        }
        for sku in skus
    ]
    neighbours = list(judged.queries.values_list("pk", flat=True))
    place = neighbours.index(query.pk)
    mine = Count("judgments", filter=Q(judgments__judge=request.user.get_username()))
    return page(
        model_admin,
        request,
        "judge.html",
        f"Judge: {query.text}",
        judged=judged,
        query=query,
        rows=rows,
        problem=problem,
        grades=GRADES,
        done=sum(row["grade"] is not None for row in rows),
        place=place + 1,
        number=len(neighbours),
        before=neighbours[place - 1] if place else None,
        after=neighbours[place + 1] if place + 1 < len(neighbours) else None,
        queries=judged.queries.annotate(mine=mine),
    )


def _grades(query: JudgedQuery, request: HttpRequest) -> dict[str, int]:
    """What this judge said. Others' grades are not shown, or they would be followed."""
    rows = Judgment.objects.filter(query=query, judge=request.user.get_username())
    return dict(rows.values_list("sku", "grade"))


def _take(request: HttpRequest, query: JudgedQuery) -> HttpResponse:
    sku, text = request.POST.get("sku", "").strip(), request.POST.get("grade", "")
    judge = request.user.get_username()
    known = Product.objects.filter(sku=sku).exists() or Judgment.objects.filter(query=query, sku=sku).exists()
    if not known or text not in ("", *(str(grade) for grade, _ in GRADES)):
        problem = "That product is not in the catalogue." if not known else "A grade is 0, 1, 2 or 3."
        if _wants_json(request):
            return JsonResponse({"error": problem}, status=400)
        messages.error(request, problem)
        return HttpResponseRedirect(_address(query))
    if text:
        Judgment.objects.update_or_create(query=query, sku=sku, judge=judge, defaults={"grade": int(text)})
    else:
        Judgment.objects.filter(query=query, sku=sku, judge=judge).delete()
    if _wants_json(request):
        return JsonResponse({"sku": sku, "grade": int(text) if text else None, "mine": len(_grades(query, request))})
    return HttpResponseRedirect(f"{_address(query)}#{sku}")


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "") == "application/json"
