"""What kind of device a request comes from, as coarse as a report needs it."""

from collections.abc import Mapping


def device_of(headers: Mapping[str, str]) -> str:
    """Return phone, tablet, desktop, or "" for what does not say.

    `Sec-CH-UA-Mobile` (User-Agent Client Hints) where the browser sends it, else the words that browsers agree on:
    "Mobi" is in the user agent of every phone, and Android tablets leave it out.
    """
    agent = headers.get("User-Agent", "")
    if not agent:
        return ""
    if "iPad" in agent or "Tablet" in agent or ("Android" in agent and "Mobi" not in agent):
        return "tablet"
    if headers.get("Sec-CH-UA-Mobile") == "?1" or "Mobi" in agent:
        return "phone"
    return "desktop" if "Mozilla" in agent else ""
