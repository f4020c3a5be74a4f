"""Where a rule may lead: a path of the shop itself, or a page that is reached by TLS."""

from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.urls import reverse

_HTTPS = URLValidator(schemes=["https"])


def check_redirect(address: str) -> None:
    """Raise ValidationError with a sentence unless `address` is "/path" or "https://host/…"."""
    if any(character.isspace() or not character.isprintable() for character in address) or "\\" in address:
        raise ValidationError("An address holds no spaces, backslashes or control characters.")
    if address.startswith("//"):
        raise ValidationError("Two slashes in front lead to another host; write https:// before it.")
    if address.startswith("/"):
        return
    parts = urlsplit(address)
    if parts.scheme != "https":
        raise ValidationError("Begin with / for a page of the shop, or with https://.")
    if parts.username or parts.password:
        raise ValidationError("An address holds no user name or password.")
    _HTTPS(address)


def query_of(address: str) -> str | None:
    """The words that an address searches the shop for; None where it leads to another page."""
    parts = urlsplit(address)
    if parts.netloc or parts.path != reverse("shop:search"):
        return None
    return parse_qs(parts.query).get("q", [""])[0]
