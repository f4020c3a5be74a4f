"""What hostile or broken clients send: texts, JSON, addresses and headers, each with a name; see `files` for the rest.

Every function yields (name, input) pairs and says what its inputs are after. They are made here rather than kept as
files, so that what is wrong about each can be read.
"""

import gzip
import json
from collections.abc import Iterator

LONG = 20_000  # characters
Texts = Iterator[tuple[str, str]]
Bytes = Iterator[tuple[str, bytes]]


def texts() -> Texts:
    """Queries and names: control characters, what folds or normalises oddly, other scripts, injections, length."""
    singles = {
        "nul": "\x00",
        "escape": "\x1b[2J",
        "bell": "\x07",
        "delete": "\x7f",
        "lone high surrogate": "\ud800",
        "lone low surrogate": "\udc00",
        "byte order mark": "\ufeff",
        "right to left override": "\u202egnp.exe",
        "zero width": "\u200b\u200d\u200c",
        "line separator": "\u2028",
        "non-character": "\uffff",
        "last code point": "\U0010ffff",
        "private use": "\ue000",
        "tag characters": "\U000e0041\U000e007f",
        "combining alone": "\u0301",
        "hangul filler": "\u3164",
        "soft hyphen": "a\u00adb",
        "no-break space": "\u00a0",
        "ideographic space": "\u3000",
        "empty": "",
        "blank": "   ",
        "tab and newline": "\t\r\n",
        "dotless i": "ıİ",
        "sharp s": "ẞß",
        "ligature": "ﬃ",
        "kelvin sign": "\u212a",
        "one that grows": "ΐ" * 50,
        "roman numerals": "Ⅷ",
        "fractions": "½⅓",
        "fullwidth": "ｃｈａｉｒ",
        "mathematical": "𝓬𝓱𝓪𝓲𝓻",
        "zalgo": "c" + "\u0336" * 400,
        "flags": "🇩🇪🇫🇷",
        "family": "👨‍👩‍👧‍👦" * 30,
        "keycap": "1️⃣",
        "arabic": "كرسي",
        "hebrew": "כיסא",
        "thai": "เก้าอี้",
        "khmer": "កៅអី",
        "japanese": "折りたたみ椅子",
        "korean": "의자",
        "hindi": "कुर्सी",
        "longest ligature": "﷽" * 40,
        "braille": "⠉⠓⠁⠊⠗",
        "persian digits": "۱۲۳",
        "superscript digits": "²³¹",
        "minus signs": "−–—-",
        "mixed scripts": "сhаir",
        "sql": "'; DROP TABLE catalog_product; --",
        "sql union": "1 UNION SELECT password FROM auth_user",
        "sql like": "%_%",
        "sql comment": "/**/ OR 1=1",
        "full text operators": "NEAR( AND OR NOT ^ * :",
        "quote": '"',
        "quotes unbalanced": "\"'\"'`",
        "backslash": "\\",
        "markup": "<script>alert(1)</script>",
        "attribute": '" onmouseover=alert(1) x="',
        "svg": "<svg/onload=alert(1)>",
        "javascript": "javascript:alert(1)",
        "template": "{{ settings.SECRET_KEY }}{% debug %}",
        "format": "{0.__class__.__mro__}",
        "percent": "%s%n%x%1$*2$d",
        "shell": "$(id) `id` | id & id",
        "path": "../../../etc/passwd",
        "windows path": "..\\..\\win.ini",
        "header": "a\r\nSet-Cookie: owned=1",
        "log line": "x\n2026-01-01 00:00:00 ERROR root: forged",
        "ldap": "*)(uid=*",
        "xpath": "' or '1'='1",
        "jndi": "${jndi:ldap://x.example/a}",
        "formula": "=1+1",
        "formula call": "@SUM(A1)",
        "json": '{"$ne": null}',
        "xml": '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>',
        "null word": "null",
        "nan": "NaN",
        "infinity": "-Infinity",
        "true": "true",
        "none": "None",
        "huge number": "9" * 400,
        "exponent": "1e999",
        "hexadecimal": "0x7fffffff",
        "octal": "0o17",
        "negative zero": "-0",
        "int64": str(2**63),
    }
    yield from singles.items()
    for name, piece in {
        "letters": "a",
        "spaces": " ",
        "words": "chair ",
        "digits": "1",
        "points": "1.",
        "commas": "1,",
        "hyphens": "-a",
        "quotes": '"',
        "brackets": "(",
        "minus words": "-x ",
        "prices": "under 5 ",
        "ranges": "1 - ",
        "units": "1 cm x ",
        "entities": "&amp;",
        "tags": "<b",
        "unspaced": "椅",
        "without": "without ",
        "apostrophes": "a'",
        "marks": "e\u0301",
        "emoji": "🪑",
    }.items():
        yield f"long: {name}", (piece * LONG)[:LONG]
        yield f"at the limit: {name}", (piece * 300)[:300]


