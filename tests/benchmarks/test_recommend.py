"""The benchmark of recommendations, at a size that says nothing of speed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import recommend, training
from benchmarks.histories import LONGEST, histories


@pytest.fixture
def no_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment takes minutes to make."""

    def fail() -> Path:
        raise subprocess.CalledProcessError(1, "pip", stderr="Looking for it\nERROR: no matching distribution\n")

    monkeypatch.setattr(training, "_environment", fail)


@pytest.mark.slow
@pytest.mark.own_parts
def test_it_tells_what_each_figure_is(no_peer):
    told = recommend.run(120)
    assert told["ours"] > 0
    assert told["floor"] > 0
    assert told["ratio_to_floor"] == pytest.approx(told["ours"] / told["floor"])
    assert told["event_visible"] is True
    assert told["peer"] is None
    assert told["ratio_to_peer"] is None
    assert "no matching distribution" in told["training"]["problem"]
    assert told["ours_training"] > 0
    assert {"what_ours", "what_floor", "what_peer", "unit"} <= told.keys()
    for part in ("ours", "first", "again", "strangers", "floor"):
        assert 0 < told["serving"][part]["p50"] <= told["serving"][part]["p95"]


def test_the_peer_is_given_the_size_of_ours(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(training, "_environment", lambda: Path(sys.executable))
    monkeypatch.setattr(training, "ours", lambda items, learned: (300.0, 7))

    def peer(python: Path, learned: list, config: dict) -> dict:
        asked.update(config)
        return {"events_per_second": 200.0, "parameters": 5, "version": "1"}

    monkeypatch.setattr(training, "peer", peer)
    (tmp_path / "sequences.txt").write_text("1 10 11 12\n2 11\n3 12 10\n")
    told = training.measure(50, tmp_path)
    assert told["ratio"] == pytest.approx(1.5)
    assert (told["users"], told["items"], told["events"]) == (2, 3, 5)
    assert asked == {name: told["size"][name] for name in training.SAME}


@pytest.mark.slow
@pytest.mark.own_parts
def test_a_peer_that_fails_is_a_sentence(monkeypatch):
    monkeypatch.setattr(training, "_environment", lambda: Path(sys.executable))
    monkeypatch.setattr(training, "ours", lambda items, learned: (300.0, 7))
    told = training.measure(50)  # this Python has no RecTools
    assert told["peer"] is None
    assert told["problem"].startswith("The peer cannot be measured here: ")
    assert "No module named" in told["problem"]


def test_histories_are_the_same_each_time():
    first, second = histories(80, 300), histories(80, 300)
    assert all(map(np.array_equal, first, second))
    assert all(3 <= len(each) <= LONGEST and each.min() >= 0 and each.max() < 80 for each in first)
