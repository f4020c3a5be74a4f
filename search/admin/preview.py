"""What a rule would do, shown beside what the search does now, before anything is saved."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from catalog.models import Product
from search import query
from search.index.errors import VectorStoreError
from search.index.live import live_collection
from search.merchandising import steering
from search.merchandising.rules import Compiled, compiled, in_order, outcome_for, saved_rules
from search.merchandising.segments import EVERYBODY
from search.models import Rule
from search.query.errors import SearchError
from search.query.request import Filters, SearchRequest, SearchResult

SHOWN = 12
COMPARED = 96  # how far down it is looked for where a hit was before


@dataclass(frozen=True)
class Row:
    """A hit of one side. `change` is "up", "down", "new", "gone", "pinned" or empty; `text` says by how much."""

    place: int
    product: Product
    change: str = ""
    text: str = ""


def preview(model_admin: Any, request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Take the rule's form as it is, unsaved, and answer with a fragment of HTML. Writes nothing."""
    rule = Rule.objects.filter(pk=pk).first() if pk else None
    if pk and rule is None:
        raise Http404("There is no such rule.")
    may = model_admin.has_change_permission(request, rule) if rule else model_admin.has_add_permission(request)
    if not may:
        raise PermissionDenied
    form = model_admin.get_form(request, rule, change=rule is not None)(request.POST, instance=rule)
    valid = form.is_valid()
    # As the form's own view makes them, from the same fields.
    formsets, _ = model_admin._create_formsets(request, form.instance, change=rule is not None)
    if not (all(formset.is_valid() for formset in formsets) and valid):
        return render(request, "search/admin/preview.html", {"problems": _problems(form, formsets)})
    actions = [
        each.instance
        for formset in formsets
        for each in formset.forms
        if each not in formset.deleted_forms and (each.instance.pk or each.has_changed())
    ]
    draft = compiled(form.instance, actions)
    return render(request, "search/admin/preview.html", compare(draft, _asked(request, form.instance)))


def compare(draft: Compiled, asked: SearchRequest) -> dict[str, Any]:
    """Search without the draft and with it: as it would be switched on, in its time, for whom it is made."""
    others = [rule for rule in saved_rules() if not draft.id or rule.id != draft.id]
    now = replace(draft, starts_at=None, ends_at=None, segment=EVERYBODY)
    asked = replace(asked, page_size=COMPARED, facets=(), personal=False, explain=True)
    outcome = outcome_for(asked.q, asked.filters.category, rules=[now])
    try:
        before = query.search(replace(asked, rules=saved_rules()))
        after = query.search(replace(asked, rules=in_order([*others, now])))
        hidden = steering.hidden(outcome, live_collection())
    except (SearchError, VectorStoreError) as error:
        return {"problems": [str(error)]}
    return {
        "q": asked.q,
        "category": asked.filters.category,
        "holds": bool(outcome.rules),
        "sides": [
            {"title": "Now", "rows": _before(before, after, hidden), "total": before.total},
            {"title": "With this rule", "rows": _after(before, after), "total": after.total},
        ],
        "redirect": after.query.get("redirect", ""),
        "upcoming": bool(draft.starts_at and draft.starts_at > timezone.now()),
        "unchanged": [hit.product.pk for hit in before.hits] == [hit.product.pk for hit in after.hits],
    }


def _before(before: SearchResult, after: SearchResult, hidden: Collection[int]) -> list[Row]:
    there = {hit.product.pk for hit in after.hits}
    rows = []
    for place, hit in enumerate(before.hits[:SHOWN], start=1):
        if hit.product.pk in there:
            rows.append(Row(place, hit.product))
        elif hit.product.pk in hidden:
            rows.append(Row(place, hit.product, "gone", "hidden"))
        else:
            rows.append(Row(place, hit.product, "down", f"after {COMPARED}"))
    return rows


def _after(before: SearchResult, after: SearchResult) -> list[Row]:
    was = {hit.product.pk: place for place, hit in enumerate(before.hits, start=1)}
    rows = []
    for place, hit in enumerate(after.hits[:SHOWN], start=1):
        earlier = was.get(hit.product.pk)
        if hit.explanation and "pinned" in hit.explanation:
            change, text = (
                "pinned",
                "pinned" if earlier == place else f"pinned, was {earlier}" if earlier else "pinned, new",
            )
        elif earlier is None:
            change, text = "new", "new" if before.total <= COMPARED else f"was after {COMPARED}"
        elif earlier > place:
            change, text = "up", f"↑ {earlier - place}"
        elif earlier < place:
            change, text = "down", f"↓ {place - earlier}"
        else:
            change, text = "", ""
        rows.append(Row(place, hit.product, change, text))
    return rows


def _asked(request: HttpRequest, rule: Rule) -> SearchRequest:
    """The sample: what was typed for it, or else the rule's own first words and category."""
    typed = " ".join(request.POST.get("preview_q", "").replace("\x00", "").split())[:300]
    if not typed and rule.match != Rule.Match.NONE:
        typed = rule.queries.split("\n")[0]
    category = rule.category.slug if rule.category else ""
    return SearchRequest(q=typed, filters=Filters(category=category))


def _problems(form: Any, formsets: list[Any]) -> list[str]:
    """Each error with the name of its field, as sentences."""
    found = []
    for each in (form, *(each for formset in formsets for each in formset.forms)):
        for name, errors in each.errors.items():
            label = f"{each.fields[name].label}: " if name in each.fields else ""
            found += [f"{label}{error}" for error in errors]
    found += [str(error) for formset in formsets for error in formset.non_form_errors()]
    return list(dict.fromkeys(found))[:8]
