"""Learning in moments: what is tested is what becomes of it, not how good it gets."""

import pytest

from search.ranking import learning, ranker


@pytest.fixture
def quick_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranker, "ROUNDS", 12)
    monkeypatch.setattr(ranker, "PRIORS", (4.0, 40.0))
    monkeypatch.setattr(ranker, "INNER_FOLDS", 2)
    monkeypatch.setattr(learning, "SPLITS", 1)
