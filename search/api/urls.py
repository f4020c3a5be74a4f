from django.urls import path

from search.api.views import SearchView, SuggestHistoryView, SuggestView

urlpatterns = [
    path("search", SearchView.as_view(), name="search"),
    path("suggest", SuggestView.as_view(), name="suggest"),
    path("suggest/history", SuggestHistoryView.as_view(), name="suggest-history"),
]
