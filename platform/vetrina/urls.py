"""Addresses: the shop's pages, the REST interface below /api/v1/, the admin, and what operators probe."""

from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from catalog.admin.on_site import view_on_site
from vetrina import health
from vetrina.monitoring.page import operations
from vetrina.second_factor import pages as second_factor
from vetrina.signing_in import staff_sign_in
from vetrina.uploads import uploaded

# Swagger styles its page inline. Its script has an address of its own, so that scripts stay as strict as elsewhere.
swagger = csp_update({"style-src": [SELF, UNSAFE_INLINE]})

api: list[Any] = [
    path("", include("catalog.api.urls")),
    path("", include("search.api.urls")),
    path("", include("recommend.api.urls")),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", require_safe(swagger(SpectacularSwaggerSplitView.as_view(url_name="schema"))), name="docs"),
]

handler500 = "vetrina.outage.server_error"

urlpatterns = [
    path("admin/login/", staff_sign_in),  # before the admin's own, which knows no limits
    path("admin/second-factor/", second_factor.staff_page(second_factor.second_factor_page), name="second-factor"),
    path("admin/second-factor/set-up/", second_factor.staff_page(second_factor.set_up), name="second-factor-set-up"),
    path("admin/second-factor/codes/", second_factor.staff_page(second_factor.new_codes), name="second-factor-codes"),
    path("admin/second-factor/off/", second_factor.staff_page(second_factor.turn_off), name="second-factor-off"),
    # Before the admin's own, which knows no shops.
    path("admin/r/<path:content_type_id>/<path:object_id>/", admin.site.admin_view(view_on_site), name="view_on_site"),
    path("admin/operations/", admin.site.admin_view(operations), name="operations"),
    path("admin/", admin.site.urls),
    path("api/v1/", include(api)),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("", include("recommend.urls", namespace="recommend")),
    path("", include("search.shop.urls", namespace="shop")),
]
if not settings.PRODUCTION:  # there a web server or an object store serves what was uploaded
    urlpatterns.insert(0, re_path(r"^media/(?P<path>.*)$", uploaded))
