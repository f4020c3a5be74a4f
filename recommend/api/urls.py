from django.urls import path

from recommend.api.events import EventsView
from recommend.api.views import RecommendationsView

urlpatterns = [
    path("events", EventsView.as_view(), name="events"),
    path("recommendations/<str:surface>", RecommendationsView.as_view(), name="recommendations"),
]
