"""For pages whose shoppers' deeds are recorded: the script that tells them."""

from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recommend.events import consent

register = template.Library()


@register.simple_tag
def event_script() -> SafeString:
    """`{% event_script %}` in a page's head. What the page then has to say is written at the top of events.js."""
    attributes: dict[str, Any] = {
        "endpoint": reverse("events"),
        "cookie": consent.COOKIE,
        "consent": "required" if settings.EVENTS_REQUIRE_CONSENT else "assumed",
    }
    return format_html(
        '<script src="{}" defer data-endpoint="{endpoint}" data-cookie="{cookie}" data-consent="{consent}"></script>',
        static("recommend/events.js"),
        **attributes,
    )
