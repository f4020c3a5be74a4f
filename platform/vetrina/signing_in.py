"""The admin's sign-in, behind the same limits as the shop's: see `recommend.shop.attempts`."""

from django.contrib import admin, messages
from django.contrib.auth.forms import UsernameField
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from catalog.audit.signing_in import locked_out
from catalog.second_factor import has_device
from recommend.shop import attempts

SENTENCE = "That were many attempts in a short time. Please wait a little."


@sensitive_post_parameters()
@never_cache
def staff_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in to the admin. Too many attempts answer 429, before a password is looked at."""
    tried, name = request.method == "POST", _name(request)
    if tried and not attempts.may_try(request, name):
        locked_out(request, name)
        messages.error(request, SENTENCE)
        request.method = "GET"  # the form, shown anew
        response = admin.site.login(request)
        response.status_code = 429
        return response
    response = admin.site.login(request)
    if tried and request.user.is_authenticated and response.status_code == 302 and not has_device(request.user):
        # With a second factor the device is known only after the code; see vetrina.second_factor.
        attempts.know(response, request.user.get_username())
    return response


def _name(request: HttpRequest) -> str:
    """The name as the form will read it: of one account all ways to write it count together."""
    try:
        return str(UsernameField(required=False).clean(request.POST.get("username", "")))
    except ValidationError:  # which the form tells of
        return ""
