"""The cart's pages: add, change, take out, and place the order."""

import logging
import uuid
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Product, Variant
from catalog.selectors import published_products, running_promotions, with_skus
from recommend.events.drafts import EventDraft
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import shopper_of
from recommend.shop.cart import Cart, CartError, ChoiceNeededError, Content, Line, line_of, priced
from recommend.shop.pages import is_fragment, limited, said
from recommend.shop.telling import tell, tell_of, where_shown

log = logging.getLogger(__name__)
MOST_AT_ONCE = 10
ORDERED = "ordered"  # the session's key of the last order


@require_safe
def cart_page(request: HttpRequest) -> HttpResponse:
    return render(request, "recommend/cart.html", _shown(Cart(request.session).content()))


@require_POST
@limited
def add(request: HttpRequest) -> HttpResponse:
    """Put one or several products in by sku. A product bought in sizes leads to its page, where one is chosen."""
    asked = request.GET.copy()
    asked.update(request.POST)  # a button carries its product in its address, the product's page in its fields
    skus = list(dict.fromkeys(sku for sku in asked.getlist("sku") if sku))[:MOST_AT_ONCE]
    named = with_skus(published_products(), *skus).select_related("category").prefetch_related("variants")
    products = {each.sku: each for each in named}
    if not skus or any(sku not in products for sku in skus):
        raise Http404("There is no such product.")
    variant = _variant(asked.get("variant", ""), products[skus[0]])
    cart = Cart(request.session)
    try:
        quantity = _quantity(asked.get("quantity", "1"), least=1)
    except CartError as error:
        return said(request, str(error), wrong=True)
    added: list[Line] = []
    wrong = ""
    promotions = running_promotions()
    for sku in skus:
        product = products[sku]
        chosen = variant if product is products[skus[0]] else None
        try:
            cart.add(product, chosen, quantity)
        except ChoiceNeededError as error:
            if len(skus) == 1:
                return _lead_to(request, product, str(error))
            wrong = str(error)
        except CartError as error:
            wrong = str(error)
        else:
            if line := line_of(product, chosen, quantity, promotions):
                added.append(line)
    where = where_shown(asked)
    tell(
        request,
        [
            EventDraft(Event.Kind.CART, product_id=each.product.pk, quantity=quantity, value=each.paid, **where)
            for each in added
        ],
    )
    sentence = f"{_names(added)} {'is' if len(added) == 1 else 'are'} in your cart." if added else ""
    return said(request, f"{sentence} {wrong}".strip(), wrong=not added, cart_changed=True, to_cart=added)


@require_POST
@limited
def change(request: HttpRequest) -> HttpResponse:
    """Set how many of a line are wanted; with 0, or by the button that takes it out, none."""
    key = request.POST.get("line", "")
    cart = Cart(request.session)
    before = cart.quantities.get(key)
    if before is None:
        return said(request, "That is not in your cart any more.", wrong=True, back=reverse("recommend:cart"))
    notes: list[str] = []
    try:
        cart.change(key, 0 if "remove" in request.POST else _quantity(request.POST.get("quantity", ""), least=0))
    except CartError as error:
        notes.append(str(error))
    after = cart.quantities.get(key, 0)
    if after != before:
        kind = Event.Kind.CART if after > before else Event.Kind.REMOVE
        line = priced(key, max(after, before))
        # What is not sold any more is taken out all the same, at no price.
        product_id, value = (line.product.pk, line.paid) if line else (int(key.partition("-")[0]), None)
        changed = abs(after - before)
        tell(request, [EventDraft(kind, product_id=product_id, quantity=changed, value=value, surface="cart")])
    if not is_fragment(request):
        sentence = notes[0] if notes else "Your cart is up to date."
        return said(request, sentence, wrong=bool(notes), back=reverse("recommend:cart"))
    content = cart.content()
    content.notes[:0] = notes
    return render(request, "recommend/_cart.html", {**_shown(content), "oob": True})


@require_POST
@limited
def place_order(request: HttpRequest) -> HttpResponse:
    """Hand the cart to the shop's checkout, or without one make a demonstration order of it.

    A demonstration order records the purchases, which share a basket, and changes neither stock nor money. A
    cart that had to be changed is shown again first, so that nobody orders what they did not see.
    """
    cart = Cart(request.session)
    content = cart.content()
    if not content.lines or content.notes:
        return render(request, "recommend/cart.html", _shown(content), status=409)
    basket = uuid.uuid4()
    if settings.SHOP_CHECKOUT:
        checkout = import_string(settings.SHOP_CHECKOUT)
        response: HttpResponse = checkout(request, content, basket)
        return response
    record_purchase(shopper_of(request, create=True), content, basket)
    request.session[ORDERED] = _receipt(content, basket)
    cart.clear()
    return redirect("recommend:ordered")


def record_purchase(shopper: Shopper | None, content: Content, basket: uuid.UUID) -> None:
    """Tell the event log what was bought, at the price that was paid for one; once, however often it is called.

    For checkouts too, which call it when the money is there. That may be in a request of the payment's provider, which
    carries no shopper's cookie: so they keep `shopper_of(request, create=True)` from when the order is placed.
    """
    tell_of(
        shopper,
        [
            EventDraft(
                Event.Kind.PURCHASE,
                event_id=uuid.uuid5(basket, line.key),
                product_id=line.product.pk,
                quantity=line.quantity,
                value=line.paid,
                basket=basket.hex,
                surface="cart",
            )
            for line in content.lines
        ],
    )


@require_safe
def ordered(request: HttpRequest) -> HttpResponse:
    receipt = request.session.get(ORDERED)
    if not receipt:
        return redirect("recommend:cart")
    return render(request, "recommend/ordered.html", {"receipt": receipt})


def _shown(content: Content) -> dict[str, Any]:
    return {"content": content, "demonstration": not settings.SHOP_CHECKOUT}


def _receipt(content: Content, basket: uuid.UUID) -> dict[str, Any]:
    """What the page after the order shows. In words, for the session holds nothing but JSON."""

    def told(line: Line) -> dict[str, Any]:
        return {
            "title": f"{line.product.title}, {line.variant.title}" if line.variant else line.product.title,
            "url": line.product.get_absolute_url(),
            "quantity": line.quantity,
            "total": str(line.total),
            "currency": line.product.currency,
        }

    totals = [{"amount": str(amount), "currency": currency} for currency, amount in content.totals.items()]
    return {"basket": basket.hex[:8].upper(), "lines": [told(line) for line in content.lines], "totals": totals}


def _variant(sku: str, product: Product) -> Variant | None:
    if not sku:
        return None
    found = next((each for each in product.variants.all() if each.sku == sku), None)
    if found is None:
        raise Http404("There is no such variant.")
    return found


def _quantity(text: str, *, least: int) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 5) or int(text) < least:
        raise CartError("How many would you like? A whole number, please.")
    return int(text)


def _lead_to(request: HttpRequest, product: Product, sentence: str) -> HttpResponse:
    """To the product's page, where a size or finish is chosen."""
    address = f"{product.get_absolute_url()}#choices"
    if not is_fragment(request):
        return HttpResponseRedirect(address)
    return HttpResponse(status=204, headers={"HX-Redirect": address})


def _names(lines: list[Line]) -> str:
    names = [line.product.title for line in lines]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
