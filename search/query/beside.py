"""Words beside a picture, which say how the thing that is looked for differs from the one that is shown.

"The same but in blue" asks for "blue": what refers to the picture is dropped, and what is left is searched with it.
"Without stripes" are words to stay away from, and "cheaper" is a price below that of the product whose picture it is.
"""

import re
from dataclasses import replace
from decimal import Decimal

from catalog.models import Product
from search.language.detect import detect
from search.language.interpret import Given, Interpretation, interpret
from search.language.prices import Price
from search.query.request import SearchRequest
from search.terms import fold

# Grammar, which no catalogue teaches: English, German, French, Spanish, Italian; Japanese and Chinese without spaces.
_REFERS = (
    r"(?:(?:some|any)thing\s+)?(?:just\s+)?(?:like|similar\s+to|as)\s+(?:this|that|these|those)(?:\s+ones?)?",
    r"(?:exactly\s+)?(?:the\s+)?same(?:\s+(?:ones?|thing|product))?",
    r"(?:etwas\s+)?(?:so\s+)?(?:ähnlich\s+)?wie\s+(?:dies(?:e[rsmn]?)?|das|der|die)(?:\s+hier)?",
    r"(?:genau\s+)?(?:(?:das|der|die)\s+gleichen?|dasselbe|derselbe|dieselben?)",
    r"(?:quelque\s+chose\s+)?comme\s+(?:ça|cela|ceci|celui-ci|celle-ci|ceux-ci)",
    r"(?:le|la|les)\s+mêmes?",
    r"como\s+est[aeo]s?",
    r"(?:el|la|lo|los|las)\s+mism[oa]s?",
    r"come\s+quest[oaie]",
    r"(?:lo|la|gli|le)\s+stess[oaie]",
)
_JOINS = r"but|only|just|in(?:\s+an?)?|aber|nur|jedoch|mais|en|pero|ma|però"
_UNSPACED = (
    r"(?:これ|それ)(?:と同じ(?:もの)?|みたいな|のような)?|同じ(?:もの)?|でも|ただし|で"
    r"|(?:像这样|和这个一样|跟这个一样|同款|一样)的?|但是?|不过"
)
_BEGINNING = re.compile(
    rf"(?:(?:(?:{'|'.join(_REFERS)})|(?:{_JOINS}))(?!\w)\s*(?:,\s*)?|(?:{_UNSPACED})\s*)+", re.IGNORECASE
)
_THAN = r"(?!\s+(?:than|als|que|di)\b)"  # "cheaper than 50" names its price itself
_CHEAPER = re.compile(
    r"(?<!\w)(?:(?:a\s+(?:bit|little)\s+)?(?:cheaper|less\s+expensive)|(?:etwas\s+)?(?:billiger|günstiger)(?:e[nmrs]?)?"
    r"|moins\s+ch(?:er|ère)s?|más\s+barat[oa]s?|meno\s+car[oaie]|più\s+economic[oaie])(?!\w)"
    rf"{_THAN}|(?:もっと|より)?安い(?:もの)?|更?便宜(?:一点|一些|点|些)?的?",
    re.IGNORECASE,
)
_DEARER = re.compile(
    r"(?<!\w)(?:more\s+expensive|teurer(?:e[nmrs]?)?|plus\s+ch(?:er|ère)s?|más\s+car[oa]s?|più\s+car[oaie])(?!\w)"
    rf"{_THAN}|(?:もっと|より)高い(?:もの)?|更贵(?:一点|一些|点|些)?的?",
    re.IGNORECASE,
)
_PICTURE = "picture"  # what stands for it: words to stay away from follow something
_CENT = Decimal("0.01")


def interpret_beside(request: SearchRequest, given: Given) -> Interpretation:
    """What the words of a request with pictures ask for. Never raises for any text."""
    text = " ".join(request.q.split())
    literal = {fold(each) for each in given.literal}
    comparison = None
    for pattern in (_CHEAPER, _DEARER):
        match = pattern.search(text)
        if match and fold(match[0].strip()) not in literal:
            comparison = match[0].strip(), pattern is _CHEAPER
            text = " ".join((text[: match.start()] + " " + text[match.end() :]).split())
            break
    text = _without_reference(text)
    found = interpret(f"{_PICTURE} {text}", given)
    rest = found.text.removeprefix(_PICTURE).strip(" ,;")
    # Filters would take away what merely looks like it; words beside a picture weigh, and do not exclude.
    rest, optional = _without_reference(rest), found.optional - {_PICTURE}
    found = replace(found, text=rest, named=(), language=detect(text), optional=optional)
    if comparison and found.price is None and (price := _compared(request, cheaper=comparison[1])):
        low, high = price.minimum, price.maximum
        if "price_min" in given.facets:
            low = None
        if "price_max" in given.facets:
            high = None
        found = replace(found, price=replace(price, minimum=low, maximum=high), price_phrase=comparison[0])
    return found


def _without_reference(text: str) -> str:
    """ "the same but in blue": "blue"; a text that is nothing else stays empty, because the picture says it."""
    match = _BEGINNING.match(text)
    return text[match.end() :].strip(" ,;") if match else text


def _compared(request: SearchRequest, *, cheaper: bool) -> Price | None:
    """A bound below, or above, the prices of the products whose pictures they are; None where none has a price."""
    rows = Product.objects.filter(sku__in=request.skus, status=Product.Status.PUBLISHED)
    prices = [price for price in rows.values_list("price", flat=True) if price is not None]
    if not prices:
        return None
    if cheaper:
        return Price(None, float(max(min(prices) - _CENT, Decimal(0))), 0, 0)
    return Price(float(max(prices) + _CENT), None, 0, 0)
