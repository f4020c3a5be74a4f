"""How the description of the REST interface (OpenAPI) is made."""

SPECTACULAR_SETTINGS = {
    "TITLE": "Vetrina",
    "DESCRIPTION": "Search and recommendations for online shops.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "catalog.api.refusals.widen_formats",
        "catalog.api.refusals.describe_refusals",
    ],
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "ApiKey": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`Api-Key` and the key, with a space between. Keys are made in the admin, with scopes.",
            }
        }
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
