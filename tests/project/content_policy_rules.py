"""What a Content-Security-Policy lets through: the checks of Google's csp-evaluator 1.1.8, as far as they find holes.

Left out are those of hosts that are known to serve JSONP or Angular: every host but the shop's own is a finding here.
"""

import re
from typing import NamedTuple

HIGH, MEDIUM, MAYBE, INFO = "high", "medium", "maybe", "info"
SCRIPTS = ("script-src", "script-src-elem", "script-src-attr")
CAUSE_XSS = (*SCRIPTS, "object-src", "base-uri")
FALLS_BACK = {*SCRIPTS, "object-src", "style-src", "img-src", "frame-src", "connect-src", "font-src", "worker-src"}
KNOWN = {
    *FALLS_BACK, "default-src", "base-uri", "form-action", "frame-ancestors", "child-src", "manifest-src", "media-src",
    "style-src-attr", "style-src-elem", "report-to", "report-uri", "require-trusted-types-for", "sandbox",
    "trusted-types", "upgrade-insecure-requests",
}  # fmt: skip
KEYWORDS = {
    "'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "'strict-dynamic'", "'report-sample'",
    "'wasm-unsafe-eval'",
}  # fmt: skip
_NONCE = re.compile(r"'nonce-(.+)'")
_HASH = re.compile(r"'sha(256|384|512)-[\w+/=-]+'")


class Finding(NamedTuple):
    severity: str
    directive: str
    what: str


def parsed(policy: str) -> dict[str, list[str]]:
    """Directive -> values; of one that is repeated the first counts, as in browsers (CSP 3, 2.2.1)."""
    found: dict[str, list[str]] = {}
    for part in policy.split(";"):
        name, *values = part.split() or [""]
        if name:
            found.setdefault(name.lower(), values)
    return found


def evaluate(policy: str) -> list[Finding]:
    """What is wrong with a policy, the worst first."""
    directives = parsed(policy)

    def values(name: str) -> list[str]:
        if name not in directives and name.startswith("script-src-"):
            name = "script-src"
        return directives.get(name, directives.get("default-src", []) if name in FALLS_BACK else [])

    found: list[Finding] = []
    for name in directives.keys() - KNOWN:
        found.append(Finding(MEDIUM, name, "unknown"))
    for name in ("script-src", "object-src"):
        if name not in directives and "default-src" not in directives:
            found.append(Finding(HIGH, name, "missing"))
    for name in ("base-uri", "form-action", "frame-ancestors"):  # which do not fall back
        if name not in directives and directives.get("sandbox") is None:
            found.append(Finding(HIGH, name, "missing"))
    for name in CAUSE_XSS:
        for value in values(name):
            host = re.sub(r"^[a-z]+://", "", value)
            if value in ("data:", "http:", "https:", "blob:") or host == "*":
                found.append(Finding(HIGH, name, value))
    for name in SCRIPTS:
        sources = values(name)
        guarded = any(_NONCE.fullmatch(each) or _HASH.fullmatch(each) for each in sources)
        if "'unsafe-inline'" in sources and not guarded:
            found.append(Finding(HIGH, name, "'unsafe-inline'"))
        for value, severity in (("'unsafe-eval'", MAYBE), ("'unsafe-hashes'", MAYBE), ("'self'", MAYBE)):
            if value in sources and (name == "script-src" or name in directives):
                found.append(Finding(severity, name, value))
        if "'strict-dynamic'" in sources and not guarded:
            found.append(Finding(INFO, name, "'strict-dynamic'"))
        found += [
            Finding(HIGH, name, each)
            for each in sources
            if not each.startswith("'") and not each.endswith(":") and re.sub(r"^[a-z]+://", "", each) != "*"
        ]
    if any(each != "'none'" for each in values("object-src")):
        found.append(Finding(MAYBE, "object-src", "not 'none'"))
    for name, sources in directives.items():
        for each in sources:
            if each.startswith("http://"):
                found.append(Finding(MEDIUM, name, each))
            if (nonce := _NONCE.fullmatch(each)) and len(nonce[1]) < 8:
                found.append(Finding(MEDIUM, name, "short nonce"))
            odd = each.startswith("'") and each not in KEYWORDS and not _NONCE.fullmatch(each)
            if odd and not _HASH.fullmatch(each):
                found.append(Finding(MEDIUM, name, f"unknown keyword {each}"))
            if each in ("none", "self", "unsafe-inline", "unsafe-eval") or each in KNOWN - {"sandbox"}:
                found.append(Finding(MEDIUM, name, f"{each} without quotes or semicolon"))
    return sorted(set(found), key=lambda each: (HIGH, MEDIUM, MAYBE, INFO).index(each.severity))
