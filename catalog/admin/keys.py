"""API keys: made, replaced and revoked here, and shown once."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from catalog.models import ApiKey, Scope
from catalog.models.keys import written
from catalog.services import keys

STATES = {"active": "success", "unused": "info", "expiring": "warning", "expired": "danger", "revoked": "danger"}


class KeyStateFilter(SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each, each.capitalize()) for each in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        # A shop has dozens of keys; what their state is, is said in one place.
        if self.value() not in STATES:
            return queryset
        return queryset.filter(pk__in=[key.pk for key in ApiKey.objects.all() if key.state == self.value()])


class ScopeFilter(SimpleListFilter):
    title, parameter_name = "scope", "with_scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each.value, each.value) for each in Scope]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        wanted = self.value()
        return queryset.filter(scope__contains=wanted) if wanted and wanted in Scope.values else queryset


class ApiKeyForm(forms.ModelForm):
    scope = forms.MultipleChoiceField(
        label="Scopes",
        choices=[(each.value, f"{each.value} – {each.label}") for each in Scope],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Give a key no more than its system needs. Writing includes seeing what is not in the shop.",
    )

    class Meta:
        model = ApiKey
        fields = ["name", "scope", "store", "expiry_date"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["scope"] = self.instance.scope.split()
        elif settings.API_KEY_DAYS and "expiry_date" in self.fields:
            self.initial.setdefault("expiry_date", timezone.now() + timedelta(days=settings.API_KEY_DAYS))

    def clean_scope(self) -> str:
        return written(self.cleaned_data["scope"])


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    form = ApiKeyForm
    list_display = ["name", "prefix", "scopes_shown", "store_shown", "state_shown", "used", "expires", "created_by"]
    list_filter = [KeyStateFilter, ScopeFilter]
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ["store", "created_by"]
    list_after_template = "catalog/admin/no_keys.html"
    search_fields = ["name", "prefix"]
    autocomplete_fields = ["store"]
    actions = ["rotate", "revoke"]
    fieldsets = [
        (None, {"fields": ["name", "scope", "store", "expiry_date"]}),
        ("Its life", {"fields": ["prefix", "state", "created", "created_by", "last_used_at", "rotated_from"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj else self.fieldsets[:1]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        shown = ["prefix", "state", "created", "created_by", "last_used_at", "rotated_from"]
        # One that has ended does not come back.
        return shown if obj is None or obj.is_usable else [*shown, "name", "scope", "store", "expiry_date"]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=form.changed_data)  # not when it was last used, which is written meanwhile
            return
        self._show(request, obj, keys.make(obj, by=request.user))  # type: ignore[arg-type]

    @display(description="Scopes")
    def scopes_shown(self, key: ApiKey) -> str:
        return key.scope.replace(" ", ", ") or "none"

    @display(description="Store", ordering="store__name")
    def store_shown(self, key: ApiKey) -> str:
        return str(key.store) if key.store_id else "all"

    @display(description="State", label=STATES)
    def state_shown(self, key: ApiKey) -> str:
        return key.state

    @display(description="Last used", ordering="last_used_at")
    def used(self, key: ApiKey) -> str:
        return f"{timesince(key.last_used_at, depth=1)} ago" if key.last_used_at else "never"

    @display(description="Expires", ordering="expiry_date")
    def expires(self, key: ApiKey) -> str:
        return f"{key.expiry_date:%Y-%m-%d %H:%M}" if key.expiry_date else "never"

    @action(description="Replace by a new key", permissions=["add", "change"], icon="autorenew")
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        grace = timedelta(hours=settings.API_KEY_GRACE_HOURS)
        for key_id in list(queryset.order_by("pk").values_list("pk", flat=True)):
            try:
                new, text = keys.rotate(key_id, grace, by=request.user)  # type: ignore[arg-type]
            except keys.RotationError as error:
                messages.error(request, str(error))
            else:
                self._show(request, new, text)
                until = new.rotated_from and new.rotated_from.expiry_date
                messages.info(request, f"The old key “{new}” works until {until:%Y-%m-%d %H:%M} UTC.")

    @action(description="Revoke", permissions=["change"], icon="block")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        count = keys.revoke(list(queryset.values_list("pk", flat=True)))
        messages.success(request, f"{count:,} {'key is' if count == 1 else 'keys are'} revoked.")

    @staticmethod
    def _show(request: HttpRequest, key: ApiKey, text: str) -> None:
        messages.warning(request, f"The new key “{key}” is {text} – keep it now: it is not shown again.")
