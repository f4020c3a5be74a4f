"""The learned part of a search that is being answered: which weights its fusion has, and what a ranker makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from django.conf import settings
from django.utils.module_loading import import_string

from search.query import fusion
from search.query.configuration import Configuration
from search.query.fusion import BEHAVIOUR, Fusion, Prior, Scored, guarded
from search.query.request import Mode
from search.query.retrieve import TEXT_TO_IMAGE
from search.ranking import cross_encoder, versions
from search.ranking.features import NAMES, Asked, features, usual_price
from search.ranking.ranker import Ranker

RANKER = "ranker"  # the part's name in an explanation
DEPTH = 100  # hits from the first that a ranker orders
MOST_TOLD = 8  # features in an explanation, those that added or took most


def fusion_for(mode: Mode, configuration: Configuration) -> Fusion:
    """How the lists of a search by words are added up: as fitted, where a fitted fusion is live, else as it ships.

    What a configuration sets goes before both. Only the hybrid mode has anything to weigh.
    """
    usual = fusion.WEIGHTS[mode]
    if mode != "hybrid":
        return Fusion(usual)
    weak = {TEXT_TO_IMAGE: settings.SEARCH_TEXT_TO_IMAGE_WEIGHT, BEHAVIOUR: settings.SEARCH_BEHAVIOUR_WEIGHT}
    # "ranker": "none" asks for nothing that was learned.
    fitted = versions.live().fusion if configuration.ranker != "none" else None
    found = fitted or Fusion({**usual, **weak})
    return replace(found, weights=configuration.weights({**dict.fromkeys(weak, 0.0), **found.weights}))


def prior_for(q: str) -> Prior | None:
    """How much shoppers want products, for this query; None without SEARCH_BEHAVIOUR."""
    return partial(import_string(settings.SEARCH_BEHAVIOUR), q) if settings.SEARCH_BEHAVIOUR else None


def reranked(
    ranked: list[Scored], asked: Asked, configuration: Configuration, *, explain: bool = False
) -> list[Scored]:
    """The same hits, the first DEPTH of them in the order of the live ranker and of a cross-encoder, where there are.

    Exact codes stay in front, and what has none of the words stays below what covers them, whatever was learned.
    """
    ranker, number = _ranker(configuration)
    if ranker is not None:
        ranked = _by_ranker(ranker, number, ranked, asked, explain=explain)
    if configuration.ranker != "none" and cross_encoder.configured():
        ranked = cross_encoder.reranked(ranked, asked.q)
    return ranked


def told(hits: Sequence[Scored], asked: Asked, among: Sequence[Scored]) -> dict[str, list[float]]:
    """The features of the hits that are shown, by product id as the log has it. Two queries, or three with a prior.

    `among` are all hits in the order of the fusion.
    """
    rows = features(hits, _priced(asked, among))
    return {str(hit.id): [round(value, 5) for value in row] for hit, row in zip(hits, rows, strict=True)}


def _ranker(configuration: Configuration) -> tuple[Ranker | None, int | None]:
    if configuration.ranker == "none":
        return None, None
    if configuration.ranker == "live":
        live = versions.live()
        return live.ranker, live.ranker_version
    number = int(configuration.ranker)
    return versions.ranker_of(number), number


def _by_ranker(
    ranker: Ranker, number: int | None, ranked: list[Scored], asked: Asked, *, explain: bool
) -> list[Scored]:
    start = next((place for place, each in enumerate(ranked) if "exact" not in each.parts), len(ranked))
    movable = ranked[start : start + DEPTH]
    if len(movable) < 2:
        return ranked
    rows = features(movable, _priced(asked, ranked))
    scores = ranker.score(rows)
    order = sorted(range(len(movable)), key=lambda place: (-scores[place], place))
    ordered = guarded([movable[place] for place in order])
    was = {each.id: place for place, each in enumerate(movable)}
    shares = ranker.contributions(rows) if explain else None
    for place, each in enumerate(ordered):
        before = was[each.id]
        each.parts[RANKER] = {"score": round(float(scores[before]), 4), "moved": before - place, "version": number}
        if shares is not None:
            each.parts[RANKER]["features"] = _most(shares[before].tolist())
    return [*ranked[:start], *ordered, *ranked[start + DEPTH :]]


def _most(shares: Sequence[float]) -> Mapping[str, float]:
    """What the features added to a score, largest first; those that hardly mattered together."""
    named = dict(zip((*NAMES, "base"), shares, strict=True))
    base = named.pop("base")
    largest = sorted(named, key=lambda name: -abs(named[name]))
    shown = {name: round(named[name], 4) for name in largest[:MOST_TOLD] if abs(named[name]) >= 1e-4}
    rest = sum(value for name, value in named.items() if name not in shown)
    return {**shown, "others": round(rest, 4), "base": round(base, 4)}


def _priced(asked: Asked, among: Sequence[Scored]) -> Asked:
    return replace(asked, usual_price=usual_price([each.id for each in among[:DEPTH]]))
