"""What visitors get while an experiment runs, and what the log says of it."""

import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from search.experiments import running
from search.experiments.assignment import arm_of
from search.models import Experiment, LoggedSearch, SearchConfiguration
from search.query import SearchRequest, search
from search.query.configuration import Configuration, configuration_of

URL = "/api/v1/search"


@pytest.fixture
def words() -> SearchConfiguration:
    return SearchConfiguration.objects.create(name="words", overrides={"semantic": False})


@pytest.fixture
def experiment(shop, settings, words):
    """Makes and starts one."""
    settings.SEARCH_LOG_SAMPLE, settings.SEARCH_LOG_SECONDS = 1, 0

    def make(mode: str, **more) -> Experiment:
        made = Experiment.objects.create(name=uuid.uuid4().hex, mode=mode, configuration_b=words, **more)
        running.start(made)
        return made

    running.forget()
    yield make
    running.forget()


def visitor(number: int) -> Client:
    return Client(headers={"X-Shopper-Session": f"a visitor of the test {number:03}"})


@pytest.mark.slow
def test_each_visitor_stays_in_one_arm_and_the_log_says_which(experiment):
    running_one = experiment("split")
    modes = {}
    for number in range(30):  # all in one arm by chance: once in half a thousand million
        for q in ("chair", "lamp"):
            query = visitor(number).get(URL, {"q": q}).json()["query"]
            row = LoggedSearch.objects.get(pk=query["id"])
            assert row.experiment == running_one
            assert row.arm == arm_of(running_one.salt, row.visitor, 1.0)
            assert query["mode"] == row.mode == {"a": "hybrid", "b": "lexical"}[row.arm]
            modes.setdefault(row.visitor, set()).add(row.arm)
    assert all(len(arms) == 1 for arms in modes.values())
    assert {arm for arms in modes.values() for arm in arms} == {"a", "b"}


@pytest.mark.slow
def test_interleaved_pages_repeat_nothing_and_the_log_knows_the_teams(experiment):
    experiment("interleave")
    whole = visitor(1).get(URL, {"q": "chair", "page_size": 6}).json()
    by_pages = []
    for page in (1, 2, 3):
        answer = visitor(1).get(URL, {"q": "chair", "page_size": 2, "page": page}).json()
        row = LoggedSearch.objects.get(pk=answer["query"]["id"])
        assert len(row.teams) == len(row.shown) == len(answer["hits"])
        assert set(row.teams) <= set("ab-")
        assert (row.arm, row.first) == ("", 2 * (page - 1))
        by_pages += [hit["sku"] for hit in answer["hits"]]
    assert by_pages == [hit["sku"] for hit in whole["hits"]]
    assert len(set(by_pages)) == len(by_pages)
    assert whole["facets"]


def test_who_takes_no_part_gets_the_search_as_it_is(experiment):
    experiment("split", share=0.0)
    query = visitor(1).get(URL, {"q": "chair"}).json()["query"]
    assert LoggedSearch.objects.get(pk=query["id"]).experiment is None
    refused = Client(headers={"DNT": "1"}).get(URL, {"q": "chair"}).json()["query"]
    assert refused["mode"] == "hybrid"


def test_an_experiment_that_cannot_be_read_changes_nothing(experiment):
    made = experiment("split")
    Experiment.objects.filter(pk=made.pk).update(a={"overrides": {"no such": 1}}, b={"overrides": 7})
    running.forget()
    answer = visitor(1).get(URL, {"q": "chair"})
    assert answer.status_code == 200
    assert answer.json()["query"]["mode"] == "hybrid"


def test_what_runs_is_asked_of_the_database_now_and_then(experiment):
    experiment("split")
    visitor(1).get(URL, {"q": "chair"})
    with CaptureQueriesContext(connection) as queries:
        visitor(1).get(URL, {"q": "chair"})
    assert not [each for each in queries if "search_experiment" in each["sql"]]


@pytest.mark.django_db
def test_only_a_draft_with_two_ways_to_search_starts_and_one_at_a_time(words, settings):
    same = Experiment.objects.create(name="same")
    with pytest.raises(running.ExperimentError, match="alike"):
        running.start(same)
    first = Experiment.objects.create(name="first", configuration_b=words)
    running.start(first)
    assert first.b == {"name": "words", "mode": "hybrid", "overrides": {"semantic": False}}
    words.overrides = {"synonyms": False}
    words.save()
    assert running.arms(Experiment.objects.get(pk=first.pk))[1].configuration == Configuration(semantic=False)
    second = Experiment.objects.create(name="second", configuration_b=words)
    with pytest.raises(running.ExperimentError, match="Another"):
        running.start(second)
    running.stop(first)
    with pytest.raises(running.ExperimentError, match="draft"):
        running.start(first)
    running.start(second)
    running.stop(second)
    running.forget()


@pytest.mark.parametrize(
    "overrides",
    [[], {"no_such": 1}, {"semantic": 1}, {"fusion": {"terms": -1}}, {"fusion": {"terms": float("nan")}},
     {"fusion": {"words": 1}}, {"fusion": 3}, {"personal_weight": 1.5}, {"personal_max_move": 1.5}, {"ranker": "best"},
     {"ranker": True}],
)  # fmt: skip
def test_overrides_are_hostile_until_they_are_read(overrides):
    with pytest.raises(ValueError, match=r"\w+ .*\."):
        configuration_of(overrides)


def test_configurations_differ_in_what_they_override(shop, settings):
    told = configuration_of({"fusion": {"terms": 0.5}, "personal_weight": 0.1, "ranker": 3})
    assert told.weights({"terms": 2.0, "text": 1.0}) == {"terms": 0.5, "text": 1.0}
    assert (told.personal_weight, told.personal_max_move, told.ranker) == (0.1, settings.SEARCH_PERSONAL_MAX_MOVE, "3")
    plain = search(SearchRequest(q="seat", configuration=configuration_of({})))
    words_alone = search(SearchRequest(q="seat", configuration=configuration_of({"semantic": False})))
    assert (plain.query["mode"], words_alone.query["mode"]) == ("hybrid", "lexical")
