"""The shopper's own page: what is known of them, and every switch and eraser for it."""

import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from django.conf import settings
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog.accounts import name_shown
from catalog.models import Product
from catalog.selectors import products_for_cards
from recommend.events import consent
from recommend.events.cleaning import KINDS
from recommend.events.history import Seen, past_of
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import all_behind, devices_of, key_of_stranger, shopper_of, unmerge, user_of
from recommend.privacy import consents
from recommend.privacy.exporting import export, of_browser
from recommend.privacy.subjects import Subject, of_shopper, of_user
from recommend.serving.log import WEIGHTS
from recommend.shop import privacy
from recommend.shop.cart import Cart
from recommend.shop.pages import is_fragment, limited, said
from search.shop.cards import Card, make_cards

ON_A_PAGE = 30
LOOKED_BACK = 200  # events that the interests are counted over
MOST_INTERESTS = 6
MOST_REFUSED = 24
CONSENT_SECONDS = 180 * 86_400  # then it is asked again


@dataclass(frozen=True)
class Interest:
    name: str
    url: str
    share: int  # percent of what counts


@dataclass(frozen=True)
class Happened:
    event: Event
    card: Card | None  # None for searches, and for what is not sold any more


@require_safe
def you(request: HttpRequest) -> HttpResponse:
    shopper = shopper_of(request, without_consent=True)
    page = _page(request, shopper)
    past = past_of(shopper, LOOKED_BACK)
    refused = privacy.refused_products(shopper, past.rejected) if shopper else []
    context = {
        "shopper": shopper,
        "stranger": shopper is None and key_of_stranger(request, make=False)[0],
        "remembered": consent.consent_of(request),
        "page": page,
        "happened": _with_cards(list(page.object_list)) if page else [],
        "interests": _interests(past.seen),
        "hidden": make_cards(products_for_cards(refused[:MOST_REFUSED])),
        "hidden_besides": max(0, len(refused) - MOST_REFUSED),
        "placements": privacy.placements_of(shopper).count() if shopper else 0,
        "devices": [each for each in devices_of(shopper) if each.merged_into_id] if shopper else [],
        "signed_in_as": name_shown(request.user.get_username()),
        "basket": bool(Cart(request.session).count),
        "retention_days": settings.EVENT_RETENTION_DAYS,
    }
    response = render(request, "recommend/you.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def _page(request: HttpRequest, shopper: Shopper | None) -> Page[Event] | None:
    if shopper is None:
        return None
    return Paginator(privacy.events_of(shopper), ON_A_PAGE).get_page(request.GET.get("page"))


def _with_cards(events: Sequence[Event]) -> list[Happened]:
    products = products_for_cards([each.product_id for each in events if each.product_id])
    cards = {card.product.pk: card for card in make_cards(products)}
    return [Happened(each, cards.get(each.product_id or 0)) for each in events]


def _interests(seen: Sequence[Seen]) -> list[Interest]:
    """The categories of what was done lately, each event with the weight that it has where demand is counted.

    A summary for the shopper. Recommendations start from the events themselves, and from the interests that are found
    among them by likeness (`recommend.serving.serve.interests_in`), which have no names.
    """
    products = Product.objects.select_related("category").in_bulk({each.product_id for each in seen})
    counted: dict[tuple[str, str], float] = defaultdict(float)
    for each in seen:
        product = products.get(each.product_id)
        if product and product.category:
            counted[product.category.name, product.category.get_absolute_url()] += float(WEIGHTS[KINDS[each.kind]])
    total = sum(counted.values())
    strongest = sorted(counted, key=lambda each: -counted[each])[:MOST_INTERESTS]
    return [Interest(name, url, max(1, round(100 * counted[name, url] / total))) for name, url in strongest]


@require_POST
def personalised(request: HttpRequest) -> HttpResponse:
    """Switch personal recommendations and order on or off."""
    wanted = request.GET.get("to") == "on"
    shopper = shopper_of(request, create=True)
    if shopper is None:
        return said(request, "Nothing is personal while you are not remembered.", wrong=wanted)
    Shopper.objects.filter(pk=shopper.pk).update(personalised=wanted)
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return said(request, f"Personal recommendations are {'on' if wanted else 'off'}.")


@require_POST
@limited
def remember(request: HttpRequest) -> HttpResponse:
    """Give or withdraw the consent to be remembered; what was remembered goes with it."""
    given = request.GET.get("to") == "yes"
    if given:
        consents.given(request)
        response = said(request, "Thank you. Recommendations will follow what you look at.")
    else:
        consents.withdrawn(request)
        for shopper in all_behind(request):
            privacy.forget_all(shopper)
        if (stranger := key_of_stranger(request, make=False)[0]) is not None:
            privacy.forget_stranger(stranger)
        response = said(request, "You are not remembered here, and what we knew is deleted.")
    if is_fragment(request):
        response = HttpResponse(status=204, headers={"HX-Refresh": "true"})
    response.set_cookie(
        consent.COOKIE,
        consent.GIVEN if given else consent.REFUSED,
        max_age=CONSENT_SECONDS,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """Delete one event, or with none named all of them."""
    back = reverse("recommend:you")
    shopper = shopper_of(request, without_consent=True)
    if shopper is None:
        return said(request, "There is nothing to forget.", back=back)
    named = request.GET.get("event", "")
    if not named:
        gone = privacy.forget_all(shopper)
        response = said(request, f"Forgotten: {gone} entr{'y' if gone == 1 else 'ies'}. We start anew.", back=back)
        if is_fragment(request):
            response = HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return response
    try:
        gone = privacy.forget_event(shopper, uuid.UUID(named))
    except ValueError:
        gone = 0
    if is_fragment(request):
        return HttpResponse()  # the line leaves the list
    return said(request, "That is forgotten." if gone else "That was forgotten already.", back=back)


@require_POST
def separate(request: HttpRequest) -> HttpResponse:
    """Take a device out of the account again; what was done on it stays with the device."""
    back = reverse("recommend:you")
    shopper = shopper_of(request, without_consent=True)
    text = request.GET.get("device", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    if shopper is not None:
        unmerge(get_object_or_404(Shopper, pk=number, merged_into=shopper))
    return said(request, "That device is on its own again.", back=back)


@require_safe
def download(request: HttpRequest) -> StreamingHttpResponse | HttpResponseRedirect:
    """All of it, one JSON object a line."""
    shopper, user = shopper_of(request, without_consent=True), user_of(request)
    here = [] if isinstance(user, User) else list(of_browser(request.session))
    if shopper is not None:
        subject = of_shopper(shopper)
    elif isinstance(user, User):
        subject = of_user(user)
    elif (stranger := key_of_stranger(request, make=False)[0]) is not None:
        subject = Subject(strangers=(stranger,))
    elif here:
        subject = Subject()
    else:
        return HttpResponseRedirect(reverse("recommend:you"))
    lines = (json.dumps(row, default=str, ensure_ascii=False) + "\n" for row in chain(here, export(subject)))
    response = StreamingHttpResponse(lines, content_type="application/jsonl; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="my-history.jsonl"'
    response["Cache-Control"] = "private, no-store"
    return response
