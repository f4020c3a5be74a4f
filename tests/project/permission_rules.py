"""Who may do what at which address: the one table that the permission matrix is held against.

An address without a rule fails the matrix, and so does a rule without an address. Roles:

- anonymous: no cookie, no key.         - shopper: signed in on the shop's page, no staff.
- nobody: staff in no group.            - viewer, merchandiser, administrator: staff in that group.
- superuser.                            - SCOPE: no cookie, a valid API key with that scope alone.
- store's key: one of a store, with every scope that such a key can have; the rows of the matrix are of another store.
- revoked, expired, forged: a key of all scopes that is no longer, or never was, valid.
"""

from typing import Final

from catalog.models import Scope

STAFF: Final = ("nobody", "viewer", "merchandiser", "administrator", "superuser")
KEYS: Final = (*Scope.values, "store's key", "revoked", "expired", "forged")
ROLES: Final = ("anonymous", "shopper", *STAFF, *KEYS)
METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")

# REST: operation of the OpenAPI description -> who. A session opens nothing here, not even a superuser's: a write
# takes a key, so that no page of another site can make a browser write.
ALL: Final = frozenset(ROLES)
CATALOG: Final = frozenset({Scope.CATALOG_WRITE.value})
API: Final[dict[str, dict[str, frozenset[str]]]] = {
    # A new product goes into the store of the key, and rows of bulk are refused one by one.
    "/api/v1/products/": {"GET": ALL, "POST": CATALOG | {"store's key"}},
    "/api/v1/products/bulk": {"POST": CATALOG | {"store's key"}},
    "/api/v1/products/{sku}": {"GET": ALL, "PUT": CATALOG, "PATCH": CATALOG, "DELETE": CATALOG},
    "/api/v1/products/{sku}/pictures": {"GET": ALL, "POST": CATALOG},
    "/api/v1/products/{sku}/pictures/{id}": {"DELETE": CATALOG},
    **{
        path: {"GET": ALL, **dict.fromkeys(methods, frozenset({scope.value}))}
        for names, scope in (
            (("brands", "categories", "collections", "stores"), Scope.TAXONOMY_WRITE),
            (("promotions",), Scope.PROMOTIONS_WRITE),
        )
        for name in names
        for path, methods in (
            (f"/api/v1/{name}/", ("POST",)),
            (f"/api/v1/{name}/{{slug}}/", ("PUT", "PATCH", "DELETE")),
        )
    },
    "/api/v1/events": {"POST": ALL},
    "/api/v1/recommendations/{surface}": {"GET": ALL},
    "/api/v1/search": {"GET": ALL, "POST": ALL},
    "/api/v1/suggest": {"GET": ALL},
    "/api/v1/suggest/history": {"DELETE": ALL},
}

# Pages of the shop, by route of the URL resolver: anybody, with these methods (HEAD goes with GET); others answer 405.
# What belongs to one shopper is reached by no id in an address, only by the cookie or the session that names them.
PAGES: Final[dict[str, str]] = {
    **dict.fromkeys(
        [
            "rows/<str:surface>",
            "rows/<str:surface>/<path:sku>",
            "discover/<str:surface>",
            "discover/<str:surface>/<path:sku>",
            "cart",
            "cart/ordered",
            "go/<uuid:key>",
            "you",
            "you/download",
            "search",
            "search/region",
            "search/picture/<str:token>",
            "p/<str:slug>",
            "c/<str:slug>",
            "b/<str:slug>",
            "s/<str:slug>",
            "promo/<str:slug>",
            "collection/<str:slug>",
            "robots.txt",
            "sitemap.xml",
            "sitemap-<section>.xml",
            "healthz",
            "readyz",
            "metrics",
            "api/v1/schema",
            "api/v1/docs",
            "media/<path>",
        ],
        "GET",
    ),
    "": "GET",
    **dict.fromkeys(
        [
            "cart/add",
            "cart/change",
            "cart/order",
            "go/<uuid:key>/seen",
            "not-for-me",
            "not-for-me/undo",
            "you/personalised",
            "you/remember",
            "you/forget",
            "you/erase",
            "you/separate",
            "sign-out",
        ],
        "POST",
    ),
    **dict.fromkeys(["search/picture", "sign-in", "sign-up"], "GET POST"),
}
# No form of a page, so no token: the key in the address is what the sender has to know.
WITHOUT_TOKEN: Final = {"go/<uuid:key>/seen"}

