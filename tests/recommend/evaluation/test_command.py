"""The command from histories in files to its last line and its report."""

import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    lines = []
    for user in range(120):
        start, length = random.integers(0, 30), random.integers(4, 9)
        lines.append(" ".join(map(str, [user, *((start + np.arange(length)) % 30 + 1)])))
    (tmp_path / "sequences.txt").write_text("\n".join(lines))
    (tmp_path / "item_attributes.json").write_text(json.dumps({item: [item // 5 + 1] for item in range(1, 31)}))
    return tmp_path


def run(capsys, *arguments: str) -> dict:
    call_command("evaluate_recommender", *arguments, "--json", "--verbosity", "0")
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_gives_the_figures_of_each_model_and_a_report(folder, tmp_path, capsys):
    told = run(
        capsys, "--data", str(folder), "--models", "popularity,seq-knn", "--seeds", "2", "--report", str(tmp_path / "r")
    )
    assert set(told["models"]) == {"popularity", "seq-knn"}
    for figures in told["models"].values():
        assert {"hr@5", "ndcg@5", "hr@10", "ndcg@10", "coverage@10", "train_seconds", "ms_per_user"} <= set(figures)
        assert len(figures["by_seed"]) == 2
    # In this world n + 1 follows n, which seq-kNN sees and popularity does not.
    assert told["models"]["seq-knn"]["hr@5"] > 0.9 > told["models"]["popularity"]["hr@5"]
    table = (tmp_path / "r" / "table.md").read_text()
    assert "| seq-knn |" in table
    assert "120 users, 30 items" in table
    for plot in ("accuracy.svg", "coverage.svg"):
        assert (tmp_path / "r" / plot).read_text().startswith("<svg ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--models", "oracle"), "no model 'oracle'"),
        (("--seeds", "0"), "1 to 100"),
        (("--models", "popularity", "--split", "time"), "needs the times"),
    ],
)
def test_says_what_cannot_be_measured(folder, arguments, said):
    with pytest.raises(CommandError, match=said):
        call_command("evaluate_recommender", "--data", str(folder), *arguments, "--verbosity", "0")


def test_a_folder_without_histories_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="There is no sequences"):
        call_command("evaluate_recommender", "--data", str(tmp_path), "--verbosity", "0")
