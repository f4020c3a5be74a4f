"""Asking for the code, setting a second factor up, making new recovery codes, and turning it off."""

from collections.abc import Callable
from typing import Any

import django_otp
import qrcode
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST
from qrcode.image.svg import SvgPathImage
from unfold.widgets import UnfoldAdminTextInputWidget

from catalog import audit, second_factor
from catalog.second_factor import WrongCode
from recommend.shop import attempts
from vetrina.signing_in import SENTENCE

TEMPLATES = "vetrina/second_factor"
SECRET = "second_factor_secret"  # noqa: S105  of the session, until a code has confirmed it


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=32,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )

    def __init__(self, *args: Any, label: str = "Code", hint: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label, self.fields["code"].help_text = label, hint


ASK = {"label": "Code", "hint": "Six digits of your authenticator app, or one of your recovery codes."}


def staff_page(view: Callable[[HttpRequest], HttpResponse]) -> Any:
    """For staff who are signed in, whether or not they gave their code."""
    return admin.site.admin_view(sensitive_post_parameters("code")(view))


@require_http_methods(["GET", "HEAD", "POST"])
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """Ask for the code; for those who gave it, show what can be done with the second factor."""
    user: Any = request.user
    if not second_factor.has_device(user):
        return HttpResponseRedirect(reverse("second-factor-set-up"))
    if user.is_verified():
        return _manage(request)
    form = CodeForm(request.POST if request.method == "POST" else None, **ASK)
    back = _way_back(request)
    status = 200
    if request.method == "POST":
        device, status = _checked(request, form)
        if device is not None:
            request.session.cycle_key()  # what the session was called before it had this right is worth nothing
            django_otp.login(request, device)
            response = HttpResponseRedirect(back)
            attempts.know(response, user.get_username())
            return response
    return _page(request, "code", {"title": "Second factor", "form": form, "next": back}, status)


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("secret", "codes")
def set_up(request: HttpRequest) -> HttpResponse:
    """Show the secret as picture and text, and take the code that proves that the app has it."""
    user: Any = request.user
    if second_factor.has_device(user):
        return HttpResponseRedirect(reverse("second-factor"))
    secret = request.session.get(SECRET) or second_factor.new_secret()
    form = CodeForm(
        request.POST if request.method == "POST" else None,
        label="Code",
        hint="Six digits that the app shows for this account.",
    )
    status = 200
    if request.method == "POST":
        status = 400
        if not _may_try(request, form):
            status = 429
        elif SECRET not in request.session:
            form.add_error(None, "This page was open for too long. Here is a new secret: scan it again.")
        elif form.is_valid():
            try:
                codes = second_factor.set_up(user, secret, form.cleaned_data["code"])
            except WrongCode as error:
                form.add_error("code", str(error))
            else:
                del request.session[SECRET]
                request.session.cycle_key()
                django_otp.login(request, second_factor.app_of(user))
                return _codes(request, codes)
    request.session[SECRET] = secret
    context = {
        "title": "Set up a second factor",
        "form": form,
        "picture": _picture(second_factor.address_of(user, secret)),
        "secret": second_factor.typed(secret),
        "required": settings.STAFF_SECOND_FACTOR == "required",
    }
    return _page(request, "set_up", context, status)


@require_POST
@sensitive_variables("codes")
def new_codes(request: HttpRequest) -> HttpResponse:
    """Replace the recovery codes, for who has a code of the app at hand."""
    user: Any = request.user
    if not user.is_verified():
        return HttpResponseRedirect(reverse("second-factor"))
    form = CodeForm(request.POST, **ASK)
    device, status = _checked(request, form)
    if device is None:
        return _manage(request, form, status)
    codes = second_factor.new_codes(user)
    django_otp.login(request, second_factor.app_of(user))  # the recovery codes that let this session in are gone
    return _codes(request, codes)


@require_POST
def turn_off(request: HttpRequest) -> HttpResponse:
    """Delete the second factor, for who has a code at hand, where none is required."""
    user: Any = request.user
    if not user.is_verified():
        return HttpResponseRedirect(reverse("second-factor"))
    form = CodeForm(request.POST, **ASK)
    if settings.STAFF_SECOND_FACTOR == "required":
        form.add_error(None, "Here everybody of the staff has a second factor; a superuser can reset yours.")
        return _manage(request, form, 400)
    device, status = _checked(request, form)
    if device is None:
        return _manage(request, form, status)
    second_factor.turn_off(user)
    messages.success(request, "Your second factor is off.")
    return HttpResponseRedirect(reverse("admin:index"))


def _checked(request: HttpRequest, form: CodeForm) -> tuple[Any, int]:
    """The device whose code was sent, and the status of the answer where there is none; the form says why."""
    user: Any = request.user
    if not _may_try(request, form):
        return None, 429
    if not form.is_valid():
        return None, 400
    try:
        return second_factor.verify(user, form.cleaned_data["code"]), 200
    except WrongCode as error:
        form.add_error("code", str(error))
        return None, 400


def _may_try(request: HttpRequest, form: CodeForm) -> bool:
    user: Any = request.user
    if attempts.may_try(request, user.get_username()):
        return True
    form.add_error(None, SENTENCE)
    audit.signing_in.locked_out(request, user.get_username())
    return False


def _manage(request: HttpRequest, form: CodeForm | None = None, status: int = 200) -> HttpResponse:
    context = {
        "title": "Second factor",
        "form": form or CodeForm(**ASK),
        "left": second_factor.codes_left(request.user),  # type: ignore[arg-type]
        "required": settings.STAFF_SECOND_FACTOR == "required",
    }
    return _page(request, "manage", context, status)


def _codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return _page(request, "codes", {"title": "Recovery codes", "codes": codes}, 200)


def _page(request: HttpRequest, name: str, context: dict[str, Any], status: int) -> HttpResponse:
    context = {**admin.site.each_context(request), **context}
    return TemplateResponse(request, f"{TEMPLATES}/{name}.html", context, status=status)


def _way_back(request: HttpRequest) -> str:
    asked = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return asked if safe else reverse("admin:index")


def _picture(address: str) -> SafeString:
    """A QR code as SVG, drawn here: the secret goes to no other service, and to no other address."""
    image = qrcode.make(address, image_factory=SvgPathImage, box_size=10, border=4)
    return mark_safe(image.to_string(encoding="unicode"))  # noqa: S308  drawn by us, of squares alone
