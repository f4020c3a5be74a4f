"""How the admin's reports write numbers."""

from django import template

register = template.Library()


@register.filter
def percent(share: float | None) -> str:
    """0.123 as 12.3 %; a dash for None."""
    return "–" if share is None or share == "" else f"{share:.1%}"
