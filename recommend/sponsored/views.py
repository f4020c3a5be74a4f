"""Where the links of sponsored products lead: on to the product, and into the ledger on the way."""

import logging
import uuid

from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Product
from recommend.events.models import Event
from recommend.sponsored import ledger
from recommend.sponsored.models import Placement
from recommend.sponsored.visits import by_a_person, navigates, within_limit

log = logging.getLogger(__name__)


@require_safe
def go(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Lead to the product, and charge for the click if a person made it. Whatever the ledger says, the way is free."""
    placement = Placement.objects.filter(key=key).select_related("product").first()
    if placement is None or placement.product is None:
        raise Http404("This link has expired.")
    product = placement.product
    # Nobody pays for a click that leads to a page which says that the product is gone.
    if product.status == Product.Status.PUBLISHED and navigates(request) and _counts(request, Event.Kind.CLICK, key):
        try:
            ledger.clicked(key)
        except DatabaseError:
            log.exception("The click on placement %s could not be charged", key)
    response = HttpResponseRedirect(product.get_absolute_url())
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@csrf_exempt  # sent by navigator.sendBeacon; the key is what the sender must know
@require_POST
def seen(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Charge for a view, where the campaign pays for views. One answer in every case: there is nothing to be learnt."""
    if _counts(request, Event.Kind.VIEW, key):
        try:
            ledger.seen(key)
        except DatabaseError:
            log.exception("The view of placement %s could not be charged", key)
    return HttpResponse(status=204)


def _counts(request: HttpRequest, kind: Event.Kind, key: uuid.UUID) -> bool:
    return by_a_person(request) and within_limit(request, kind, key)
