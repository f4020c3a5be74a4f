"""The admin's pages of models: what they show, what their buttons do, and who may press them."""

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from recommend.models import registry
from recommend.models.base import Items
from recommend.training import queue, run, versions
from recommend.training.features import Features
from recommend.training.live import write_features, write_items
from recommend.training.models import ModelVersion, TrainingRun

pytestmark = pytest.mark.django_db
MODELS = "/admin/recommend/modelversion/"
RUNS = "/admin/recommend/trainingrun/"
FIGURES = {"ndcg@10": 0.0612, "hr@10": 0.1034, "mrr": 0.05, "coverage@10": 0.81, "questions": 2345}


@pytest.fixture
def made(db) -> list[ModelVersion]:
    """Two published versions with files of popularity, the second live, and one that was kept back."""
    rows = []
    for number in range(3):
        published = timezone.now() if number < 2 else None
        version = ModelVersion.objects.create(
            name="popularity", path=f"v{number}", live=number == 1, published_at=published,
            metrics={"new": FIGURES, "live": {**FIGURES, "ndcg@10": 0.0501}, "live_version": 1, "better": number < 2},
            cleaning={"events": 1000, "bots": 40, "kept": 900, "shoppers": 55}, note="Better than what is live",
        )  # fmt: skip
        folder = versions.folder_of(version)
        registry.build("popularity").save(folder / "model")
        write_items(folder, Items(np.array([1])))
        write_features(folder, Features())
        rows.append(version)
    return rows


def test_the_page_shows_the_live_model_its_figures_its_history_and_the_cleaning(sign_in, made):
    page = sign_in("viewer").get(MODELS).content.decode()
    assert "0.0612" in page
    assert "0.0501" in page
    assert "2,345" in page
    assert page.count("recommend-line") >= 2
    assert "4.0 %" in page  # programs, of all events
    assert "Better than what is live" in page


def test_only_who_may_steer_sees_the_buttons(sign_in, made):
    assert "Go back to version" not in sign_in("viewer").get(MODELS).content.decode()
    page = sign_in("administrator").get(MODELS).content.decode()
    assert f"Go back to version {made[0].pk}" in page
    assert "Train from scratch" in page


@pytest.mark.parametrize("address", ["train/", "stop/", "roll-back/"])
@pytest.mark.parametrize("group", ["viewer", "merchandiser"])
def test_a_forged_request_is_refused(sign_in, made, address, group):
    assert sign_in(group).post(MODELS + address, {"kind": "full", "run": "1"}).status_code == 403
    assert not TrainingRun.objects.exists()
    assert ModelVersion.objects.get(live=True) == made[1]


@pytest.mark.parametrize("address", ["train/", "stop/", "roll-back/"])
def test_nothing_happens_by_a_link(sign_in, made, address):
    assert sign_in("administrator").get(MODELS + address).status_code == 405


def test_a_training_is_asked_for_and_stopped(sign_in, made):
    client = sign_in("administrator")
    client.post(MODELS + "train/", {"kind": "full"})
    asked = TrainingRun.objects.get()
    assert (asked.kind, asked.state) == ("full", "waiting")
    assert "Waiting: full" in client.get(MODELS + "progress/").content.decode()
    client.post(MODELS + "stop/", {"run": asked.pk})
    asked.refresh_from_db()
    assert asked.state == "failed"
    assert client.get(MODELS + "progress/").content.decode().strip() == ""


@pytest.mark.parametrize("kind", ["", "publish", "<script>"])
def test_an_unknown_kind_is_refused_with_a_sentence(sign_in, made, kind):
    page = sign_in("administrator").post(MODELS + "train/", {"kind": kind}, follow=True).content.decode()
    assert "Choose a training" in page
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize("number", ["", "x", "9" * 40, "-1", "77"])
def test_a_run_that_is_not_there_cannot_be_stopped(sign_in, made, number):
    assert sign_in("administrator").post(MODELS + "stop/", {"run": number}).status_code == 404


def test_one_goes_back_by_the_button_and_by_the_action(sign_in, made, vector_store):
    client = sign_in("administrator")
    page = client.post(MODELS + "roll-back/", follow=True).content.decode()
    assert f"Version {made[0].pk} is live again." in page
    assert ModelVersion.objects.get(live=True) == made[0]
    page = client.post(MODELS + "roll-back/", follow=True).content.decode()
    assert "no earlier version" in page
    client.post(MODELS, {"action": "go_back", "_selected_action": [made[1].pk], "index": "0"})
    assert ModelVersion.objects.get(live=True) == made[1]
    page = client.post(
        MODELS, {"action": "go_back", "_selected_action": [made[2].pk], "index": "0"}, follow=True
    ).content.decode()
    assert "was never published" in page


def test_what_was_kept_back_can_be_published_through_a_worker(sign_in, made, vector_store):
    client = sign_in("administrator")
    client.post(MODELS, {"action": "publish", "_selected_action": [made[2].pk], "index": "0"})
    done = run.work(queue.claim())
    assert (done.state, done.error) == ("published", "")
    assert ModelVersion.objects.get(live=True) == made[2]


def test_a_running_training_shows_how_far_it_is(sign_in, made):
    curve = [{"stage": "pretrain", "step": step, "loss": 2 / step, "held out": step / 100} for step in range(1, 6)]
    TrainingRun.objects.create(
        state="running", progress={"stage": "pretrain", "step": 5, "steps": 10, "curve": curve, "attempts": 2}
    )
    page = sign_in("viewer").get(MODELS).content.decode()
    assert 'aria-valuenow="50"' in page
    assert "pretrain 5 of 10" in page
    assert "attempt 2" in page
    assert "<polyline" in page


def test_a_version_and_a_run_have_pages_of_their_own(sign_in, made):
    client = sign_in("viewer")
    row = TrainingRun.objects.create(version=made[1], progress={"curve": [{"stage": "s", "step": 1, "loss": 1.0}]})
    page = client.get(f"{MODELS}{made[1].pk}/change/").content.decode()
    assert "0.0612" in page
    assert "55" in page
    assert "Training" in client.get(f"{RUNS}{row.pk}/change/").content.decode()
    assert client.get(RUNS).status_code == 200
    assert client.post(f"{MODELS}{made[1].pk}/change/", {"name": "x"}).status_code == 403


def test_who_may_not_look_sees_nothing(django_user_model, made):
    client = Client()
    client.force_login(django_user_model.objects.create_user("nobody", is_staff=True))
    for address in (MODELS, MODELS + "progress/", RUNS):
        assert client.get(address).status_code == 403


def test_before_the_first_training_the_page_says_so(sign_in):
    page = sign_in("administrator").get(MODELS).content.decode()
    assert "No model is live yet" in page
    assert "Update the live model" not in page
