""" "Not for me", and taking it back."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from catalog.models import Product
from catalog.selectors import published_products, with_skus
from recommend.events.drafts import EventDraft
from recommend.events.models import Event
from recommend.events.shoppers import shopper_of
from recommend.shop import privacy
from recommend.shop.pages import is_fragment, limited, said
from recommend.shop.telling import tell, where_shown


@require_POST
@limited
def not_for_me(request: HttpRequest) -> HttpResponse:
    """Record it, and put a way back in the card's place. The next answer of any surface leaves the product out."""
    product = _named(request)
    where = where_shown(request.GET)
    shopper = tell(request, [EventDraft(Event.Kind.NOT_FOR_ME, product_id=product.pk, **where)])
    if is_fragment(request):
        return render(request, "recommend/_gone.html", {"product": product, "remembered": shopper is not None})
    if shopper is None:
        return said(request, "To remember that, we need to remember you: see “You and your data”.", wrong=True)
    return said(request, f"{product.title} will not be recommended to you any more.")


@require_POST
@limited
def undo(request: HttpRequest) -> HttpResponse:
    """Take back what was said against a product: the events themselves go, as if they had never been."""
    product = _named(request)
    shopper = shopper_of(request, without_consent=True)
    if shopper is not None:
        privacy.take_back(shopper, product.pk)
    if is_fragment(request):
        return HttpResponse()
    return said(request, f"{product.title} may be recommended to you again.")


def _named(request: HttpRequest) -> Product:
    product = with_skus(published_products(), request.GET.get("sku", "")).first()
    if product is None:
        raise Http404("There is no such product.")
    return product
