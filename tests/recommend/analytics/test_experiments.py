"""Results of experiments, counted from the log, and the admin that starts, stops and shows them."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommend.analytics.experiments import interleaved, result
from recommend.events.models import Event
from search.experiments import running
from search.models import Experiment, SearchConfiguration

pytestmark = pytest.mark.django_db
LIST = "/admin/search/experiment/"


@pytest.fixture(autouse=True)
def _afresh():
    running.forget()
    yield
    running.forget()


@pytest.fixture
def words() -> SearchConfiguration:
    return SearchConfiguration.objects.create(name="words", overrides={"semantic": False})


def started(mode: str, words: SearchConfiguration, **more) -> Experiment:
    made = Experiment.objects.create(name=f"{mode} {uuid.uuid4().hex[:4]}", mode=mode, configuration_b=words, **more)
    running.start(made)
    return made


def test_arms_are_counted_by_visitor_and_search(searched, words):
    experiment = started("split", words)
    for visitor in range(4):
        arm = "ab"[visitor % 2]
        for place in range(visitor + 1):
            searched(f"q{place}", visitor=visitor, experiment=experiment, arm=arm, clicks=(place,) * (arm == "b"))
    searched("lamp", experiment=experiment, arm="a", narrowed=True)
    searched("lamp", clicks=(1,))
    told = result(experiment)
    assert (told.a.visitors, told.a.figures.searches, told.a.figures.clicked) == (2, 4, 0)
    assert (told.b.visitors, told.b.figures.searches, told.b.figures.clicked) == (2, 6, 6)
    assert (told.a.rate.value, told.b.rate.value) == (0, 1)
    assert told.difference.interval.value == 1
    assert told.winner == "", "ten searches say nothing, however different they are"
    with CaptureQueriesContext(connection) as queries:
        result(experiment)
    assert len(queries) == 3


def test_the_metric_is_what_was_promised(searched, words):
    experiment = started("split", words, metric="cart")
    searched(experiment=experiment, arm="a", clicks=(1,))
    searched(experiment=experiment, arm="b", visitor=2, cart=True)
    told = result(experiment)
    assert (told.a.rate.value, told.b.rate.value) == (0, 1)


def test_teams_are_credited_with_what_was_chosen_of_theirs(searched, words):
    experiment = started("interleave", words)

    def mixed(visitor: int, teams: str, clicks: tuple[int, ...]) -> None:
        shown = [100 + place for place in range(len(teams))]
        searched(visitor=visitor, experiment=experiment, teams=teams, shown=shown, clicks=clicks)

    mixed(1, "-ab", (0, 2, 2))  # twice the same hit is one choice
    mixed(2, "-ba", (1,))
    mixed(2, "ab", (0,))
    mixed(3, "ab", (0,))
    mixed(4, "ab", ())
    mixed(5, "ab", (7,))  # a product that was not shown
    told = interleaved(experiment)
    assert (told.searches, told.visitors) == (6, 5)
    assert (told.clicks_a, told.clicks_b, told.clicks_both) == (2, 2, 1)
    assert (told.preference.a, told.preference.b, told.preference.ties) == (1, 1, 1)
    assert told.winner == ""


def test_an_experiment_without_searches_has_a_page(sign_in, words):
    client = sign_in("merchandiser")
    for mode in ("split", "interleave"):
        page = client.get(f"{LIST}{started(mode, words).pk}/change/").content.decode()
        assert "Not known yet." in page
        running.stop(Experiment.objects.get(state="running"))
    assert "words" in client.get(LIST).content.decode()


@pytest.mark.slow
def test_it_is_made_started_and_stopped_in_the_admin(merchandiser, words):
    made = merchandiser.post(
        f"{LIST}add/",
        {"name": "Words alone", "mode": "split", "metric": "click", "share": "0.5", "configuration_a": "",
         "configuration_b": words.pk, "note": "Fewer strange hits."},
    )  # fmt: skip
    experiment = Experiment.objects.get()
    assert made.status_code == 302
    page = merchandiser.get(f"{LIST}{experiment.pk}/change/").content.decode()
    assert "start" in page
    merchandiser.get(f"{LIST}{experiment.pk}/start", follow=True)
    experiment.refresh_from_db()
    assert (experiment.state, experiment.b["overrides"]) == ("running", {"semantic": False})
    merchandiser.post(
        f"{LIST}{experiment.pk}/change/", {"name": "New name", "share": "1.0", "mode": "interleave", "note": ""}
    )
    experiment.refresh_from_db()
    assert (experiment.name, experiment.share, experiment.mode) == ("New name", 0.5, "split")
    assert merchandiser.post(f"{LIST}{experiment.pk}/delete/", {"post": "yes"}).status_code == 403
    merchandiser.get(f"{LIST}{experiment.pk}/stop", follow=True)
    experiment.refresh_from_db()
    assert experiment.state == "stopped"


@pytest.mark.parametrize(
    "wrong", [{"share": "1.5"}, {"share": "nan"}, {"mode": "both"}, {"configuration_b": ""}, {"name": ""}]
)
def test_what_makes_no_experiment_is_refused(merchandiser, words, wrong):
    fields = {"name": "x", "mode": "split", "metric": "click", "share": "1", "configuration_b": words.pk, **wrong}
    answer = merchandiser.post(f"{LIST}add/", fields)
    assert answer.status_code == 200
    assert not Experiment.objects.exists()


def test_who_only_looks_steers_nothing(sign_in, words):
    experiment = Experiment.objects.create(name="x", configuration_b=words)
    viewer = sign_in("viewer")
    assert viewer.get(f"{LIST}{experiment.pk}/change/").status_code == 200
    viewer.get(f"{LIST}{experiment.pk}/start")
    experiment.refresh_from_db()
    assert experiment.state == "draft"


def test_events_of_other_searches_credit_nobody(searched, words):
    experiment = started("interleave", words)
    searched(teams="", clicks=(1,))
    assert interleaved(experiment).preference.decided == 0
    assert Event.objects.exists()