def bodies() -> Bytes:
    """JSON bodies: broken, deep, wide, of the wrong type, with doubled keys and numbers that no column holds."""
    yield "empty", b""
    for name, text in {
        "blank": " ",
        "null": "null",
        "true": "true",
        "number": "7",
        "text": '"x"',
        "empty list": "[]",
        "empty object": "{}",
        "nan": '{"q": NaN}',
        "infinity": '[{"sku": "X", "price": Infinity}]',
        "cut off": '{"q": "chai',
        "comma": "[1,]",
        "two": "{}{}",
        "comment": '{"q": 1 /* x */}',
        "single quotes": "{'q': 'x'}",
        "doubled key": '{"q": "a", "q": "b"}',
        "big exponent": '{"page": 1e400}',
        "negative": '{"page": -1}',
        "float page": '{"page": 1.5}',
        "long number": '{"page": ' + "9" * 5000 + "}",
        "surrogate": '{"q": "\\ud800"}',
        "nul": '{"q": "\\u0000"}',
        "proto": '{"__proto__": {"x": 1}}',
        "class": '{"__class__": "x"}',
        "list of null": "[null, null]",
        "list of lists": "[[[]]]",
        "list of numbers": "[1, 2, 3]",
        "list of texts": '["x"]',
        "mixed": '[{}, 1, "x", null, []]',
        "bom": "\ufeff{}",
        "unknown field": '{"is_superuser": true}',
        "id": '[{"id": 1, "pk": 1, "sku": "X-1", "title": "x"}]',
    }.items():
        yield name, text.encode("utf-8", "surrogatepass")
    yield "utf-16", '{"q": "x"}'.encode("utf-16")
    yield "latin-1", b'{"q": "\xe9"}'
    yield "overlong", b'{"q": "\xc0\xaf"}'
    yield "surrogate bytes", b'{"q": "\xed\xa0\x80"}'
    yield "binary", bytes(range(256))
    yield "gzip", gzip.compress(b"{}")
    yield "deep list", b"[" * 100_000
    yield "deep object", b'{"a":' * 50_000
    yield "deep and closed", b"[" * 900 + b"]" * 900
    yield "wide", json.dumps({f"k{n}": n for n in range(5000)}).encode()
    yield "many rows", json.dumps([{}] * 1500).encode()
    values: list[object] = [
        None,
        True,
        -1,
        0,
        1e308,
        2**63,
        2**70,
        "",
        " ",
        "\x00",
        "x" * 5000,
        [],
        {},
        [[]],
        {"a": {"b": {}}},
        ["x"] * 50,
        "2026-02-30",
        "9999-99-99T99:99:99Z",
        "\ud800",
        "=1+1",
        "../..",
        "NaN",
    ]
    for place, value in enumerate(values):
        product = {"sku": f"H-{place}", "title": "x", "price": value, "attributes": value, "category": value}
        event = {"event_id": value, "kind": value, "sku": value, "happened_at": value, "position": value}
        search = {"q": value, "filters": value, "page": value, "sort": value, "facets": value}
        yield f"product with {str(value)[:20]!r}", json.dumps([product, {"sku": value, "title": value}]).encode()
        yield f"event with {str(value)[:20]!r}", json.dumps(event).encode()
        yield f"search with {str(value)[:20]!r}", json.dumps(search).encode()


