"""How the admin looks."""

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.module_loading import import_string

from vetrina.navigation import NAVIGATION

UNFOLD = {
    "SITE_TITLE": "Vetrina",
    "SITE_HEADER": lambda request: import_string("catalog.hosts.name_of_shop")(request),
    "SITE_SUBHEADER": "Catalogue and search",
    "SITE_SYMBOL": "storefront",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "ENVIRONMENT": None,
    "ACCOUNT": {"navigation": [{"title": "Second factor", "link": reverse_lazy("second-factor")}]},
    "DASHBOARD_CALLBACK": "catalog.admin.dashboard.dashboard",
    "STYLES": [
        lambda request: static("catalog/admin.css"),
        lambda request: static("recommend/admin.css"),
        lambda request: static("search/admin.css"),
    ],
    "SIDEBAR": {"show_search": False, "navigation": NAVIGATION},
}
