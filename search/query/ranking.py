"""What was learned, at the places of a search where it counts. Whatever is wrong with it, the search stands.

The modules of `search.ranking` are imported when they are needed: they build on those of `search.query`.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from search.encoders.base import EncoderError
from search.index.errors import VectorStoreError
from search.index.live import Live
from search.query import fusion, text_to_image
from search.query.configuration import Configuration
from search.query.fusion import Fusion, Prior, Scored
from search.query.request import Mode, SearchRequest
from search.query.retrieve import TEXT_TO_IMAGE, Retrieved
from search.query.text_to_image import Looks

if TYPE_CHECKING:
    from search.ranking.features import Asked

log = logging.getLogger(__name__)

# What may be in an explanation besides the lists by words, meaning and picture.
PARTS = (TEXT_TO_IMAGE, fusion.BEHAVIOUR, "ranker", "cross_encoder")


def configuration_of(request: SearchRequest) -> Configuration:
    return request.configuration or Configuration()


def fusion_for(request: SearchRequest, mode: Mode, degraded: list[str]) -> Fusion:
    """How the lists of a search by words are added up."""
    from search.ranking import serving

    try:
        return serving.fusion_for(mode, configuration_of(request))
    except Exception:
        log.exception("The learned fusion could not be used")
        degraded.append("Added up as it ships, because the learned weights could not be used.")
        return Fusion(fusion.WEIGHTS[mode])


def looks_for(q: str, live: Live, how: Fusion, degraded: list[str]) -> Looks | None:
    """What the words ask of pictures, where pictures have a weight."""
    if not q or not how.weights.get(TEXT_TO_IMAGE):
        return None
    try:
        return text_to_image.looks_of(live, q)
    except (EncoderError, VectorStoreError) as error:
        degraded.append(f"Words were not held against pictures: {error}")
        return None


def prior_for(q: str, how: Fusion) -> Prior | None:
    """How much shoppers want products, where that has a weight."""
    if not how.weights.get(fusion.BEHAVIOUR):
        return None
    return _prior(q)


def _prior(q: str) -> Prior | None:
    from search.ranking import serving

    try:
        prior = serving.prior_for(q)
    except Exception:
        log.exception("SEARCH_BEHAVIOUR names nothing that can be asked")
        return None

    def safely(ids: Sequence[int]) -> dict[int, float]:
        try:
            return dict(prior(ids)) if prior else {}
        except Exception:
            log.exception("It could not be told how much products are wanted")
            return {}

    return safely


def reranked(
    request: SearchRequest, ranked: list[Scored], q: str, retrieved: Retrieved, degraded: list[str]
) -> list[Scored]:
    """In the order of what was learned, for a search by words alone."""
    from search.ranking import serving

    for place, each in enumerate(ranked):
        each.place, each.fused = place, each.score
    if not q or request.pictured or request.sort != "relevance" or request.mode != "hybrid":
        return ranked
    try:
        return serving.reranked(ranked, _asked(q, retrieved), configuration_of(request), explain=request.explain)
    except Exception:
        log.exception("Hits could not be put into the learned order")
        degraded.append("In the order of the fusion, because the learned one failed.")
        return ranked


def features_of(
    request: SearchRequest, ranked: Sequence[Scored], ids: Sequence[int], q: str, retrieved: Retrieved
) -> dict[str, list[float]] | None:
    """What a ranker sees of the hits that are shown, for the log; None where nothing asks for it."""
    from search.ranking import serving

    if not request.features or not q or request.pictured or request.sort != "relevance":
        return None
    among = set(ids)
    shown = [each for each in ranked if each.id in among]
    try:
        return serving.told(shown, _asked(q, retrieved), sorted(ranked, key=lambda each: each.place))
    except Exception:
        log.exception("The features of hits could not be computed")
        return None


def _asked(q: str, retrieved: Retrieved) -> "Asked":
    from search.ranking.features import Asked

    return Asked(q, retrieved.near, _prior(q))
