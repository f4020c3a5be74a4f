"""Trees on top of the fusion: what they learn, how they are kept, and what is refused."""

import sys

import numpy as np
import pytest

from search.ranking import ranker
from search.ranking.features import FEATURES, NAMES
from search.ranking.ranker import RankerError, fit, ranker_from, train
from tests.search.ranking.samples import AT, group, telling


@pytest.fixture(scope="module")
def cheap_first():
    return train(telling(), prior=4.0)


def test_it_learns_what_the_fusion_does_not_know(cheap_first):
    unseen = telling(seed=2)
    plain = np.mean([each.ndcg(-np.arange(20.0)) for each in unseen])
    learned = np.mean([each.ndcg(cheap_first.score(each.rows)) for each in unseen])
    assert learned > plain + 0.2
    assert next(iter(cheap_first.importance())) == "price"


def test_the_same_samples_make_the_same_ranker(cheap_first):
    assert train(telling(), prior=4.0).to_text() == cheap_first.to_text()


def test_it_is_read_back_as_it_was(cheap_first):
    read = ranker_from(cheap_first.to_text(), cheap_first.prior)
    rows = telling(seed=3)[0].rows
    assert read.score(rows) == pytest.approx(cheap_first.score(rows))


def test_contributions_add_up_to_the_score(cheap_first):
    rows = telling(seed=4)[0].rows
    assert cheap_first.contributions(rows).sum(axis=1) == pytest.approx(cheap_first.score(rows))


def test_more_of_what_should_help_never_lowers_a_hit():
    # Judged the wrong way round: the fewer words, the better.
    random = np.random.default_rng(5)
    backwards = []
    for number in range(30):
        share = random.uniform(0, 1, 20)
        backwards.append(group(f"q{number}", {"title_words": share.tolist()}, (share < 0.3).astype(int).tolist()))
    trained = train(backwards, prior=4.0)
    rows = np.repeat(backwards[0].rows[:1], 50, axis=0)
    rows[:, AT["title_words"]] = np.linspace(0, 1, 50)
    assert (np.diff(trained.score(rows)) >= -1e-9).all()


@pytest.mark.slow
def test_where_nothing_can_be_learned_the_strongest_prior_is_taken():
    already_right = [group(f"q{number}", {}, [2, 1, *[0] * 10]) for number in range(6)]
    assert fit(already_right).prior == max(ranker.PRIORS)
    assert fit(telling()).prior < max(ranker.PRIORS)


def test_grades_that_are_all_alike_teach_nothing():
    with pytest.raises(RankerError, match="different grades"):
        train([group("q", {}, [1, 1, 1])], prior=4.0)


@pytest.mark.parametrize("text", ["", "tree", "tree\nversion=v4\n", "cos\nsystem\n(S'echo'\ntR.", "x" * 99])
def test_what_is_no_model_is_refused(text):
    with pytest.raises(RankerError):
        ranker_from(text, 4.0)


@pytest.mark.parametrize("prior", [None, "4", -1, float("nan"), 1e9])
def test_a_prior_that_is_none_is_refused(cheap_first, prior):
    with pytest.raises(RankerError, match="no number"):
        ranker_from(cheap_first.to_text(), prior)


def test_a_model_of_other_features_is_refused(cheap_first):
    lightgbm = ranker.library()
    data = lightgbm.Dataset(np.random.default_rng(0).random((60, 3)), label=np.arange(60) % 2, params={"verbosity": -1})
    other = lightgbm.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, num_boost_round=2)
    with pytest.raises(RankerError, match="3 features"):
        ranker_from(other.model_to_string(), 4.0)


def test_a_machine_without_the_library_is_told_so(monkeypatch):
    ranker.library.cache_clear()
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(RankerError, match="not installed"):
        train(telling(5), prior=4.0)
    ranker.library.cache_clear()


def test_every_feature_has_a_name_of_its_own_and_says_what_it_is():
    assert len(set(NAMES)) == len(NAMES)
    assert all(feature.meaning and feature.rises in (-1, 0, 1) for feature in FEATURES)
