"""People and groups, in the look of the rest. Keys are in `catalog.admin.keys`."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework_api_key.models import APIKey
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from catalog import second_factor
from catalog.accounts import of_this_shop, works_elsewhere
from catalog.tenancy import current_shop_id

# Devices hold the secrets of second factors, which nobody but an authenticator app is shown.
for model in (User, Group, APIKey, TOTPDevice, StaticDevice):
    admin.site.unregister(model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_staff", "is_superuser", "last_login"]

    def get_queryset(self, request: HttpRequest) -> Any:
        people = super().get_queryset(request)
        return people if request.user.is_superuser else of_this_shop(people)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if settings.MULTI_SHOP and not change:  # whom somebody adds here works here
            form.instance.shops.add(current_shop_id())

    actions = ["reset_second_factor"]

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    @action(description="Reset the second factor", permissions=["reset"], icon="lock_reset")
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        count = sum(second_factor.turn_off(user, "second factor reset") for user in queryset)
        messages.success(
            request, f"{count:,} {'account has' if count == 1 else 'accounts have'} no second factor any more."
        )

    # Who may change people could else make themselves a superuser, or set a superuser's password and sign in as one.

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else [*fields, "is_superuser"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)


def _may_touch(request: HttpRequest, person: User | None) -> bool:
    if person is None or request.user.is_superuser:
        return True
    return not person.is_superuser and not works_elsewhere(person)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """What a group may do, it may do in every shop: where there are several, only superusers decide about it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and _may_decide_for_all(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_decide_for_all(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_decide_for_all(request)


def _may_decide_for_all(request: HttpRequest) -> bool:
    return request.user.is_superuser or not settings.MULTI_SHOP
