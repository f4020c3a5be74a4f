"""What the blend loses by scoring candidates in place of every item."""

import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from recommend.evaluation import candidates
from recommend.evaluation.candidates import candidates_against_all
from recommend.evaluation.splits import Questions
from recommend.models.base import Interactions, Items
from recommend.models.blend import Blend

ITEMS = 60


def histories() -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [np.arange(start, start + 6) % ITEMS for start in random.integers(0, ITEMS, 200)]


@pytest.fixture(scope="module")
def blend() -> Blend:
    model = Blend(transformer={"dim": 16, "epochs": 6, "batch": 16})
    model.fit(Interactions(Items(np.arange(ITEMS)), histories()), seed=1)
    return model


@pytest.fixture
def questions() -> Questions:
    return Questions([np.arange(start, start + 4) % ITEMS for start in range(ITEMS)], (np.arange(ITEMS) + 4) % ITEMS)


def test_nothing_is_lost_where_every_item_is_a_candidate(blend, questions, vector_store):
    told = candidates_against_all(blend, questions, k=ITEMS)
    assert told["ndcg@10_of_all"] > 0.5
    assert told["ratio"] == pytest.approx(1.0)
    assert told["answers_among_candidates"] == 1.0
    assert told["candidates"] == ITEMS - 4
    assert told["questions"] == ITEMS


def test_what_is_no_candidate_gains_nothing(blend, questions, vector_store, monkeypatch):
    monkeypatch.setattr(candidates, "neighbour_rows", lambda model, history: np.zeros(0, np.int64))
    alone = candidates_against_all(blend, questions, k=1)
    assert alone["answers_among_candidates"] < 1.0
    assert alone["ratio"] < 1.0
    monkeypatch.undo()
    assert candidates_against_all(blend, questions, k=1)["ratio"] > alone["ratio"]  # with the neighbours


def test_the_collection_is_gone_afterwards(blend, questions, vector_store, monkeypatch):
    before = {each.name for each in vector_store.get_collections().collections}
    candidates_against_all(blend, questions, k=5)
    monkeypatch.setattr(candidates, "_nearest", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        candidates_against_all(blend, questions, k=5)
    assert {each.name for each in vector_store.get_collections().collections} == before


@pytest.mark.slow
def test_the_command_tells_of_it(tmp_path: Path, vector_store, capsys):
    lines = [" ".join(map(str, [user, *history.tolist()])) for user, history in enumerate(histories())]
    (tmp_path / "sequences.txt").write_text("\n".join(lines))
    call_command(
        "evaluate_recommender", data=str(tmp_path), models="blend", seeds=1, candidates=True, json=True, verbosity=0
    )
    told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])["candidates"]
    assert told["ratio"] == pytest.approx(told["ndcg@10"] / told["ndcg@10_of_all"])
    assert told["questions"] == 200


def test_it_takes_the_blend():
    with pytest.raises(CommandError, match="blend"):
        call_command("evaluate_recommender", models="popularity", candidates=True)
