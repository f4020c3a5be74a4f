"""What the OpenAPI description says beside what serializers do: refusals, which any operation may give, and formats."""

from typing import Any

ASCII_SLUG = r"^[-\w]+$"  # which in the dialect of JSON Schema is of ASCII alone
METHODS = ("get", "post", "put", "patch", "delete")
ERROR = {
    "type": "object",
    "description": "`detail` says in a sentence what is wrong; or each field that is wrong has its own sentences.",
    "additionalProperties": {},
}
ALWAYS = {
    400: "A parameter or field is wrong; the answer says which.",
    401: "The API key is not one of this shop.",
    403: "It takes an API key with the scope of this operation, or the store is not the key's.",
    406: "The answer cannot be given in the wanted type.",
    429: "Too many requests; `Retry-After` says when to come again.",
    503: "A part is away or busy; `Retry-After` says when to come again.",
}
OF_ONE = {404: "There is no such thing, or no such page."}
OF_BODIES = {413: "The body is too large.", 415: "The body is of a type that is not taken."}
OF_CHANGES = {409: "Something else changed it, or depends on it."}


def widen_formats(result: dict[str, Any], **_options: Any) -> dict[str, Any]:
    """Say of texts what is true of them: slugs may have letters of any language, and files may be named by a path."""
    for schema in result["components"]["schemas"].values():
        for property_ in schema.get("properties", {}).values():
            if property_.get("pattern") == ASCII_SLUG:
                del property_["pattern"]
                property_.setdefault("description", "Letters and digits of any language, - and _.")
            if property_.get("format") == "uri" and property_.get("readOnly"):
                property_["format"] = "uri-reference"
    return result


def describe_refusals(result: dict[str, Any], **_options: Any) -> dict[str, Any]:
    """Add to each operation the refusals that it does not describe itself (drf-spectacular's postprocessing hook)."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for operations in result["paths"].values():
        for method in operations.keys() & set(METHODS):
            operation = operations[method]
            told = ALWAYS | OF_ONE
            if "requestBody" in operation:
                told |= OF_BODIES
            if method != "get":
                told |= OF_CHANGES
            for status, description in told.items():
                operation["responses"].setdefault(str(status), {"description": description, "content": content})
    return result
