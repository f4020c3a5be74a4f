"""Possible duplicates: the pairs side by side, why they are thought to be one, and what is to become of them."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from catalog.admin.reading import ReadOnlyAdmin
from catalog.models import Product
from search.duplicates import deciding, finding
from search.models import DuplicateCheck, DuplicatePair

REASONS = {"picture": "the same picture", "title": "the same words", "code": "the same EAN"}


class StateFilter(ChoicesDropdownFilter):
    """Shows what is to be decided unless something else is asked for."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[DuplicatePair]) -> QuerySet[DuplicatePair]:
        if self.lookup_kwarg not in request.GET:
            return queryset.filter(state=DuplicatePair.State.OPEN)
        return super().queryset(request, queryset)


@admin.register(DuplicatePair)
class DuplicatePairAdmin(ReadOnlyAdmin):
    list_display = ["pair", "evidence", "decision"]
    list_display_links = None
    list_filter = [("state", StateFilter)]
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 25
    list_before_template = "search/admin/duplicates.html"
    list_after_template = "search/admin/no_duplicates.html"
    search_fields = ["first__title", "second__title", "first__sku", "second__sku"]
    search_help_text = "Words of a title, or a SKU"
    actions = ["different"]
    ordering = ["-score", "pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DuplicatePair]:
        """Pairs of which both are for sale, and what was decided."""
        rows = super().get_queryset(request).select_related("first__brand", "second__brand", "decided_by")
        undone = rows.filter(state=DuplicatePair.State.OPEN).exclude(
            first__status=Product.Status.PUBLISHED, second__status=Product.Status.PUBLISHED
        )
        return rows.exclude(pk__in=undone.values("pk")).prefetch_related("first__pictures", "second__pictures")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Deciding archives products, or joins them."""
        return bool(
            request.user.has_perm("search.change_duplicatepair") and request.user.has_perm("catalog.change_product")
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.may_decide = self.has_decide_permission(request)
        context = {
            "compared": DuplicateCheck.objects.count(),
            "waiting": finding.due().count(),
            "open_pairs": self.get_queryset(request).filter(state=DuplicatePair.State.OPEN).count(),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    @display(description="Side by side")
    def pair(self, pair: DuplicatePair) -> SafeString:
        sides = [{"product": product, "picture": next(iter(product.pictures.all()), None)}
                 for product in (pair.first, pair.second)]  # fmt: skip
        return render_to_string("search/admin/duplicate_sides.html", {"sides": sides})

    @display(description="What speaks for it", ordering="score")
    def evidence(self, pair: DuplicatePair) -> SafeString:
        context = {
            "pair": pair,
            "reasons": [REASONS.get(reason, reason) for reason in pair.reasons],
            "percent": round(pair.score * 100),
        }
        return render_to_string("search/admin/duplicate_evidence.html", context)

    @display(description="Decision")
    def decision(self, pair: DuplicatePair) -> SafeString:
        address = reverse("admin:search_duplicatepair_decide", args=[pair.pk])
        context = {"pair": pair, "address": address, "may_decide": getattr(self, "may_decide", False)}
        return render_to_string("search/admin/duplicate_decision.html", context)

    @action(description="Not duplicates", permissions=["decide"], icon="call_split")
    def different(self, request: HttpRequest, queryset: QuerySet[DuplicatePair]) -> None:
        count, person = 0, cast(User, request.user)
        for pair in queryset.filter(state=DuplicatePair.State.OPEN):
            deciding.not_a_duplicate(pair, by=person)
            count += 1
        messages.success(request, f"{count} {'pair is' if count == 1 else 'pairs are'} kept apart from now on.")

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(require_POST(self.decide_view))
        return [path("<int:pk>/decide/", decide, name="search_duplicatepair_decide"), *super().get_urls()]

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_decide_permission(request):
            raise PermissionDenied
        pair = get_object_or_404(DuplicatePair.objects.select_related("first", "second"), pk=pk)
        choice, person = request.POST.get("decision", ""), cast(User, request.user)
        try:
            if choice == "archive_first":
                deciding.archive_one(pair, pair.first, by=person)
            elif choice == "archive_second":
                deciding.archive_one(pair, pair.second, by=person)
            elif choice == "family":
                deciding.make_family(pair, by=person)
            elif choice == "different":
                deciding.not_a_duplicate(pair, by=person)
            elif choice == "reopen":
                deciding.reopen(pair)
            else:
                raise deciding.DecisionError("There is no such decision.")
        except deciding.DecisionError as error:
            messages.error(request, str(error))
        else:
            kept_apart = f"{pair.first.sku} and {pair.second.sku} are kept apart from now on."
            again = f"{pair.first.sku} and {pair.second.sku} are to be decided again."
            messages.success(request, pair.outcome or (again if choice == "reopen" else kept_apart))
        return HttpResponseRedirect(reverse("admin:search_duplicatepair_changelist"))
