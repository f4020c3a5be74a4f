"""From clicks to what rankers learn: how much a place is looked at, and what a click there says."""

import uuid
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from search.log.clicks import Click
from search.models import LoggedSearch, RankingVersion
from search.ranking import clicks, learning
from search.ranking.clicks import USUAL_ETA, Propensity, Shown, estimate, groups_of
from search.ranking.features import NAMES
from search.ranking.ranker import train
from tests.search.ranking.samples import AT


def visits(eta: float, searches: int, *, moved: bool = True, seed: int = 3) -> list[Shown]:
    """Searches by people who look at a place with (1 / place) ** eta, and click what they see as it is worth it."""
    random = np.random.default_rng(seed)
    worth = {query: random.uniform(0.05, 0.9, 12) for query in range(15)}
    found = []
    for number in range(searches):
        query = number % len(worth)
        order = np.argsort(-worth[query] + (random.normal(0, 0.4, 12) if moved else 0.0), kind="stable")
        looked = random.random(12) < np.arange(1, 13) ** -eta
        clicked = looked & (random.random(12) < worth[query][order])
        rows = np.zeros((12, len(NAMES)))
        rows[:, AT["price"]] = worth[query][order]
        rows[:, AT["fused_score"]] = 61 / (60 + np.arange(1, 13))
        if clicked.any():
            ids = (order + 100 * query).tolist()
            found.append(Shown(f"query {query}", ids, rows, clicked.astype(np.int64)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("eta", [0.0, 0.7, 1.4])
def test_how_much_places_are_looked_at_is_read_off_what_was_moved(eta):
    # Searches without a click are not in the log that is read; that most had one keeps the estimate near.
    assert estimate(visits(eta, 4000)).eta == pytest.approx(eta, abs=0.2)


def test_without_moves_the_usual_is_assumed():
    assert estimate(visits(0.5, 500, moved=False)) == Propensity(USUAL_ETA, 0)
    assert estimate([]) == Propensity(USUAL_ETA, 0)


def test_a_click_further_down_weighs_more_and_never_without_bound():
    weights = Propensity(1.0, 0).weights(100)
    assert weights[0] == 1
    assert (np.diff(weights) >= 0).all()
    assert weights.max() == clicks.LARGEST_WEIGHT


@pytest.mark.slow
def test_weights_undo_the_bias_of_places():
    # The log shows what is worth little first; unweighted clicks would call that good.
    random = np.random.default_rng(8)
    logged = []
    for number in range(3000):
        worth = np.sort(random.uniform(0.1, 0.5, 10))
        looked = random.random(10) < np.arange(1, 11) ** -1.0
        clicked = looked & (random.random(10) < worth)
        rows = np.zeros((10, len(NAMES)))
        rows[:, AT["price"]] = worth
        if clicked.any():
            logged.append(Shown(f"query {number}", list(range(10)), rows, clicked.astype(np.int64)))

    def learned(eta: float) -> float:
        trained = train(groups_of(logged, Propensity(eta, 0)), prior=0.0)
        rows = np.zeros((20, len(NAMES)))
        rows[:, AT["price"]] = np.linspace(0.1, 0.5, 20)
        return float(np.corrcoef(trained.score(rows), rows[:, AT["price"]])[0, 1])

    assert learned(0.0) < 0 < learned(1.0)


CLICKS: list[Click] = []


def told(since, until=None):
    return iter(CLICKS)


@pytest.fixture
def log(db, settings, quick_learning):
    settings.SEARCH_CLICKS = f"{__name__}.told"
    CLICKS.clear()

    def write(query: str, shown: list[int], clicked: dict[int, str], **fields):
        row = LoggedSearch.objects.create(
            id=uuid.uuid4(), query=query, normalised=query, mode="hybrid", surface="page", total=len(shown), took_ms=1,
            shown=shown, visitor=uuid.uuid4(),
            **{"features": {str(id): [float(id)] * len(NAMES) for id in shown}, **fields},
        )  # fmt: skip
        CLICKS.extend(
            Click(row.id, query, id, shown.index(id), row.visitor, timezone.now(), kind) for id, kind in clicked.items()
        )
        return row

    return write


def test_the_log_is_read_with_what_was_done_and_what_was_seen(log):
    log("chair", [3, 1, 2], {1: "click", 2: "purchase"})
    CLICKS.append(Click(CLICKS[0].search_id, "chair", 2, 2, None, timezone.now(), "click"))
    (found,) = clicks.read()
    assert (found.query, list(found.ids), found.grades.tolist()) == ("chair", [3, 1, 2], [0, 1, 3])
    assert found.rows[:, 0].tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    "fields",
    [
        {"features": None},
        {"narrowed": True},
        {"picture": True},
        {"features": {"1": [1.0]}},
        {"features": {"1": "x", "2": None}},
        {"happened_at": timezone.now() - timedelta(days=200)},
    ],
)
def test_what_teaches_nothing_is_left_out(log, fields):
    log("chair", [1, 2], {1: "click"}, **fields)
    assert clicks.read() == []


def test_searches_without_a_click_teach_nothing(log):
    log("chair", [1, 2], {})
    assert clicks.read() == []


@pytest.mark.slow
def test_the_daily_fit_waits_for_enough_queries_and_for_its_day(log, settings):
    for number in range(learning.FEWEST_QUERIES - 1):
        log(f"query {number}", [1, 2, 3], {2: "click"})
    assert learning.learn_from_clicks_if_due() == []
    log("one more", [1, 2, 3], {2: "click"})
    assert {each.version.kind for each in learning.learn_from_clicks_if_due()} == {"fusion", "ranker"}
    assert learning.learn_from_clicks_if_due() == []  # not due again
    settings.SEARCH_LEARN_HOURS = 0
    RankingVersion.objects.all().delete()
    assert learning.learn_from_clicks_if_due() == []
    assert "propensity" not in RankingVersion.objects.values_list("report", flat=True)
