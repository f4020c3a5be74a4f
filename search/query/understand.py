"""What a request asks for: an exact code, words, words to stay away from, a picture; each as the index takes it."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from django.conf import settings

from catalog.models import Product, ProductCode
from catalog.text import normalise_code
from search import metrics
from search.encoders.base import EncoderError, Vectors
from search.encoders.registry import Spec, encoder_for
from search.index.live import Live
from search.language import vocabulary
from search.query.alternatives import Alternatives, alternatives
from search.query.configuration import Configuration
from search.query.pictured import Pictured, read_pictures
from search.query.request import SearchRequest
from search.terms import Sparse, languages, query_terms, word_terms

# A code that names more products than this is no code ("black", typed into the field of the model number).
MOST_PRODUCTS_OF_A_CODE = 20
MOST_WORDS_PROBED = 12
CACHED_QUERIES = 2048
# How far the query's vector is pushed from that of the unwanted words.
AWAY = 0.4


@dataclass
class Understood:
    """A request as the index takes it. Vectors are None where the request has no such part or its encoder failed."""

    exact: list[int] = field(default_factory=list)  # product ids
    terms: Sparse = field(default_factory=lambda: ([], []))
    wordings: list[Sparse] = field(default_factory=list)  # the terms with synonyms in their words' place
    synonyms: dict[str, list[str]] = field(default_factory=dict)  # phrase -> what it finds as well
    words: list[tuple[str, Sparse]] = field(default_factory=list)  # each word alone, to see which the catalogue knows
    unwanted: list[list[tuple[str, Sparse]]] = field(default_factory=list)  # phrases, all of whose words are unwanted
    text: Vectors | None = None  # (dim,)
    image: Vectors | None = None  # (dim,), of the picture, or of picture and words composed
    pictures: Pictured | None = None  # what the pictures ask for, and the products of `image_of`
    degraded: list[str] = field(default_factory=list)


def exact_products(q: str) -> list[int]:
    """Ids of the products that a code names: sku, then EAN, then model number."""
    normalised = normalise_code(q)
    # Names without a digit are sometimes entered as model numbers ("Optical Mouse"); as words they find as much.
    if len(normalised) < 2:
        return []
    order = {ProductCode.Kind.SKU: 0, ProductCode.Kind.EAN: 1, ProductCode.Kind.MPN: 2}
    rows = list(
        ProductCode.objects.filter(normalised=normalised, product__status=Product.Status.PUBLISHED)
        .order_by("product_id")
        .values_list("product_id", "kind")[: MOST_PRODUCTS_OF_A_CODE + 1]
    )
    if not any(character.isdigit() for character in normalised):
        rows = [row for row in rows if row[1] == ProductCode.Kind.SKU]
    if len(rows) > MOST_PRODUCTS_OF_A_CODE:
        return []
    return list(dict.fromkeys(id for id, _ in sorted(rows, key=lambda row: (order[ProductCode.Kind(row[1])], row[0]))))


@metrics.stage("understand")
def understand(
    request: SearchRequest,
    live: Live,
    *,
    exact: Sequence[int] = (),
    optional: Collection[str] = (),
    spare: Collection[str] = (),
    stood_for: Collection[str] = (),
    unwanted: Sequence[str] = (),
    meaning: str = "",
    language: str = "",
) -> Understood:
    """Look up and encode. Raises BadRequest for an unknown product, SearchUnavailable without any way to go on.

    `exact` are products that the words name by a code, `optional` words that are left out (stop words), `spare` words
    that need not be met, `stood_for` words that a filter stands for, `unwanted` phrases to stay away from beside those
    of `not_q`, `meaning` a text to encode in place of the words, `language` that of the query.
    """
    understood = Understood(exact=list(exact))
    own, others = settings.LANGUAGE_CODE, languages(except_=settings.LANGUAGE_CODE)
    q = request.q.strip()
    if q:
        # What a filter stands for all hits have, so that it says nothing of their order, unless there is nothing else.
        left_out = {*optional, *stood_for}
        if not any(word not in left_out for word, _ in word_terms(q, own, others)):
            left_out = {*optional}
        understood.terms = query_terms(q, own, others, without=left_out)
        free = {*optional, *spare}
        understood.words = [each for each in word_terms(q, own, others) if each[0] not in free][:MOST_WORDS_PROBED]
        configuration = request.configuration or Configuration()
        other = alternatives(q, own, others, live, left_out) if configuration.synonyms else Alternatives()
        understood.wordings, understood.synonyms = other.wordings, other.told
        known = {word for word, _ in understood.words}
        understood.words += [(word, terms) for word, terms in other.words if word in known]
        if request.mode != "lexical":
            try:
                # Likeness to words that the encoder cannot read is chance, which would only blur what the words find.
                if request.mode == "semantic" or _reads(live.text_spec, language):
                    away = " ".join([request.not_q.strip(), *unwanted]).strip()
                    understood.text = encode_words(live.text_spec, meaning or q, away)
            except EncoderError as error:
                understood.degraded.append(f"Searched by words alone, because the text encoder failed: {error}")
    # A word that is also asked for takes nothing away: "mouse" without "mouse pad" still wants mice.
    asked = {word for word, _ in understood.words}
    phrases = [[each] for each in word_terms(request.not_q, own, others)[:MOST_WORDS_PROBED]]
    phrases += [word_terms(phrase, own, others)[:MOST_WORDS_PROBED] for phrase in unwanted]
    understood.unwanted = [phrase for phrase in phrases if phrase and not all(word in asked for word, _ in phrase)]
    if request.pictured:
        understood.pictures = read_pictures(
            live,
            images=request.images,
            skus=request.skus,
            crops=request.crop,
            text=q,
            negative=" ".join([request.not_q.strip(), *unwanted]).strip(),
        )
        understood.image = understood.pictures.vector
    return understood


def _reads(spec: Spec, language: str) -> bool:
    """Whether the text encoder is to be asked: it reads the language, or the catalogue has no words of it either.

    Encoders without `languages` read all. Raises EncoderError.
    """
    languages = getattr(encoder_for(spec), "languages", None)
    return languages is None or language in languages or language not in vocabulary.current().languages


def encode_words(spec: Spec, q: str, away: str = "") -> Vectors:
    """The vector of a query, remembered for the next one who asks the same."""
    metrics.QUERY_VECTORS.inc(2 if away else 1)
    vector = _encoded(json.dumps(spec, sort_keys=True), q)
    if away:
        vector = vector - AWAY * _encoded(json.dumps(spec, sort_keys=True), away)
        vector = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return vector


@lru_cache(maxsize=CACHED_QUERIES)
def _encoded(spec: str, text: str) -> Vectors:
    metrics.QUERY_VECTORS_ENCODED.inc()
    with metrics.stage("encode"):
        vector: Vectors = encoder_for(json.loads(spec)).encode_text([text], query=True)[0]
    vector.flags.writeable = False
    return vector
