"""Campaigns: what they may spend, what they got for it; and the ledger, to look at."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import action, display

from catalog.admin.reading import ReadOnlyAdmin
from catalog.importing.report import guarded
from recommend.admin.filters import CampaignStateFilter
from recommend.admin.plots import Line, plot
from recommend.models import Campaign, Charge, Placement
from recommend.sponsored import report

DAYS_SHOWN = 30
COLUMNS = (
    "campaign",
    "store",
    "state",
    "from",
    "to",
    "bid",
    "budget",
    "spent",
    "shown",
    "clicks",
    "click rate",
    "charges",
)


class CampaignForm(forms.ModelForm):
    class Meta:
        model = Campaign
        exclude: list[str] = []

    def clean_bid(self) -> Any:
        bid = self.cleaned_data["bid"]
        if bid <= 0:
            raise forms.ValidationError("A bid is more than nothing.")
        return bid

    def clean_budget(self) -> Any:
        budget = self.cleaned_data["budget"]
        if budget < self.instance.spent:
            raise forms.ValidationError(
                f"{self.instance.spent:,.2f} are spent already; switch it off to spend no more."
            )
        return budget

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        starts, ends = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", "It must end after it starts.")
        store = cleaned.get("store") or (self.instance.store if self.instance.pk else None)
        if store and (strange := [each for each in cleaned.get("products") or () if each.store_id != store.pk]):
            names = ", ".join(f"“{each.title[:60]}”" for each in strange[:3])
            more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""
            self.add_error("products", f"A store pays for its own products. Not sold by {store}: {names}{more}.")
        return cleaned


@admin.register(Campaign)
class CampaignAdmin(ModelAdmin):
    form = CampaignForm
    list_display = ["name", "store", "state_shown", "money", "price", "shown", "clicks", "click_rate", "ends_at"]
    list_filter = [
        CampaignStateFilter,
        ("store", AutocompleteSelectFilter),
        ("charge", ChoicesDropdownFilter),
    ]
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ["store"]
    list_per_page = 50
    search_fields = ["name", "store__name"]
    autocomplete_fields = ["store", "products"]
    actions = ["switch_on", "switch_off", "export_report"]
    change_form_before_template = "recommend/admin/campaign.html"
    warn_unsaved_form = True
    fieldsets = [
        (None, {"fields": ["name", ("store", "active"), "products"]}),
        (
            "Money",
            {
                "fields": [("charge", "bid"), ("budget", "daily_budget"), "pacing", "cap_per_shopper"],
                "description": "The bid is the most that is paid: the auction asks for what the next one would have "
                "paid. Nothing is shown that is not relevant, whatever is bid.",
            },
        ),
        ("When", {"fields": [("starts_at", "ends_at")]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> list[str]:
        # What was charged was charged to this store, in this way.
        return ["store", "charge"] if obj is not None and obj.placements.exists() else []

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        """A campaign that was shown stays for its ledger; it is switched off."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.placements.exists())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {name: each for name, each in super().get_actions(request).items() if name != "delete_selected"}

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Campaign | None:
        """While a form is saved nobody charges, so that a budget cannot fall below what is spent meanwhile."""
        if request.method == "POST":
            field = self.opts.pk if from_field is None else self.opts.get_field(from_field)
            try:
                list(Campaign.objects.select_for_update().filter(pk=field.to_python(object_id)).values_list("pk"))
            except (forms.ValidationError, ValueError, OverflowError):
                return None
        return super().get_object(request, object_id, from_field)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's campaigns with their figures, in three queries for all of them."""
        changelist = super().get_changelist_instance(request)
        campaigns = list(changelist.result_list)
        figures = report.totals([campaign.pk for campaign in campaigns])
        for campaign in campaigns:
            campaign.figures = figures[campaign.pk]
        changelist.result_list = campaigns
        return changelist

    @display(
        description="State",
        label={
            "running": "success", "upcoming": "info", "resting": "info", "exhausted": "warning", "ended": "default",
            "off": "warning",
        },
    )  # fmt: skip
    def state_shown(self, campaign: Campaign) -> tuple[str, str]:
        return campaign.state.value, campaign.state.label

    @display(description="Spent", ordering="spent")
    def money(self, campaign: Campaign) -> SafeString:
        percent = min(100, float(campaign.spent) / float(campaign.budget) * 100 if campaign.budget else 100)
        text = f"{campaign.spent:,.2f} of {campaign.budget:,.2f} {settings.SHOP_CURRENCY}"
        return format_html(
            '<div class="recommend-spent"><span>{}</span><div class="catalog-bar" role="img" aria-label="{}">'
            '<span data-state="waiting" style="width: {}%"></span></div></div>',
            text, f"{percent:.0f} percent", f"{percent:.1f}",
        )  # fmt: skip

    @display(description="Bid", ordering="bid")
    def price(self, campaign: Campaign) -> str:
        return f"{campaign.bid.normalize():f} a {campaign.charge}"

    @display(description="Shown")
    def shown(self, campaign: Campaign) -> str:
        return f"{_figures(campaign).shown:,}"

    @display(description="Clicks")
    def clicks(self, campaign: Campaign) -> str:
        return f"{_figures(campaign).clicked:,}"

    @display(description="Click rate")
    def click_rate(self, campaign: Campaign) -> str:
        return _percent(_figures(campaign).click_rate)

    @action(description="Switch on", permissions=["change"], icon="play_arrow")
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        _tell(request, queryset.update(active=True), "on")

    @action(description="Switch off", permissions=["change"], icon="pause")
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        _tell(request, queryset.update(active=False), "off")

    @action(description="Report as CSV", permissions=["view"], icon="download")
    def export_report(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        response = HttpResponse(csv_of(queryset), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="campaigns.csv"'
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        campaign = self.get_object(request, object_id) if request.method == "GET" else None
        if campaign is not None and self.has_view_permission(request, campaign):
            extra_context = (extra_context or {}) | told(campaign)
        return super().change_view(request, object_id, form_url, extra_context)


@admin.register(Charge)
class ChargeAdmin(ReadOnlyAdmin):
    list_display = ["charged_at", "campaign", "product", "surface", "amount"]
    list_select_related = ["campaign", "placement__product"]
    list_filter = [("campaign", AutocompleteSelectFilter)]
    list_filter_submit = True
    list_display_links = None
    date_hierarchy = "charged_at"
    ordering = ["-pk"]

    @display(description="Product")
    def product(self, charge: Charge) -> str:
        product = charge.placement.product
        return product.title[:80] if product else "deleted product"

    @display(description="Shown on")
    def surface(self, charge: Charge) -> str:
        return charge.placement.surface


@admin.register(Placement)
class PlacementAdmin(ReadOnlyAdmin):
    list_display = [
        "shown_at",
        "campaign",
        "product_shown",
        "surface",
        "relevance_shown",
        "price",
        "clicked_at",
        "paid",
    ]
    list_select_related = ["campaign", "product", "charge"]
    list_filter = [("campaign", AutocompleteSelectFilter), "surface"]
    list_filter_submit = True
    list_display_links = None
    ordering = ["-pk"]

    @display(description="Product")
    def product_shown(self, placement: Placement) -> str:
        return placement.product.title[:80] if placement.product else "deleted product"

    @display(description="Relevance", ordering="relevance")
    def relevance_shown(self, placement: Placement) -> str:
        return f"{placement.relevance:.2f}"

    @display(description="Charged", boolean=True)
    def paid(self, placement: Placement) -> bool:
        return hasattr(placement, "charge")


def told(campaign: Campaign) -> dict[str, Any]:
    """What the page of one campaign shows beside its form. A fixed number of queries."""
    days = report.by_day(campaign, DAYS_SHOWN)
    labels = [f"{day:%d %b}" for day in days]
    spending = [Line("spent", "new", [float(each.spent) for each in days.values()])]
    if campaign.daily_budget is not None:
        spending.append(Line("daily budget", "live", [float(campaign.daily_budget)] * len(days)))
    total = report.totals([campaign.pk])[campaign.pk]
    return {
        "campaign": campaign,
        "currency": settings.SHOP_CURRENCY,
        "total": total,
        "click_rate": _percent(total.click_rate),
        "surfaces": [
            {"name": name, "figures": each, "click_rate": _percent(each.click_rate)}
            for name, each in report.by_surface(campaign).items()
        ],
        "spend_chart": plot(spending, labels, f"Spent a day, {settings.SHOP_CURRENCY}") if total.charges else "",
        "views_chart": plot([Line("clicks", "new", [float(each.clicked) for each in days.values()]),
                             Line("shown", "loss", [float(each.shown) for each in days.values()])],
                            labels, "Shown and clicked a day") if total.shown else "",
    }  # fmt: skip


def csv_of(campaigns: Iterable[Campaign]) -> str:
    """A line for each campaign, safe to open in a spreadsheet; with a byte order mark, which that needs for UTF-8."""
    chosen = list(campaigns)
    figures = report.totals([campaign.pk for campaign in chosen])
    out = io.StringIO("\ufeff")
    out.seek(0, io.SEEK_END)
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for campaign in chosen:
        of = figures[campaign.pk]
        row = (
            campaign.name, campaign.store.name, campaign.state.label, campaign.starts_at.isoformat(),
            campaign.ends_at.isoformat() if campaign.ends_at else "", campaign.bid, campaign.budget, campaign.spent,
            of.shown, of.clicked, "" if of.click_rate is None else f"{of.click_rate:.4f}", of.charges,
        )  # fmt: skip
        writer.writerow([guarded(cell) for cell in row])
    return out.getvalue()


def _figures(campaign: Campaign) -> report.Figures:
    figures: report.Figures = campaign.figures  # type: ignore[attr-defined]
    return figures


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.2%}"


def _tell(request: HttpRequest, count: int, state: str) -> None:
    messages.success(request, f"Switched {count} {'campaign' if count == 1 else 'campaigns'} {state}.")