# The admin, model by model: what viewer, merchandiser, administrator and superuser do on its pages
# (v: look, a: add, c: change, d: delete), and the actions of its list.
ALWAYS_CURATED: Final = ("v", "vacd", "vacd", "vacd")
CURATED: Final = ("v", "vac", "vacd", "vacd")  # what holds products stays, unless an administrator deletes it
SHOWN: Final = ("v", "v", "v", "v")
OF_ADMINISTRATORS: Final = ("", "", "vacd", "vacd")
PERSONAL: Final = ("", "", "v", "v")  # what single shoppers did
MODELS: Final[dict[str, tuple[str, str, str, str]]] = {
    "auth.user": OF_ADMINISTRATORS,
    "auth.group": OF_ADMINISTRATORS,
    "catalog.apikey": OF_ADMINISTRATORS,
    "catalog.shop": ("", "", "", "vac"),
    "catalog.category": CURATED,
    "catalog.brand": CURATED,
    "catalog.store": CURATED,
    "catalog.product": CURATED,
    "catalog.tag": ALWAYS_CURATED,
    "catalog.promotion": ALWAYS_CURATED,
    "catalog.collection": ALWAYS_CURATED,
    "catalog.outboxentry": SHOWN,
    "catalog.auditentry": PERSONAL,
    "search.duplicatepair": SHOWN,
    "search.rankingversion": SHOWN,
    "search.searchconfiguration": ALWAYS_CURATED,
    "search.comparisonrun": ("v", "vd", "vd", "vd"),
    "search.judgmentset": ALWAYS_CURATED,
    "search.rule": ALWAYS_CURATED,
    "search.synonym": ALWAYS_CURATED,
    "search.synonymsuggestion": SHOWN,
    "search.experiment": ALWAYS_CURATED,
    "search.loggedsearch": PERSONAL,
    "search.popularquery": SHOWN,
    "recommend.campaign": CURATED,
    "recommend.charge": SHOWN,
    "recommend.placement": SHOWN,
    "recommend.event": PERSONAL,
    "recommend.shopper": PERSONAL,
    "recommend.modelversion": SHOWN,
    "recommend.trainingrun": SHOWN,
}
FROM_VIEWER: Final = frozenset({"viewer", "merchandiser", "administrator", "superuser"})
FROM_MERCHANDISER: Final = FROM_VIEWER - {"viewer"}
FROM_ADMINISTRATOR: Final = FROM_MERCHANDISER - {"merchandiser"}
ACTIONS: Final[dict[str, dict[str, frozenset[str]]]] = {
    "auth.user": {"reset_second_factor": frozenset({"superuser"})},
    "catalog.apikey": {"rotate": FROM_ADMINISTRATOR, "revoke": FROM_ADMINISTRATOR},
    "catalog.auditentry": {"export_as_csv": FROM_ADMINISTRATOR},
    "catalog.outboxentry": {"retry": FROM_MERCHANDISER},
    "catalog.product": {
        "export_as_csv": FROM_VIEWER,
        **dict.fromkeys(
            ("add_to_collection", "archive", "assign_category", "back_to_draft", "publish", "reembed"),
            FROM_MERCHANDISER,
        ),
    },
    "search.duplicatepair": {"different": FROM_MERCHANDISER},
    "search.rankingversion": {"publish": FROM_ADMINISTRATOR},
    "search.rule": {"switch_on": FROM_MERCHANDISER, "switch_off": FROM_MERCHANDISER},
    "search.synonym": {
        "export_as_csv": FROM_VIEWER,
        "switch_on": FROM_MERCHANDISER,
        "switch_off": FROM_MERCHANDISER,
    },
    "search.synonymsuggestion": {"accept_all": FROM_MERCHANDISER, "dismiss_all": FROM_MERCHANDISER},
    "search.popularquery": {"hide": FROM_MERCHANDISER, "show": FROM_MERCHANDISER},
    "recommend.campaign": {
        "export_report": FROM_VIEWER,
        "switch_on": FROM_MERCHANDISER,
        "switch_off": FROM_MERCHANDISER,
    },
    "recommend.shopper": dict.fromkeys(("erase", "forget", "take_apart"), FROM_ADMINISTRATOR),
    "recommend.modelversion": {"publish": FROM_ADMINISTRATOR, "go_back": FROM_ADMINISTRATOR},
    "recommend.trainingrun": {"stop": FROM_ADMINISTRATOR},
}
# Lists whose rows are not deleted by the dozen, though one may be.
NOT_BY_THE_DOZEN: Final = {"search.experiment", "recommend.campaign"}

