from django.urls import path

from recommend.api.views import RecommendationsView

urlpatterns = [path("recommendations/<str:surface>", RecommendationsView.as_view(), name="recommendations")]
