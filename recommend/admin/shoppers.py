"""Shoppers. People look; all that they change is a merge taken back, or a history forgotten."""

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action, display

from recommend.admin.events import OfShoppers
from recommend.events import shoppers
from recommend.events.models import Event, Shopper
from recommend.privacy.erasing import erase
from recommend.privacy.models import Erasure
from recommend.privacy.subjects import of_shopper
from recommend.shop import privacy

SHOWN = 100  # events on a shopper's page


class ShopperKindFilter(DropdownFilter):
    title = "kind"
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [
            ("account", "Accounts"),
            ("device", "Devices of nobody known"),
            ("merged", "Devices of an account"),
            ("apart", "Devices taken apart again"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        conditions = {
            "account": Q(user__isnull=False),
            "device": Q(user=None, merged_into=None, merged_at=None),
            "merged": Q(merged_into__isnull=False),
            "apart": Q(merged_into=None, merged_at__isnull=False),
        }
        chosen = conditions.get(self.value() or "")
        return queryset.filter(chosen) if chosen else queryset


@admin.register(Shopper)
class ShopperAdmin(OfShoppers):
    list_display = ["shopper", "state", "devices", "events", "last_seen", "personalised", "created_at"]
    list_filter = [ShopperKindFilter, "personalised"]
    list_select_related = ["user", "merged_into__user"]
    ordering = ["-pk"]
    list_per_page = 50
    search_fields = ["user__username", "user__email"]
    search_help_text = "Name or e-mail of an account, or the whole key of a device"
    fields = ["key", "user", "merged_into", "merged_at", "personalised", "created_at"]
    actions = ["take_apart", "forget", "erase"]
    change_form_before_template = "recommend/admin/shopper.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shopper]:
        own = Event.objects.filter(shopper=OuterRef("pk")).order_by()
        counted = own.values("shopper").annotate(number=Count("pk")).values("number")
        last = own.order_by("-happened_at").values("happened_at")[:1]
        merged = Shopper.objects.filter(merged_into=OuterRef("pk")).order_by().values("merged_into")
        return (
            super()
            .get_queryset(request)
            .annotate(
                own_events=Subquery(counted),
                own_last=Subquery(last),
                own_devices=Subquery(merged.annotate(number=Count("pk")).values("number")),
            )
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        try:
            return queryset.filter(key=uuid.UUID(search_term.strip())), False
        except ValueError:
            return super().get_search_results(request, queryset, search_term)

    def has_merge_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("recommend.change_shopper")

    def has_forget_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("recommend.delete_shopper")

    @display(description="Shopper")
    def shopper(self, shopper: Shopper) -> str:
        return str(shopper)

    @display(
        description="State", label={"account": "success", "device": "info", "merged": "default", "apart": "warning"}
    )
    def state(self, shopper: Shopper) -> tuple[str, str]:
        if shopper.user_id:
            return "account", "account"
        if shopper.merged_into is not None:
            return "merged", f"of {shopper.merged_into}"
        return ("apart", "taken apart") if shopper.merged_at else ("device", "device")

    @display(description="Devices")
    def devices(self, shopper: Shopper) -> str:
        return f"{shopper.own_devices:,}" if shopper.own_devices else "–"  # type: ignore[attr-defined]

    @display(description="Events")
    def events(self, shopper: Shopper) -> SafeString | str:
        if not shopper.own_events:  # type: ignore[attr-defined]
            return "–"
        address = f"{reverse('admin:recommend_event_changelist')}?shopper={shopper.pk}"
        return format_html('<a href="{}">{}</a>', address, f"{shopper.own_events:,}")  # type: ignore[attr-defined]

    @display(description="Last seen")
    def last_seen(self, shopper: Shopper) -> Any:
        return shopper.own_last or "–"  # type: ignore[attr-defined]

    @action(description="Take the merge back", permissions=["merge"], icon="call_split")
    def take_apart(self, request: HttpRequest, queryset: QuerySet[Shopper]) -> None:
        _say(request, sum(shoppers.unmerge(each) for each in queryset), "merge", "taken back")

    @action(description="Forget what they did", permissions=["forget"], icon="delete_forever")
    def forget(self, request: HttpRequest, queryset: QuerySet[Shopper]) -> None:
        _say(request, sum(privacy.forget_all(each) for each in queryset), "event", "deleted")

    @action(description="Erase them, with their account", permissions=["forget"], icon="person_remove")
    def erase(self, request: HttpRequest, queryset: QuerySet[Shopper]) -> None:
        gone: set[int] = set()
        erased = 0
        for each in queryset:  # two of them may be one person
            if each.pk not in gone:
                subject = of_shopper(each)
                erase(subject, by=Erasure.By.ADMINISTRATOR)
                gone.update(subject.ids)
                erased += 1
        _say(request, erased, "shopper", "erased, with all devices and the account")

    def get_urls(self) -> list[URLPattern]:
        wrap: Callable[..., Any] = self.admin_site.admin_view
        own = [("take-apart", self.take_apart_view), ("forget", self.forget_view)]
        return [
            path(f"<int:pk>/{at}/", wrap(require_POST(view)), name=f"recommend_shopper_{at.replace('-', '_')}")
            for at, view in own
        ] + super().get_urls()

    def take_apart_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_merge_permission(request):
            raise PermissionDenied
        device = get_object_or_404(Shopper, pk=pk)
        root = device.merged_into_id or pk
        _say(request, shoppers.unmerge(device), "merge", "taken back")
        return HttpResponseRedirect(reverse("admin:recommend_shopper_change", args=[root]))

    def forget_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_forget_permission(request):
            raise PermissionDenied
        _say(request, privacy.forget_all(get_object_or_404(Shopper, pk=pk)), "event", "deleted")
        return HttpResponseRedirect(reverse("admin:recommend_shopper_changelist"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shopper = self.get_object(request, object_id)
        if shopper is not None and self.has_view_permission(request, shopper):
            devices = shoppers.devices_of(shopper)
            events = Event.objects.filter(shopper__in=devices).select_related("product")
            extra_context = (extra_context or {}) | {
                "shopper": shopper,
                "devices": [each for each in devices if each.merged_into_id],
                "events": events.order_by("-happened_at", "-pk")[:SHOWN],
                "may_merge": self.has_merge_permission(request),
                "may_forget": self.has_forget_permission(request),
            }
        return super().change_view(request, object_id, form_url, extra_context)


def _say(request: HttpRequest, number: int, what: str, done: str) -> None:
    if number:
        messages.success(request, f"{int(number):,} {what}{'' if number == 1 else 's'} {done}.")
    else:
        messages.warning(request, f"There was no {what} to be {done}.")