# Pages of the admin beside those that Django makes of a model: route after admin/ -> method -> who.
ADMIN: dict[str, dict[str, frozenset[str]]] = {
    "catalog/category/move/": {"POST": FROM_MERCHANDISER},
    "catalog/product/import/": dict.fromkeys(("GET", "POST"), FROM_MERCHANDISER),
    "search/duplicatepair/<int:pk>/decide/": {"POST": FROM_MERCHANDISER},
    "search/rankingversion/roll-back/<str:kind>/": {"POST": FROM_ADMINISTRATOR},
    "search/rankingversion/switch-off/<str:kind>/": {"POST": FROM_ADMINISTRATOR},
    "search/comparisonrun/start/": dict.fromkeys(("GET", "POST"), FROM_MERCHANDISER),
    "search/comparisonrun/<int:run_id>/progress/": {"GET": FROM_VIEWER},
    "search/comparisonrun/<int:run_id>/stop/": {"POST": FROM_MERCHANDISER},
    "search/judgmentset/<int:set_id>/judge/": {"GET": FROM_MERCHANDISER},
    "search/judgmentset/<int:set_id>/judge/<int:query_id>/": dict.fromkeys(("GET", "POST"), FROM_MERCHANDISER),
    "search/judgmentset/<int:set_id>/queries/": {"POST": FROM_MERCHANDISER},
    "search/judgmentset/<int:set_id>/import/": {"POST": FROM_MERCHANDISER},
    "search/judgmentset/<int:set_id>/export/": {"GET": FROM_VIEWER},
    "search/judgmentset/side-by-side/": {"GET": FROM_VIEWER},
    "search/rule/preview/": {"POST": FROM_MERCHANDISER},
    "search/rule/<int:pk>/preview/": {"POST": FROM_MERCHANDISER},
    "search/synonym/import/": dict.fromkeys(("GET", "POST"), FROM_MERCHANDISER),
    "search/synonymsuggestion/look/": {"POST": FROM_MERCHANDISER},
    r"search/synonymsuggestion/^(?P<pk>\d{1,18})/(?P<how>accept|dismiss)/$": {"POST": FROM_MERCHANDISER},
    "search/experiment/<path:object_id>/start/": dict.fromkeys(("GET", "POST"), FROM_MERCHANDISER),
    "search/experiment/<path:object_id>/stop/": dict.fromkeys(("GET", "POST"), FROM_MERCHANDISER),
    "search/loggedsearch/report/": {"GET": FROM_VIEWER},
    "search/loggedsearch/report/<str:table>.csv": {"GET": FROM_VIEWER},
    "recommend/shopper/<int:pk>/take-apart/": {"POST": FROM_ADMINISTRATOR},
    "recommend/shopper/<int:pk>/forget/": {"POST": FROM_ADMINISTRATOR},
    "recommend/modelversion/progress/": {"GET": FROM_VIEWER},
    "recommend/modelversion/train/": {"POST": FROM_ADMINISTRATOR},
    "recommend/modelversion/stop/": {"POST": FROM_ADMINISTRATOR},
    "recommend/modelversion/roll-back/": {"POST": FROM_ADMINISTRATOR},
    "auth/user/<id>/password/": dict.fromkeys(("GET", "POST"), FROM_ADMINISTRATOR),
}
# Of its people themselves, and leading there.
BOTH: Final = ("GET", "POST")
IS_STAFF: Final = frozenset(STAFF)
ADMIN |= {
    **{route: dict.fromkeys(BOTH, IS_STAFF) for route in ("", "search/", "password_change/", "(?P<url>.*)$")},
    **{route: {"GET": IS_STAFF} for route in ("jsi18n/", "password_change/done/")},
    "login/": dict.fromkeys(BOTH, ALL),
    "logout/": {"POST": IS_STAFF},
    "autocomplete/": {"GET": FROM_VIEWER},  # asks for the right to look at the model that is searched
    "r/<path:content_type_id>/<path:object_id>/": dict.fromkeys(BOTH, IS_STAFF),  # leads to a page of the shop
    "^(?P<app_label>auth|catalog|search|recommend)/$": dict.fromkeys(BOTH, FROM_VIEWER),
    # A second factor of one's own. Whoever has none is led to where one is set up.
    "second-factor/": dict.fromkeys(BOTH, IS_STAFF),
    "second-factor/set-up/": dict.fromkeys(BOTH, IS_STAFF),
    "second-factor/codes/": {"POST": IS_STAFF},
    "second-factor/off/": {"POST": IS_STAFF},
    "operations/": {"GET": FROM_VIEWER, "POST": FROM_MERCHANDISER},
}
# Where the matrix asks for something that does not exist; whoever may ask is told so.
NOTHING_THERE: Final = {"(?P<url>.*)$", "media/<path>", "search/picture/<str:token>", "recommend/modelversion/stop/"}
