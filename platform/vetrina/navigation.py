"""The admin's sidebar. An entry is shown to those who may see what it leads to."""

from django.conf import settings
from django.urls import reverse_lazy


def _list(title: str, icon: str, model: str) -> dict[str, object]:
    """The list of a model, which is named as in permissions: "catalog.product"."""
    app, _, name = model.partition(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{name}"),
    }


NAVIGATION = [
    {
        "title": "Catalogue",
        "items": [
            {"title": "Dashboard", "icon": "dashboard", "link": reverse_lazy("admin:index")},
            _list("Products", "inventory_2", "catalog.product"),
            _list("Duplicates", "content_copy", "search.duplicatepair"),
            _list("Categories", "account_tree", "catalog.category"),
            _list("Brands", "verified", "catalog.brand"),
            _list("Stores", "store", "catalog.store"),
            _list("Tags", "sell", "catalog.tag"),
        ],
    },
    {
        "title": "Merchandising",
        "separator": True,
        "items": [
            _list("Promotions", "percent", "catalog.promotion"),
            _list("Search rules", "rule_settings", "search.rule"),
            _list("Synonyms", "compare_arrows", "search.synonym"),
            _list("Collections", "bookmarks", "catalog.collection"),
            _list("Campaigns", "campaign", "recommend.campaign"),
            _list("Charges", "receipt_long", "recommend.charge"),
        ],
    },
    {
        "title": "Recommendations",
        "separator": True,
        "items": [
            _list("Models", "model_training", "recommend.modelversion"),
            _list("Trainings", "history", "recommend.trainingrun"),
            _list("Shoppers", "group", "recommend.shopper"),
            _list("Events", "timeline", "recommend.event"),
        ],
    },
    {
        "title": "Search analytics",
        "separator": True,
        "items": [
            {
                "title": "Report",
                "icon": "monitoring",
                "link": reverse_lazy("admin:search_loggedsearch_report"),
                "permission": lambda request: request.user.has_perm("search.view_popularquery"),
            },
            _list("Popular queries", "trending_up", "search.popularquery"),
            _list("Experiments", "science", "search.experiment"),
            {
                **_list("Searches", "manage_search", "search.loggedsearch"),
                "active": lambda request: "/search/loggedsearch/" in request.path and "/report/" not in request.path,
            },
        ],
    },
    {
        "title": "Relevance",
        "separator": True,
        "items": [
            _list("Rankings", "leaderboard", "search.rankingversion"),
            _list("Judgments", "gavel", "search.judgmentset"),
            _list("Configurations", "tune", "search.searchconfiguration"),
            _list("Comparisons", "query_stats", "search.comparisonrun"),
        ],
    },
    {
        "title": "Operation",
        "separator": True,
        "items": [
            {
                "title": "Operations",
                "icon": "monitor_heart",
                "link": reverse_lazy("operations"),
                "permission": lambda request: request.user.has_perm("catalog.view_outboxentry"),
            },
            _list("Outbox", "sync", "catalog.outboxentry"),
            _list("API keys", "key", "catalog.apikey"),
            # Where there is one shop alone, nothing is told apart by a host, and its name is a setting.
            {
                **_list("Shops", "storefront", "catalog.shop"),
                "permission": lambda request: settings.MULTI_SHOP and request.user.is_superuser,
            },
            _list("Users", "person", "auth.user"),
            _list("Groups", "group", "auth.group"),
            _list("Audit log", "policy", "catalog.auditentry"),
        ],
    },
]
