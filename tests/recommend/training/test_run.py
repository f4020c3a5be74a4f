"""From events to a published version: what is learned, compared, published, kept back, and taken up again."""

from functools import wraps

import numpy as np
import pytest

from catalog import services
from catalog.models import Product
from recommend.events.models import Shopper
from recommend.models import registry
from recommend.privacy.erasing import erase
from recommend.privacy.models import Erasure
from recommend.privacy.subjects import of_shopper
from recommend.shop.privacy import forget_all
from recommend.training import behaviour, live, queue, run, versions
from recommend.training.dataset import Dataset, holds_forgotten
from recommend.training.models import ModelVersion, TrainingRun
from tests.recommend.training.doubles import Factors

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("model")]


def test_what_was_trained_first_goes_live_with_its_figures_and_what_was_cleaned(indexed, visit, train):
    visit(80)
    done = train()
    assert (done.state, done.error) == ("published", "")
    version = ModelVersion.objects.get()
    assert version.live
    assert version.points == "level"
    assert version.note.startswith("First version: NDCG@10")
    assert version.metrics["new"]["questions"] > 10
    assert version.metrics["new"]["hr@10"] > 0.9  # a ring has six
    assert version.cleaning["shoppers"] == 80
    assert version.cleaning["kept"] == 320
    model = live.live()
    assert model.version == version.pk
    assert set(model.rows) == {product.pk for product in indexed}
    assert behaviour.alias_target() == behaviour.collection_of(version.pk)
    assert len(behaviour.vectors_of(model.rows)) == len(indexed)


def test_what_leads_to_other_categories_is_served_beside_it_where_that_was_learned(indexed, visit, train, monkeypatch):
    def learn(dataset, *_more):
        model = registry.build("crossing")
        model.fit(dataset.interactions())
        return model, {"questions": 99}

    visit(40)
    train()
    assert live.live().crossing is None, "who walks along one ring crosses nothing"
    monkeypatch.setattr("recommend.training.crossings.learn", learn)
    visit(40, seed=1)
    train()
    version = ModelVersion.objects.latest("pk")
    assert version.metrics["crossing"] == {"questions": 99}
    known = live.load(version.pk, version.path)
    assert len(known.crossing.score([np.array([0])])[0]) == len(known.items)


def test_a_model_that_is_not_better_is_kept_back_and_says_why(indexed, visit, train, model):
    visit(80)
    model("seq-knn")
    train()
    model("popularity")
    done = train()
    assert done.state == "kept back"
    kept_back = done.version
    assert not kept_back.live
    assert kept_back.note.startswith("Not better than what is live: NDCG@10")
    assert kept_back.metrics["new"]["ndcg@10"] < kept_back.metrics["live"]["ndcg@10"]
    assert live.live().model.name == "seq-knn"


def test_a_better_model_replaces_the_live_one(indexed, visit, train, model):
    visit(80)
    model("popularity")
    train()
    model("seq-knn")
    done = train()
    assert done.state == "published"
    assert done.version.note.startswith("Better than what is live")
    assert done.version.metrics["difference"] > 0
    assert live.live().model.name == "seq-knn"
    assert ModelVersion.objects.filter(live=True).count() == 1


def test_both_are_asked_about_events_that_neither_has_learned(indexed, visit, train, model, monkeypatch):
    visit(80)
    model("seq-knn")
    train()
    asked = []
    original = run.load
    monkeypatch.setattr(run, "load", lambda *given: asked.append(given[2]) or original(*given))
    train()  # no events since: the live model's state before its last update is asked
    visit(200, days_ago=0.001, seed=1)  # more than the held-out share, so all that is held out is newer than the model
    train()
    assert asked == ["measured", "model"]


def test_the_same_seed_gives_the_same_model(indexed, visit, train):
    visit(60)
    first, second = train(seed=3).version, train(seed=3).version
    one, two = (registry.load(versions.folder_of(each) / "measured").vectors for each in (first, second))
    assert np.array_equal(one, two)
    assert second.metrics["difference"] == 0
    assert not second.live  # as good is not better


def test_training_stops_early_where_held_out_events_are_foreseen_no_better(indexed, visit, train, model):
    visit(60)
    model("factors", epochs=50, patience=1)
    done = train()
    epochs = [point["step"] for point in done.progress["curve"] if point["stage"] == "pretrain: factors"]
    assert 2 <= max(epochs) < 50


def test_an_update_continues_from_the_live_model_and_new_products_come_behind(indexed, visit, train, monkeypatch):
    visit(80)
    train()
    before = live.live()
    services.save_product(Product(sku="NEW", title="New thing", status="published", stock=1))
    visit(120, days_ago=0.01, seed=2)
    starts = []
    original = Factors.fit

    @wraps(original)
    def fit(self, data, **more):
        starts.append(more)
        original(self, data, **more)

    monkeypatch.setattr(Factors, "fit", fit)
    done = train(queue.INCREMENTAL)
    assert done.state in ("published", "kept back"), done.error
    assert starts[0]["start"].vectors.shape[0] == len(before.items)
    assert len(starts[0]["recent"].histories) < 200
    items = live.load(done.version.pk, done.version.path).items
    assert items.keys[: len(before.items)].tolist() == before.items.keys.tolist()
    assert len(items) == len(before.items) + 1


