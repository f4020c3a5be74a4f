"""Measuring the search against judgments, here and in a shop of its own."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Product
from search.evaluation.relevance import JudgmentsError, evaluate, read_judgments


def test_judgments_are_read(tmp_path: Path):
    path = tmp_path / "judgments.csv"
    path.write_text("query,sku,grade\nchair,A,3\nchair,A,1\nchair,B,0\ncup,C,2\n")
    assert read_judgments(path) == {"chair": {"A": 3, "B": 0}, "cup": {"C": 2}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "lacks the column"),
        (b"query,sku\na,b\n", "'grade'"),
        (b"query,sku,grade\n", "no judgments"),
        (b"query,sku,grade\na,b,x\n", "line 2"),
        (b"query,sku,grade\na,b,-1\n", "line 2"),
        (b"query,sku,grade\na,b,99\n", "line 2"),
        (b"query,sku,grade\na\n", "line 2"),
        (b"query,sku,grade\n\xff,b,1\n", "cannot be read"),
    ],
)
def test_bad_judgments_are_refused_with_the_place(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "judgments.csv"
    path.write_bytes(content)
    with pytest.raises(JudgmentsError, match=said):
        read_judgments(path)


def test_a_missing_file_is_said(tmp_path: Path):
    with pytest.raises(CommandError, match=r"judgments\.csv cannot be read"):
        call_command("evaluate_search", data=tmp_path)


@pytest.mark.slow
def test_figures_by_mode(shop):
    report = evaluate({"chair": {"CHAIR-1": 3, "CHAIR-2": 2, "HUB-1": 0}, "laptop": {"CASE-1": 1}, "cup": {"HUB-1": 0}})
    told = report.as_json()
    assert (told["queries"], told["queries_without_relevant_product"]) == (2, 1)
    assert told["by_mode"].keys() == {"lexical", "semantic", "hybrid"}
    assert told["by_mode"]["hybrid"] == {key: told[key] for key in told["by_mode"]["hybrid"]}
    assert {"ndcg@10", "ndcg@10_judged", "mrr", "recall@100"} <= told.keys()
    assert all(low <= told[key] <= high for key, (low, high) in told["intervals"]["hybrid"].items())
    assert told["by_mode"]["lexical"]["recall@100"] == 1.0
    assert told["ndcg@10_judged"] >= told["ndcg@10"] > 0


def test_queries_without_anything_relevant_cannot_be_measured(shop):
    with pytest.raises(JudgmentsError, match="No query"):
        evaluate({"chair": {"CHAIR-1": 0}})


@pytest.mark.slow
@pytest.mark.django_db
def test_a_shop_of_its_own_is_made_and_this_one_is_left_alone(tmp_path: Path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    rows = [
        ("A", "Oak chair"),
        ("B", "Leather office chair"),
        ("C", "Laptop"),
        ("D", "Coffee mug"),
        ("E", "HDMI cable"),
    ]
    (data / "products.csv").write_text("sku,title,price\n" + "".join(f"{sku},{title},10\n" for sku, title in rows))
    (data / "judgments.csv").write_text("query,sku,grade\nchair,A,3\nchair,B,3\nseat,A,1\nlaptop,C,2\nzzz,D,0\n")
    out = StringIO()
    call_command("evaluate_search", data=data, json=True, keep=tmp_path / "kept", stdout=out)
    told = json.loads(out.getvalue().splitlines()[-1])
    assert (told["queries"], told["queries_without_relevant_product"]) == (3, 1)
    assert told["by_mode"]["lexical"]["mrr"] > 0.6
    assert (tmp_path / "kept" / "vetrina.sqlite3").exists()
    assert not Product.objects.filter(sku__in="ABCDE").exists()
