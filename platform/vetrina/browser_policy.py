"""What a browser may do with answers beside the Content-Security-Policy: no device, no embedding elsewhere."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]
# Nothing here asks for any of these, so a script that got in could not, either.
DENIED = (
    "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
    "microphone", "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "serial", "usb",
)  # fmt: skip
# A static file is no page: opened as one, a picture in SVG may do nothing.
STATIC_POLICY = "sandbox; default-src 'none'"
PERMISSIONS = ", ".join(f"{name}=()" for name in DENIED)


def browser_policy(get_response: GetResponse) -> GetResponse:
    """Set Permissions-Policy and Cross-Origin-Resource-Policy. Pictures of products may be shown on other sites."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        if request.path_info.startswith(settings.STATIC_URL):
            response.headers.setdefault("Content-Security-Policy", STATIC_POLICY)
        shared = request.path_info.startswith(settings.MEDIA_URL)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if shared else "same-origin")
        return response

    return middleware