def test_an_update_with_nothing_to_continue_from_begins_from_scratch(indexed, visit, train):
    visit(60)
    done = train(queue.INCREMENTAL)
    assert done.state == "published"
    assert any(point["stage"].startswith("pretrain") for point in done.progress["curve"])


def test_without_events_a_run_fails_with_a_sentence(indexed, train):
    done = train()
    assert (done.state, done.error) == ("failed", "There are no events to learn from.")
    assert done.finished_at
    assert not ModelVersion.objects.exists()


def test_a_broken_model_fails_the_run_and_leaves_the_live_one(indexed, visit, train, model, monkeypatch):
    visit(60)
    train()
    monkeypatch.setattr(Factors, "fit", lambda *_, **__: 1 / 0)
    done = train()
    assert done.state == "failed"
    assert "ZeroDivisionError" in done.error
    assert live.live().version == ModelVersion.objects.get(live=True).pk
    assert not list((versions.folder_of(ModelVersion.objects.get()).parent / versions.WORKSHOPS).iterdir())


class KilledError(BaseException):
    """Stands for the end of the process: nothing in between may catch it."""


@pytest.mark.parametrize(
    "at",
    ["publish", *(pytest.param(at, marks=pytest.mark.slow) for at in ("pretrain", "fine-tune", "compare", "update"))],
)
def test_a_run_that_was_killed_goes_on_where_it_was_and_ends_the_same(indexed, visit, train, model, settings, at):
    settings.TRAIN_RECENT_DAYS = 3
    visit(80)
    model("factors", epochs=4)
    expected = train(seed=1).version
    ModelVersion.objects.filter(pk=expected.pk).update(live=False)
    asked = queue.ask_for(queue.FULL, seed=1)

    def kill(stage: str, step: int, steps: int, figures: dict) -> None:
        if stage.startswith(at) and (step >= 2 or stage == "compare"):
            raise KilledError

    with pytest.raises(KilledError):
        run.work(queue.claim(), kill)
    assert queue.claim() is None  # its lease runs
    TrainingRun.objects.filter(pk=asked.pk).update(lease_until=asked.created_at)
    seen = []
    done = run.work(queue.claim(), lambda stage, step, *_: seen.append((stage, step)))
    assert done.state == "published"
    assert done.progress["attempts"] == 2
    assert ("data", 0) not in seen
    if at in ("pretrain", "fine-tune", "update"):
        assert (f"{at}: factors", 1) not in seen
    for part in ("model", "measured"):
        one, two = (registry.load(versions.folder_of(each) / part).vectors for each in (expected, done.version))
        assert np.array_equal(one, two)


def killed_at_the_comparison() -> TrainingRun:
    """A run whose worker died then, with all that it had written."""

    def kill(stage: str, *_: object) -> None:
        if stage == "compare":
            raise KilledError

    asked = queue.ask_for(queue.FULL)
    with pytest.raises(KilledError):
        run.work(queue.claim(), kill)
    return asked


@pytest.mark.parametrize("how", ["erased", "history forgotten", "personalisation off"])
def test_a_run_that_was_killed_goes_on_without_whose_history_was_forgotten_meanwhile(indexed, visit, how):
    visit(40)
    asked = killed_at_the_comparison()
    shopper = Shopper.objects.latest("pk")
    joined = Shopper.objects.first()
    Shopper.objects.filter(pk=joined.pk).update(merged_into=Shopper.objects.create())
    folder = versions.workshop_of(asked) / "data"
    assert not holds_forgotten(*Dataset.load(folder)), "who joined an account is still there"
    if how == "erased":
        erase(of_shopper(shopper), by=Erasure.By.SHOPPER)
    elif how == "history forgotten":
        forget_all(shopper)
    else:
        Shopper.objects.filter(pk=shopper.pk).update(personalised=False)
    TrainingRun.objects.filter(pk=asked.pk).update(lease_until=asked.created_at)
    read = []

    def look(stage: str, *_: object) -> None:
        if stage == "compare" and not read:
            read.extend(Dataset.load(folder)[0].shoppers.tolist())

    assert run.work(queue.claim(), look).state == "published"
    assert len(read) == 39
    assert shopper.pk not in read


def test_what_a_stopped_run_left_whose_worker_died_is_removed(indexed, visit):
    visit(40)
    asked = killed_at_the_comparison()
    queue.ask_if_due()
    assert versions.workshop_of(asked).is_dir()
    queue.stop(asked)
    queue.ask_if_due()
    assert not versions.workshop_of(asked).exists()


def test_a_run_that_another_worker_took_over_does_nothing_more(indexed, visit):
    visit(40)
    asked = queue.ask_for(queue.FULL)
    taken = queue.claim()

    def lose(stage: str, step: int, *_: object) -> None:
        if stage.startswith("pretrain") and step == 1:
            TrainingRun.objects.filter(pk=asked.pk).update(lease_until=asked.created_at)
            assert queue.claim() is not None

    done = run.work(taken, lose)
    assert done.state == "running"
    assert not ModelVersion.objects.exists()


def test_a_run_can_be_stopped(indexed, visit):
    visit(40)
    asked = queue.ask_for(queue.FULL)
    done = run.work(queue.claim(), lambda stage, *_: queue.stop(asked) if stage.startswith("pretrain") else None)
    assert (done.state, done.error) == ("failed", "Stopped by hand.")
    assert not ModelVersion.objects.exists()
