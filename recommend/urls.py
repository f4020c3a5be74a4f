"""Fragments for the shop's pages; what programs read is below /api/v1/."""

from django.urls import path

from recommend.rows import row

app_name = "recommend"
urlpatterns = [path("rows/<str:surface>/<str:sku>", row, name="row")]
