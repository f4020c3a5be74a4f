"""The command that trains."""

import json

import pytest
from django.core.management import CommandError, call_command

from recommend.training import queue
from recommend.training.models import ModelVersion, TrainingRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model")]


def told(capsys) -> dict:
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


@pytest.mark.slow
def test_it_trains_publishes_and_says_so(indexed, visit, capsys):
    visit(60)
    call_command("train_recommender", json=True, seed=3)
    answer = told(capsys)
    version = ModelVersion.objects.get()
    assert answer["state"] == "published"
    assert answer["version"] == version.pk
    assert answer["kind"] == "full"
    assert answer["new"]["ndcg@10"] == version.metrics["new"]["ndcg@10"]
    assert answer["cleaning"]["kept"] == 240
    assert answer["seconds"] > 0
    assert version.seed == 3
    call_command("train_recommender", json=True)
    answer = told(capsys)
    assert answer["kind"] == "incremental"
    assert answer["live"]["questions"] == answer["new"]["questions"]


def test_a_failure_is_an_exit_code_and_a_sentence(indexed, capsys):
    with pytest.raises(SystemExit):
        call_command("train_recommender", json=True)
    assert told(capsys)["error"] == "There are no events to learn from."
    with pytest.raises(CommandError, match="no events"):
        call_command("train_recommender")


def test_it_does_not_train_beside_a_worker(indexed, visit):
    visit(10)
    queue.ask_for(queue.FULL)
    queue.claim()
    with pytest.raises(CommandError, match="A worker is at it already"):
        call_command("train_recommender")
    assert TrainingRun.objects.count() == 1


def test_full_and_incremental_exclude_each_other():
    with pytest.raises(CommandError, match="not allowed with"):
        call_command("train_recommender", "--full", "--incremental")