def addresses() -> Texts:
    """Paths and queries: traversal, encodings, doubled parameters, numbers out of range, an endless address."""
    for path in (
        "/media/../manage.py",
        "/media/%2e%2e/%2e%2e/etc/passwd",
        "/media/..%2f..%2fetc/passwd",
        "/media//etc/passwd",
        "/media/%00",
        "/static/../settings.py",
        "/static/%2e%2e/%2e%2e/manage.py",
        "/p/%00",
        "/p/%ff%fe",
        "/p/..%2f..",
        "/c/" + "a" * 3000,
        "//evil.example/",
        "/%0d%0aSet-Cookie:x=1",
        "/search/picture/../../x",
        "/search/picture/2026-99-99-" + "0" * 32,
        "/search/picture/%00",
        "/go/00000000-0000-0000-0000-000000000000",
        "/go/x",
        "/rows/%00",
        "/rows/for-you/%00",
        "/rows/x/" + "a/" * 500,
        "/discover/%ff",
        "/sitemap-%00.xml",
        "/sitemap-x.xml",
        "/sitemap-products.xml?p=999999999999999999999",
        "/sitemap-products.xml?p=x",
        "/b/%F0%9F%AA%91",
        "/api/v1/products/%00",
        "/api/v1/products/%ff",
        "/api/v1/products/" + "x" * 3000,
        "/api/v1/products/a%2Fb%2F..",
        "/api/v1/products/A/pictures/99999999999999999999999",
        "/api/v1/recommendations/%00",
        "/api/v1/brands/%00/",
        "/admin/%00",
        "/admin/../",
        "/admin/login/?next=//evil.example",
        "/sign-in?next=javascript:alert(1)",
        "/sign-in?next=//evil.example",
        "/you?page=%00",
        "/cart?x=" + "y" * 5000,
    ):
        yield f"path {path[:40]}", path
    for query in (
        "page=0",
        "page=-1",
        "page=1e9",
        "page=99999999999999999999",
        "page=%00",
        "page=x",
        "page=1&page=2",
        "page_size=0",
        "page_size=10000",
        "price_min=NaN",
        "price_min=inf",
        "price_min=-1",
        "price_min=9e99",
        "price_max=%00",
        "price_min=9&price_max=1",
        "sort=%00",
        "sort=price;drop",
        "mode=x",
        "brand=%00",
        "brand=" + "a" * 4000,
        "&".join(["brand=a"] * 500),
        "category=../..",
        "attributes.=x",
        "attributes.%00=x",
        "attributes.colour=%ff",
        "attributes.__class__=x",
        "attributes.a.b.c=x",
        "crop=1,2,3",
        "crop=nan,0,1,1",
        "crop=-1,-1,9,9",
        "image_of=%00",
        "image_of=" + "&image_of=".join("abcdef"),
        "picture=%00",
        "picture=../../x",
        "explain=maybe",
        "q[]=x",
        "q=%",
        "q=%ZZ",
        "q=%ff",
        "=x",
        "&&&&",
        "q=x;page=2",
        "in_stock=%00",
        "not=%00",
        "personal=2",
        "store=%27",
    ):
        yield f"query {query[:40]}", f"?{query}"


def headers() -> Iterator[tuple[str, dict[str, str]]]:
    """Headers that are parsed: hosts, cookies, keys, types, languages, ranges and who sent it."""
    many = {
        "Host": ["evil.example", "localhost:99999", "a b", "[::1", "localhost@evil.example", ""],
        "Cookie": [
            "sessionid=" + "x" * 5000,
            "sessionid=\x01",
            "shopper=a:b:c",
            "consent=%00",
            "=;=;=",
            "csrftoken=" + "'" * 64,
            "known=x.y.z",
        ],
        "Authorization": [
            "Api-Key",
            "Api-Key ",
            "Api-Key x",
            "Api-Key .",
            "Api-Key a.b.c",
            "Api-Key " + "x" * 5000,
            "Api-Key \x00.x",
            "Api-Key \xe9.\xe9",
            "Bearer x",
            "Basic ////",
            "Basic " + "=" * 100,
            "api-key x.y",
        ],
        "Content-Type": [
            "",
            "x",
            "application/json; charset=utf-99",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "text/plain;;;=",
            "a/b" * 999,
        ],
        "Content-Length": ["-1", "x", "99999999999", "1e3"],
        "Accept": ["", "*", "x/y", "text/html;q=NaN", "application/json;" * 500, ";;;"],
        "Accept-Language": ["*", "xx-" * 500, "de;q=x", "\xff", "en," * 2000],
        "X-Forwarded-For": ["x", "1.2.3.4, " * 500, "::1", "\xff", "'"],
        "X-Shopper-Session": ["x", "y" * 5000, "\xff" * 20, "%00" * 10],
        "User-Agent": ["", "\xff" * 100, "x" * 9000, "(" * 3000],
        "Referer": ["x", "http://[", "javascript:1", "http://" + "a" * 5000],
        "If-Modified-Since": ["x", "Mon, 99 Foo 99999 99:99:99 GMT"],
        "If-None-Match": ['"', "W/", "*" * 999],
        "Range": ["bytes=-", "bytes=9-1", "bytes=0-" + "9" * 50],
        "HX-Request": ["\xff"],
        "DNT": ["2"],
        "Sec-GPC": ["\xff"],
        "Origin": ["null", "http://[", "x" * 4000],
    }
    for name, values in many.items():
        for place, value in enumerate(values):
            yield f"{name} {place}", {name: value}
