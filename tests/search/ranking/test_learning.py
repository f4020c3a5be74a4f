"""What is learned goes live only if it wins on held-out queries, and can be taken back."""

import pytest

from search.models import RankingVersion
from search.query.fusion import Fusion
from search.ranking import versions
from search.ranking.fusion_weights import as_json, fusion_from
from search.ranking.groups import folds
from search.ranking.learning import FOLDS, LearningError, learn
from search.remembered import forget
from tests.search.ranking.samples import group, telling

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_learning")]


@pytest.fixture
def ranker_learned():
    (outcome,) = learn(telling(), "made up", kinds=["ranker"])
    return outcome


def test_what_wins_on_held_out_queries_goes_live_with_its_report(ranker_learned, django_capture_on_commit_callbacks):
    version = ranker_learned.version
    assert ranker_learned.better
    assert version.live
    assert ranker_learned.held_out > ranker_learned.plain + 0.1
    assert version.report["against_plain"]["interval"][0] > 0
    assert version.report["searches"] == 30
    forget()
    assert versions.live().ranker_version == version.pk
    assert versions.live().ranker is not None


@pytest.mark.slow
def test_what_does_not_win_is_kept_back_and_says_why():
    outcomes = learn(telling(noise=True), "made up")
    assert [each.better for each in outcomes] == [False, False]
    assert not RankingVersion.objects.filter(live=True).exists()
    assert all("Kept back: not better" in version.note for version in RankingVersion.objects.all())
    assert versions.live() == versions.Live()


def test_where_other_weights_are_no_better_those_that_ship_are_kept():
    (outcome,) = learn(telling(noise=True), "made up", kinds=["fusion"])
    kept = fusion_from(outcome.version.weights)
    assert (kept.weights["terms"], kept.weights["text"], kept.by) == (2.0, 1.0, "ranks")
    assert (outcome.against_plain.wins, outcome.against_plain.losses) == (0, 0)


@pytest.mark.slow
def test_few_queries_prove_nothing():
    (outcome,) = learn(telling(8), "made up", kinds=["ranker"])
    assert not outcome.version.live
    assert "too few" in outcome.version.note


def test_without_queries_nothing_is_learned():
    with pytest.raises(LearningError, match="At least 5"):
        learn(telling(FOLDS - 1), "made up")


@pytest.mark.slow
def test_it_can_be_measured_without_publishing():
    (outcome,) = learn(telling(), "made up", kinds=["ranker"], publish=False)
    assert outcome.better
    assert not outcome.version.live


@pytest.mark.slow
def test_the_next_one_has_to_beat_what_is_live(ranker_learned):
    forget()
    (second,) = learn(telling(), "made up", kinds=["ranker"])
    assert second.against_plain.interval[0] > 0
    assert second.against_live is not None
    assert not second.better  # the same again is no better
    assert "what is live" in second.version.note
    assert RankingVersion.objects.get(live=True) == ranker_learned.version


def test_weights_are_learned_where_meaning_tells_more_than_words():
    made = []
    for number in range(25):
        # By words in order; by meaning the last is first, and it is what was wanted.
        text = [61 / (60 + rank) for rank in range(12, 0, -1)]
        made.append(group(f"q{number}", {"text_rank": text, "text_nearness": text}, [0] * 11 + [3]))
    (outcome,) = learn(made, "made up", kinds=["fusion"])
    assert outcome.version.live
    forget()
    live = versions.live().fusion
    assert live is not None
    assert live.weights["text"] > live.weights["terms"]


def test_searches_for_the_same_words_are_held_out_together():
    groups = [group(f"q{number % 7}", {}, [1, 0]) for number in range(40)]
    parts = folds(groups, 5)
    assert sorted(place for part in parts for place in part) == list(range(40))
    of_query = {}
    for number, part in enumerate(parts):
        for place in part:
            assert of_query.setdefault(groups[place].query, number) == number


def fusion_version(**fields):
    weights = as_json(Fusion({"terms": 1.0, "text": 0.5}))
    return RankingVersion.objects.create(kind="fusion", source="made up", **{"weights": weights, **fields})


def test_going_back_twice_goes_back_two_steps_and_then_to_what_ships():
    first, second, third = (fusion_version() for _ in range(3))
    for version in (first, second, third):
        versions.publish(version)
    assert RankingVersion.objects.get(live=True) == third
    assert versions.roll_back("fusion") == second
    assert versions.roll_back("fusion") == first
    assert versions.roll_back("fusion") is None
    assert not RankingVersion.objects.filter(live=True).exists()


@pytest.mark.parametrize(
    "weights",
    [{}, [], "x", {"weights": {}}, {"weights": {"terms": -1}, "by": "ranks", "rank_constant": 60},
     {"weights": {"terms": 1}, "by": "magic", "rank_constant": 60},
     {"weights": {"stars": 1}, "by": "ranks", "rank_constant": 60},
     {"weights": {"terms": float("inf")}, "by": "ranks", "rank_constant": 60},
     {"weights": {"terms": 0.0}, "by": "ranks", "rank_constant": 60}],
)  # fmt: skip
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match="weight"):
        fusion_from(weights)


def test_a_version_that_cannot_be_read_is_not_published_and_counts_as_none(caplog):
    broken = fusion_version(weights={"weights": {"stars": 1}})
    with pytest.raises(versions.VersionError, match="cannot be served"):
        versions.publish(broken)
    RankingVersion.objects.filter(pk=broken.pk).update(live=True)
    forget()
    assert versions.live() == versions.Live()
    assert "cannot be served" in caplog.text


def test_a_ranker_of_other_features_is_not_served(ranker_learned):
    RankingVersion.objects.filter(live=True).update(features=["price"])
    forget()
    assert versions.live().ranker is None
    with pytest.raises(versions.VersionError, match="other features"):
        versions.publish(RankingVersion.objects.get())
