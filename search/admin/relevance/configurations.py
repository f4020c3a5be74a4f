"""Drafts of how the search could rank, to be compared and tried before anything goes live."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from search.models import SearchConfiguration


@admin.register(SearchConfiguration)
class SearchConfigurationAdmin(ModelAdmin):
    list_display = ["name", "mode", "overrides_shown", "compared", "created_at"]
    list_before_template = "search/admin/relevance/configurations.html"
    fields = ["name", "mode", "overrides", "note"]
    search_fields = ["name", "note"]

    class Media:
        css = {"all": ["search/relevance.css"]}

    @display(description="Differs in")
    def overrides_shown(self, configuration: SearchConfiguration) -> str:
        return ", ".join(f"{name}: {value}" for name, value in configuration.overrides.items())[:120] or "nothing"

    @display(description="Compare")
    def compared(self, configuration: SearchConfiguration) -> SafeString:
        return format_html(
            '<a class="catalog-more" href="{}?{}">Side by side</a> · '
            '<a class="catalog-more" href="{}?{}">What would change</a>',
            reverse("admin:search_judgmentset_side_by_side"),
            urlencode({"b": configuration.name}),
            reverse("admin:search_comparisonrun_start"),
            urlencode({"b": configuration.name, "set": ""}),
        )
