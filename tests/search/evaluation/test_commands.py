"""The commands that measure: what they print, write and refuse, in the shop that they are called in."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from search.evaluation import transfer
from search.evaluation.halves import HALVES
from search.models import Judgment, JudgmentSet, SearchConfiguration


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = ["chair,CHAIR-1,3", "chair,CHAIR-2,2", "laptop,LAPTOP-1,3", "=cup,CUP-red,1", "nothing,CUP-red,0"]
    (tmp_path / "judgments.csv").write_text("query,sku,grade\n" + "\n".join(rows) + "\n")
    return tmp_path


def told(*arguments: str, **options: Any) -> Any:
    out = StringIO()
    call_command(*arguments, in_place=True, verbosity=0, stdout=out, **options)
    return json.loads(out.getvalue().splitlines()[-1]) if options.get("json") else out.getvalue()


@pytest.mark.slow
def test_the_contract_keys_and_all_the_rest(shop, data):
    found = told("evaluate_search", data=data, json=True)
    assert {"queries", "ndcg@10", "ndcg@10_judged", "mrr", "recall@100", "by_mode"} <= found.keys()
    assert found["by_mode"].keys() == {"lexical", "semantic", "hybrid"}
    assert {"mrr_judged", "recall@100_judged", "judged@10"} <= found["by_mode"]["hybrid"].keys()
    assert [row["query"] for row in found["per_query"]] == ["chair", "laptop", "=cup"]


@pytest.mark.slow
def test_two_configurations_are_held_against_each_other(shop, data):
    SearchConfiguration.objects.create(name="plain", overrides={"synonyms": False})
    found = told("evaluate_search", data=data, json=True, compare=["plain", '{"semantic": false}', "hybrid"])
    assert set(found["by_mode"]) == {"hybrid", "plain", '{"semantic": false}'}
    plain = next(each for each in found["comparisons"] if (each["other"], each["measure"]) == ("plain", "ndcg@10"))
    assert (plain["base"], plain["ties"], plain["p_holm"]) == ("hybrid", 3, 1.0)
    assert len(found["comparisons"]) == 8  # the base is not held against itself
    text = told("evaluate_search", data=data, compare=["plain"], per_query=True)
    assert "plain against hybrid, ndcg@10: +0.0000" in text
    assert "not known to differ" in text
    assert "laptop" in text


def test_files_are_written_that_no_spreadsheet_runs(shop, data, tmp_path):
    told("evaluate_search", data=data, only=["lexical"], out=tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "per_query.csv").open(encoding="utf-8-sig")))
    assert [row["query"] for row in rows] == ["chair", "laptop", "'=cup"]
    assert float(rows[0]["lexical ndcg@10"]) > 0
    assert json.loads((tmp_path / "out" / "figures.json").read_text())["queries"] == 3


@pytest.mark.slow
def test_judgments_made_in_the_admin_are_measured_by(shop):
    judged = JudgmentSet.objects.create(name="chairs")
    with pytest.raises(CommandError, match="Nothing in chairs is judged yet"):
        told("evaluate_search", judgments="chairs")
    transfer.add_queries(judged, ["chair"])
    Judgment.objects.create(query=judged.queries.get(), sku="CHAIR-3", judge="anna", grade=2)
    assert told("evaluate_search", judgments="chairs", judge="anna", json=True)["queries"] == 1
    with pytest.raises(CommandError, match="There is no set of judgments 'other'; there are: chairs"):
        told("evaluate_search", judgments="other")
    with pytest.raises(CommandError, match="There is no set of judgments 'other'; there are: chairs"):
        call_command("fit_ranking", judgments="other")
    with pytest.raises(CommandError, match="queries"):  # too few to learn from, which the learning says
        call_command("fit_ranking", judgments="chairs", verbosity=0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "Name a folder with --data"),
        ({"only": ["nothing"], "data": True}, "There is no configuration 'nothing'"),
        ({"compare": ["{]"], "data": True}, "is no JSON"),
        ({"compare": ['{"fusion": {"smell": 1}}'], "data": True}, "cannot be used"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(shop, data, options, said):
    options = options | ({"data": data} if options.get("data") else {})
    with pytest.raises(CommandError, match=said):
        told("evaluate_search", **options)


def test_judgments_of_the_database_need_this_database():
    with pytest.raises(CommandError, match="goes with --in-place"):
        call_command("evaluate_search", judgments="chairs")


@pytest.mark.slow
def test_made_queries_are_measured(shop, data):
    typos = told("evaluate_queries", "typos", data=data, json=True)
    assert (typos["queries"], len(typos["per_query"])) == (3, 3)
    assert "share that is kept" in told("evaluate_queries", "typos", data=data, per_query=True)
    assert told("evaluate_queries", "attributes", json=True)["queries"] == 0  # no combination has ten products
    assert "picture and colour" in told("evaluate_queries", "composed")
    halves = [told("evaluate_search", data=data, json=True, only=["lexical"], half=half) for half in HALVES]
    assert sum(half["queries"] for half in halves) == 3


def test_made_queries_without_what_they_are_made_of_are_refused(shop, tmp_path):
    with pytest.raises(CommandError, match=r"name a folder with judgments\.csv"):
        told("evaluate_queries", "typos")
    with pytest.raises(CommandError, match="Name a folder with --data"):
        call_command("evaluate_queries", "nonsense")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("evaluate_queries", "typos", data=tmp_path)
