"""Being erased: everything that is known of who asks goes, the account too."""

from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from recommend.events.shoppers import all_behind, key_of_stranger, part_from_device, user_of
from recommend.privacy.erasing import erase as erase_subject
from recommend.privacy.models import Erasure
from recommend.privacy.subjects import Subject, of_shopper, of_user
from recommend.shop import attempts
from recommend.shop.pages import limited, said


@sensitive_post_parameters("password")
@require_POST
@limited
def erase(request: HttpRequest) -> HttpResponse:
    """Erase all who stand behind this browser, and end the session. An account's owner says the password again."""
    back = reverse("recommend:you")
    user = user_of(request)
    account = user if isinstance(user, User) else None
    if account is not None and account.has_usable_password():
        if not attempts.may_try(request, account.get_username()):
            return said(request, "That were many attempts in a minute. Please wait a little.", wrong=True, back=back)
        if not account.check_password(request.POST.get("password", "")):
            return said(request, "That is not the password of this account. Nothing was erased.", wrong=True, back=back)
    subjects = [of_user(account)] if account is not None else []
    known = {pk for subject in subjects for pk in subject.ids}
    subjects += [of_shopper(each) for each in all_behind(request) if each.pk not in known]
    if (stranger := key_of_stranger(request, make=False)[0]) is not None:
        subjects.append(Subject(strangers=(stranger,)))
    for subject in subjects:
        erase_subject(subject, by=Erasure.By.SHOPPER)
    logout(request)  # with the session goes the cart
    part_from_device(request)
    response = said(request, "You are erased: we know nothing of you any more.", back=back)
    response.delete_cookie(attempts.COOKIE, samesite="Lax")
    return response
