"""What every page of the shop shows: its name, its departments, and whether anything is reduced today."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from catalog.hosts import name_of_shop
from catalog.models import Category
from catalog.selectors import promotions_at


def shop(request: HttpRequest) -> dict[str, Any]:
    """Lazy where it costs a query: the admin's and the REST pages' templates never ask."""
    return {
        "shop_name": name_of_shop(request),
        "departments": SimpleLazyObject(lambda: list(Category.objects.get_root_nodes().order_by("path")[:40])),
        "running_offers": SimpleLazyObject(lambda: list(promotions_at().order_by("-starts_at")[:3])),
    }
