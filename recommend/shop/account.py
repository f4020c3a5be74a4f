"""Signing up, in and out, so that one shopper on two devices is one. Staff sign in to the admin on its own page."""

from typing import Any

from django import forms
from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from catalog.accounts import name_here, name_shown
from catalog.audit.signing_in import locked_out
from catalog.second_factor import has_device
from recommend.events.shoppers import shopper_of
from recommend.shop import attempts
from recommend.shop.pages import said, way_back

LONGEST_NAME = 150  # as Django keeps names


class SignInForm(AuthenticationForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail"
        _style(self)

    def clean_username(self) -> str:
        # Accounts made here are named by their address in lower case; one that staff made may have capitals.
        name: str = self.cleaned_data["username"]
        return name if User.objects.filter(username=name).exists() else name.lower()


class SignUpForm(UserCreationForm):
    username = forms.EmailField(
        label="E-mail", max_length=150, widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )

    class Meta(UserCreationForm.Meta):
        model = User

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password2"].help_text = ""
        _style(self)

    def clean_username(self) -> str:
        self.cleaned_data["username"] = name_here(self.cleaned_data["username"].lower())
        if len(self.cleaned_data["username"]) > LONGEST_NAME:
            raise forms.ValidationError("This address is too long.")
        return str(super().clean_username())

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit=False)
        user.email = name_shown(user.username)
        if commit:
            user.save()
        return user


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    form = SignInForm(request, request.POST or None)
    return _account_page(request, form, "recommend/sign_in.html")


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    form = SignUpForm(request.POST or None)
    return _account_page(request, form, "recommend/sign_up.html")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return said(request, "You are signed out.")


def _account_page(request: HttpRequest, form: SignInForm | SignUpForm, template: str) -> HttpResponse:
    back = way_back(request, "recommend:you")
    if request.user.is_authenticated:
        return HttpResponseRedirect(back)
    status = 200
    if request.method == "POST":
        if not _may_try(request, form):
            form.add_error(None, "That were many attempts in a minute. Please wait a little.")
            status = 429
        elif form.is_valid():
            # The device's history joins the account's, if the device may be remembered.
            user = form.get_user() if isinstance(form, SignInForm) else form.save()
            login(request, user)
            shopper_of(request, create=True)
            response = HttpResponseRedirect(back)
            if not (user.is_staff and has_device(user)):
                attempts.know(response, name_shown(user.get_username()))
            return response
        else:
            status = 400
    return render(request, template, {"form": form, "next": back}, status=status)


def _may_try(request: HttpRequest, form: SignInForm | SignUpForm) -> bool:
    if isinstance(form, SignUpForm):
        return attempts.may_try(request)
    try:
        name: str = form.fields["username"].clean(request.POST.get("username", ""))
    except forms.ValidationError:  # which the form tells of
        name = ""
    if not attempts.may_try(request, name):
        locked_out(request, name)
        return False
    return True


def _style(form: forms.Form | forms.ModelForm) -> None:
    for field in form.fields.values():
        field.widget.attrs["class"] = "field"
