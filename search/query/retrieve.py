"""One request to the vector store for all that a search needs of it: the nearest by words, text and picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from qdrant_client import models

from search import metrics
from search.index.client import get_client
from search.index.live import Live
from search.index.schema import IMAGE, TERMS, TEXT
from search.query.alternatives import merged
from search.query.filters import Conditions, has_id
from search.query.floor import Nearness
from search.query.text_to_image import LIMIT, Looks
from search.query.understand import Understood
from search.terms import Sparse

CANDIDATES = 1000  # of each kind; a page lies within them
UNWANTED = 10_000  # products that unwanted words can take away
TEXT_TO_IMAGE = "text_to_image"  # the part that compares words with pictures
ALL = ""  # the variant with every filter; the others are named after the facet whose filter is lifted

Ranked = list[tuple[int, float]]  # (product id, score), best first


@dataclass
class Retrieved:
    """Ranked lists by variant and part, and what the catalogue knows of the query's words."""

    lists: dict[str, dict[str, Ranked]] = field(default_factory=dict)
    exact: dict[str, set[int]] = field(default_factory=dict)  # those of the exact products that meet the filters
    pinned: dict[str, set[int]] = field(default_factory=dict)  # the same of what rules pin
    best_of_word: dict[str, float] = field(default_factory=dict)  # 0: no product has it
    unwanted: set[int] = field(default_factory=set)
    preferred: list[set[int]] = field(default_factory=list)  # of each preference, those that meet it
    near: Nearness | None = None  # what the text's cosines are measured against


@metrics.stage("retrieve")
def retrieve(
    live: Live,
    understood: Understood,
    conditions: Conditions,
    *,
    near: Nearness | None,
    lifted: Sequence[str] = (),
    pinned: Sequence[int] = (),
    looks: Looks | None = None,
    preferences: Sequence[models.Filter] = (),
    every: bool = False,
) -> Retrieved:
    """Ask for every part and every variant in one batch. Raises VectorStoreError.

    With `every`, the filters say so much of what is asked for that whatever meets them is a candidate, however far its
    text may be.
    """
    asked: list[tuple[tuple[str, str], models.QueryRequest]] = []
    for variant in (ALL, *lifted):
        filter_ = conditions.filter_points(without=(variant,))
        for part, request in _parts(understood, filter_, None if every else near, looks).items():
            asked.append(((variant, part), request))
        if understood.terms[0]:
            asked += [((variant, TERMS), _terms_request(each, filter_, CANDIDATES)) for each in understood.wordings]
        if pinned:
            only = conditions.filter_points(without=(variant,), also=[has_id(pinned)])
            asked.append(((variant, "pinned"), models.QueryRequest(filter=only, limit=len(pinned))))
        if understood.exact:
            only = conditions.filter_points(without=(variant,), also=[has_id(understood.exact)])
            asked.append(((variant, "exact"), models.QueryRequest(filter=only, limit=len(understood.exact))))
    for word, terms in understood.words:
        asked.append((("word", word), _terms_request(terms, models.Filter(), limit=1)))
    for number, phrase in enumerate(understood.unwanted):
        for _, terms in phrase:
            away = _terms_request(terms, conditions.filter_points(), limit=UNWANTED)
            asked.append((("unwanted", str(number)), away))
    for number, preference in enumerate(preferences):
        if (preferred := _within(understood, conditions.filter_points(also=[preference]))) is not None:
            asked.append((("preferred", str(number)), preferred))
    answers = get_client().query_batch_points(live.name, [request for _, request in asked]) if asked else []

    result = Retrieved(lists={variant: {} for variant in (ALL, *lifted)}, near=near)
    away_from: dict[str, set[int]] = {}
    for ((group, name), _), answer in zip(asked, answers, strict=True):
        ranked = [(int(point.id), float(point.score)) for point in answer.points]
        if group == "word":
            # A word comes again with each of its synonyms.
            best = ranked[0][1] if ranked else 0.0
            result.best_of_word[name] = max(best, result.best_of_word.get(name, 0.0))
        elif group == "unwanted":
            have = {id for id, _ in ranked}
            away_from[name] = away_from[name] & have if name in away_from else have
        elif group == "preferred":
            result.preferred.append({id for id, _ in ranked})
        elif name == "exact":
            result.exact[group] = {id for id, _ in ranked}
        elif name == "pinned":
            result.pinned[group] = {id for id, _ in ranked}
        elif name in result.lists[group]:  # the same words in another wording
            result.lists[group][name] = merged([result.lists[group][name], ranked], CANDIDATES)
        else:
            result.lists[group][name] = ranked
    result.unwanted = set().union(*away_from.values())
    result.pinned = {variant: ids - result.unwanted for variant, ids in result.pinned.items()}
    return result


def _parts(
    understood: Understood, filter_: models.Filter, near: Nearness | None, looks: Looks | None
) -> dict[str, models.QueryRequest]:
    parts = {}
    # Words are looked up in every mode: where they do not rank, they still tell what the catalogue knows.
    if understood.terms[0]:
        parts[TERMS] = _terms_request(understood.terms, filter_, CANDIDATES)
    if understood.text is not None:
        parts[TEXT] = models.QueryRequest(
            query=understood.text.tolist(),
            using=TEXT,
            filter=filter_,
            limit=CANDIDATES,
            score_threshold=near.low if near else None,
        )
    if looks is not None:
        parts[TEXT_TO_IMAGE] = models.QueryRequest(
            query=looks.vector.tolist(), using=IMAGE, filter=filter_, limit=LIMIT, score_threshold=looks.low
        )
    if understood.image is not None:
        parts[IMAGE] = models.QueryRequest(
            query=understood.image.tolist(), using=IMAGE, filter=filter_, limit=CANDIDATES
        )
    return parts


def _within(understood: Understood, filter_: models.Filter) -> models.QueryRequest | None:
    """The best by words that meet a filter, or by meaning where there are no words."""
    if understood.terms[0]:
        return _terms_request(understood.terms, filter_, CANDIDATES)
    if understood.text is not None:
        return models.QueryRequest(query=understood.text.tolist(), using=TEXT, filter=filter_, limit=CANDIDATES)
    return None


def _terms_request(terms: Sparse, filter_: models.Filter, limit: int) -> models.QueryRequest:
    indices, values = terms
    return models.QueryRequest(
        query=models.SparseVector(indices=indices, values=values), using=TERMS, filter=filter_, limit=limit
    )
