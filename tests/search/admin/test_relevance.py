"""The relevance workbench: judging, sets in and out, two configurations side by side, and runs over many queries."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from search.evaluation import comparing, judged, moves, pooling, transfer
from search.evaluation.configurations import Named, UnknownConfigurationError, named
from search.evaluation.relevance import JudgmentsError
from search.models import ComparisonRun, JudgedQuery, Judgment, JudgmentSet, PopularQuery, SearchConfiguration

pytestmark = pytest.mark.django_db


@pytest.fixture
def chairs(db: None) -> JudgmentSet:
    """A set of two queries; nothing is judged yet."""
    made = JudgmentSet.objects.create(name="chairs", note="Whatever one sits on is good.")
    transfer.add_queries(made, ["chair", "laptop"])
    return made


def address(name: str, *arguments: object) -> str:
    return reverse(f"admin:search_{name}", args=arguments)


def query_of(chairs: JudgmentSet, text: str = "chair") -> JudgedQuery:
    return chairs.queries.get(text=text)


def grade(client: Client, query: JudgedQuery, sku: str, value: object, **headers: str):
    data = {"sku": sku, "grade": value}
    return client.post(address("judgmentset_judge_query", query.set_id, query.pk), data, headers=headers)


# Judging


def test_a_judge_is_taken_to_the_first_query_with_work_left(shop, chairs, merchandiser):
    first, second = chairs.queries.all()
    judge = address("judgmentset_judge", chairs.pk)
    assert merchandiser.get(judge).url == address("judgmentset_judge_query", chairs.pk, first.pk)
    grade(merchandiser, first, "CHAIR-1", 3)
    assert merchandiser.get(judge).url == address("judgmentset_judge_query", chairs.pk, second.pk)


@pytest.mark.slow
def test_the_page_pools_the_hits_of_all_modes_in_an_order_that_tells_no_rank(shop, chairs, merchandiser):
    query = query_of(chairs)
    page = merchandiser.get(address("judgmentset_judge_query", chairs.pk, query.pk)).content.decode()
    found = pooling.pool(query)
    assert {"CHAIR-1", "CHAIR-2", "CHAIR-3"} <= set(found)
    assert all(f'data-sku="{sku}"' in page for sku in found)
    assert found == pooling.pool(query)
    transfer.add_queries(chairs, ["chairs", "espresso cup", "mug", "cup red"])
    as_ranked = [
        pooling.pool(each)[:3] == [hit.product.sku for hit in named("hybrid").ask(each.text, 3).hits]
        for each in chairs.queries.all()
    ]
    assert not all(as_ranked)


def test_a_grade_is_saved_changed_and_taken_back(shop, chairs, merchandiser):
    query = query_of(chairs)
    told = grade(merchandiser, query, "CHAIR-1", 3, accept="application/json").json()
    assert told == {"sku": "CHAIR-1", "grade": 3, "mine": 1}
    grade(merchandiser, query, "CHAIR-1", 0)
    assert Judgment.objects.get().grade == 0
    back = grade(merchandiser, query, "CHAIR-1", "")
    assert back.url.endswith("#CHAIR-1")
    assert not Judgment.objects.exists()


def test_judges_are_kept_apart_and_do_not_see_each_other(shop, chairs, merchandiser, sign_in):
    query, other = query_of(chairs), sign_in("administrator")
    grade(merchandiser, query, "CHAIR-1", 3)
    grade(other, query, "CHAIR-1", 1)
    assert set(Judgment.objects.values_list("judge", "grade")) == {("merchandiser", 3), ("administrator", 1)}
    third = sign_in("root").get(address("judgmentset_judge_query", chairs.pk, query.pk))
    assert b'aria-pressed="true"' not in third.content
    assert judged.read(chairs) == {"chair": {"CHAIR-1": 1}}  # the lower one of two
    assert judged.read(chairs, "merchandiser") == {"chair": {"CHAIR-1": 3}}


@pytest.mark.parametrize(
    ("sku", "value"), [("nothing", 3), ("CHAIR-1", 4), ("CHAIR-1", "-1"), ("CHAIR-1", "x"), ("", 1)]
)
def test_what_is_no_judgment_is_refused_with_a_sentence(shop, chairs, merchandiser, sku, value):
    answer = grade(merchandiser, query_of(chairs), sku, value, accept="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    assert not Judgment.objects.exists()


def test_a_product_that_is_gone_keeps_its_judgments(shop, chairs, merchandiser):
    query = query_of(chairs)
    Judgment.objects.create(query=query, sku="OLD-1", judge="merchandiser", grade=2)
    page = merchandiser.get(address("judgmentset_judge_query", chairs.pk, query.pk)).content.decode()
    assert "is no longer in the catalogue" in page
    assert grade(merchandiser, query, "OLD-1", 1, accept="application/json").status_code == 200


def test_viewers_look_but_do_not_judge_and_strangers_see_nothing(shop, chairs, sign_in):
    viewer, nobody = sign_in("viewer"), sign_in("nobody")
    query = query_of(chairs)
    assert viewer.get(address("judgmentset_change", chairs.pk)).status_code == 200
    assert viewer.get(address("judgmentset_judge_query", chairs.pk, query.pk)).status_code == 403
    assert grade(viewer, query, "CHAIR-1", 3).status_code == 403
    assert viewer.post(address("judgmentset_queries", chairs.pk), {"queries": "x"}).status_code == 403
    assert viewer.get(address("comparisonrun_start")).status_code == 403
    for page in ("judgmentset_side_by_side", "judgmentset_changelist", "comparisonrun_changelist"):
        assert nobody.get(address(page)).status_code == 403
    assert nobody.get(address("judgmentset_export", chairs.pk)).status_code == 403


# Sets


@pytest.mark.slow
def test_empty_pages_say_what_to_do(merchandiser):
    for page, said in (
        ("judgmentset_changelist", "No queries are judged yet"),
        ("searchconfiguration_changelist", "No draft configurations yet"),
        ("comparisonrun_changelist", "Nothing was compared yet"),
        ("comparisonrun_start", "There are no queries to ask yet"),
        ("judgmentset_side_by_side", "Type what a visitor would"),
    ):
        assert said in merchandiser.get(address(page)).content.decode(), page
    empty = JudgmentSet.objects.create(name="empty")
    assert "has no queries yet" in merchandiser.get(address("judgmentset_change", empty.pk)).content.decode()
    told = merchandiser.get(address("judgmentset_judge", empty.pk), follow=True).content.decode()
    assert "add some first" in told


def test_queries_are_added_once_and_the_popular_ones_on_request(chairs, merchandiser):
    PopularQuery.objects.create(normalised="desk", query="Desk", visitors=9, count=9, last_seen=timezone.now())
    PopularQuery.objects.create(normalised="x", query="X", hidden=True, visitors=9, last_seen=timezone.now())
    url = address("judgmentset_queries", chairs.pk)
    merchandiser.post(url, {"queries": "chair\n  office   chair \n\n"})
    merchandiser.post(url, {"popular": "1"})
    assert list(chairs.queries.values_list("text", flat=True)) == ["chair", "laptop", "office chair", "Desk"]


def test_judgments_go_out_and_come_back_the_same_and_no_cell_is_a_formula(chairs, merchandiser):
    rows = "query,sku,grade\n=1+1,A,3\nchair,-2,1\nchair,A,3\n"
    file = SimpleUploadedFile("judgments.csv", rows.encode())
    url = address("judgmentset_import", chairs.pk)
    told = merchandiser.post(url, {"file": file, "judge": "@agency"}, follow=True).content.decode()
    assert "3 judgments by @agency imported, 1 queries are new" in told
    text = b"".join(merchandiser.get(address("judgmentset_export", chairs.pk)).streaming_content).decode("utf-8-sig")
    assert text.splitlines()[0] == "query,sku,grade,judge"
    assert not [cell for line in text.splitlines()[1:] for cell in line.split(",") if cell[0] in "=+-@"]
    copy = JudgmentSet.objects.create(name="copy")
    transfer.import_csv(copy, text.encode(), "agency")
    assert judged.read(copy) == judged.read(chairs) == {"chair": {"-2": 1, "A": 3}, "=1+1": {"A": 3}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "lacks the column"),
        (b"query,sku,grade\na,b,4\n", "a grade from 0 to 3"),
        (b"query,sku,grade\n,b,1\n", "every row needs a query"),
        (b"query,sku,grade\na," + b"x" * 65 + b",1\n", "a sku of at most 64"),
        (b"query,sku,grade\na,b,2\na,b,x\n", "line 3"),
        (b"query,sku,grade\n\xff,b,1\n", "no CSV in UTF-8"),
        (b"query,sku,grade\n", "holds no judgments"),
    ],
)
def test_a_bad_file_changes_nothing_and_is_told_why(chairs, content, said):
    with pytest.raises(JudgmentsError, match=said):
        transfer.import_csv(chairs, content, "somebody")
    assert not Judgment.objects.exists()


def test_nobody_imports_in_the_name_of_a_colleague(chairs, merchandiser, sign_in):
    sign_in("administrator")
    file = SimpleUploadedFile("judgments.csv", b"query,sku,grade\nchair,A,3\n")
    url = address("judgmentset_import", chairs.pk)
    told = merchandiser.post(url, {"file": file, "judge": "administrator"}, follow=True).content.decode()
    assert "give what you import another name" in told
    assert not Judgment.objects.exists()


def test_agreement_of_judges():
    one = {(1, "a"): 3, (1, "b"): 0, (1, "c"): 2, (1, "d"): 1}
    opposite = {key: 3 - value for key, value in one.items()}
    assert judged.kappa(one, one, one.keys()) == 1
    assert judged.kappa(one, opposite, one.keys()) == pytest.approx(-1)
    assert judged.kappa(dict.fromkeys(one, 2), dict.fromkeys(one, 2), one.keys()) is None
    assert [judged.median(grades) for grades in ([3], [0, 3], [0, 3, 3], [1, 2, 3, 3])] == [3, 0, 3, 2]


# Configurations


def test_configurations_by_name_and_as_json():
    SearchConfiguration.objects.create(name="plain", overrides={"synonyms": False})
    assert named("lexical") == Named("lexical", "lexical")
    assert named("plain").overrides == {"synonyms": False}
    assert named('{"rules": false}').overrides == {"rules": False}
    for wrong in ("nothing", "{", '{"colour": 1}'):
        with pytest.raises(UnknownConfigurationError):
            named(wrong)


def test_a_configuration_that_makes_no_sense_is_not_kept():
    for overrides in ({"colour": 1}, {"fusion": {"terms": -1}}, [1]):
        with pytest.raises(ValidationError):
            SearchConfiguration(name="x", overrides=overrides).full_clean()
    with pytest.raises(ValidationError, match="mode already"):
        SearchConfiguration(name="hybrid").full_clean()
    SearchConfiguration(name="x", overrides={"semantic": False}).full_clean()


# Side by side


def test_moves_between_two_lists():
    old, new = moves.moves(["a", "b", "c", "d"], ["b", "a", "d", "x"], k=3)
    assert [(each.sku, each.kind, each.by) for each in old] == [("a", "down", 1), ("b", "up", 1), ("c", "gone", 0)]
    assert [(each.sku, each.kind, each.by) for each in new] == [("b", "up", 1), ("a", "down", 1), ("d", "up", 1)]
    assert moves.changed(["a", "b"], ["b", "a"]) == 0
    assert moves.reordered(["a", "b"], ["b", "a"]) == 1
    assert moves.changed([], []) == moves.reordered([], []) == 0
    assert moves.changed(["a"], []) == 1


@pytest.mark.slow
def test_side_by_side_shows_both_lists_what_moves_and_what_judgments_say(shop, chairs, merchandiser):
    Judgment.objects.create(query=query_of(chairs), sku="CHAIR-3", judge="root", grade=3)
    page = address("judgmentset_side_by_side")
    answer = merchandiser.get(page, {"q": "chair", "a": "hybrid", "b": "lexical"})
    text = answer.content.decode()
    assert "A: hybrid" in text
    assert "B: lexical" in text
    assert [column["name"] for column in answer.context["columns"]] == ["hybrid", "lexical"]
    assert answer.context["figures"][0]["label"] == "nDCG@10"
    assert 0 < answer.context["figures"][0]["a"] <= 1
    assert "Nobody has judged this query" in merchandiser.get(page, {"q": "mug"}).content.decode()
    wrong = merchandiser.get(page, {"q": "mug", "b": '{"colour": 1}'})
    assert "That cannot be compared" in wrong.content.decode()


# Runs


def start(client: Client, **data: str):
    return client.post(address("comparisonrun_start"), {"a": "hybrid", "b": "lexical", "set": "chairs", **data})


@pytest.mark.slow
def test_a_run_over_a_set_says_who_wins_and_what_changes(shop, chairs, merchandiser):
    for sku, value in (("CHAIR-1", 3), ("CHAIR-2", 1), ("CHAIR-3", 2)):
        Judgment.objects.create(query=query_of(chairs), sku=sku, judge="root", grade=value)
    answer = start(merchandiser)
    run = ComparisonRun.objects.get()
    page = address("comparisonrun_change", run.pk)
    assert answer.url == page
    assert "Waiting for a worker" in merchandiser.get(page).content.decode()
    taken = comparing.claim()
    assert taken == run
    assert comparing.claim() is None
    assert comparing.work(taken) is False
    run.refresh_from_db()
    assert (run.state, run.done, run.error) == ("done", 2, "")
    told = run.summary
    assert (told["queries"], told["judged_queries"]) == (2, 1)
    measure = told["measures"]["ndcg@10"]
    assert measure["wins"] + measure["losses"] + measure["ties"] == 1
    assert measure["difference"] == pytest.approx(measure["b"] - measure["a"])
    text = merchandiser.get(page).content.decode()
    assert "What may be said" in text
    assert "relevance-bar" in text
    progress = merchandiser.get(address("comparisonrun_progress", run.pk))
    assert not progress.content.strip()


def test_a_run_over_popular_queries_needs_no_judgments(shop, merchandiser):
    assert "No query is popular yet" in start(merchandiser, set="").content.decode()
    for word in ("chair", "mug"):
        PopularQuery.objects.create(normalised=word, query=word, visitors=5, last_seen=timezone.now())
    start(merchandiser, set="")
    comparing.work(comparing.claim())
    run = ComparisonRun.objects.get()
    assert run.state == "done"
    assert "measures" not in run.summary
    assert run.summary["queries"] == 2
    text = merchandiser.get(address("comparisonrun_change", run.pk)).content.decode()
    assert "nothing says which is better" in text


def test_a_run_goes_on_where_its_turn_ended(shop, chairs, merchandiser):
    start(merchandiser)
    assert comparing.work(comparing.claim(), seconds=-1) is True
    assert comparing.work(comparing.claim()) is False
    run = ComparisonRun.objects.get()
    assert (run.state, sorted(row["query"] for row in run.per_query)) == ("done", ["chair", "laptop"])


def test_a_run_whose_worker_died_is_taken_again_and_a_stopped_one_is_not(shop, chairs, merchandiser):
    start(merchandiser)
    first = comparing.claim()
    ComparisonRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = comparing.claim()
    assert second == first
    assert comparing.work(first) is False  # no longer its own
    assert ComparisonRun.objects.get().state == "running"
    merchandiser.post(address("comparisonrun_stop", second.pk))
    comparing.work(second)
    assert ComparisonRun.objects.get().state == "stopped"
    assert comparing.claim() is None


@pytest.mark.slow
def test_a_run_that_cannot_work_says_why(shop, chairs, merchandiser):
    start(merchandiser)
    ComparisonRun.objects.update(b={"name": "gone", "mode": "hybrid", "overrides": {"colour": 1}})
    comparing.work(comparing.claim())
    run = ComparisonRun.objects.get()
    assert run.state == "failed"
    assert "gone" in run.error
    assert run.error in merchandiser.get(address("comparisonrun_change", run.pk)).content.decode().replace(
        "&#x27;", "'"
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"b": "nothing"}, "There is no configuration"),
        ({"b": "hybrid"}, "nothing could differ"),
        ({"set": "other"}, "no such set"),
    ],
)
def test_a_run_that_makes_no_sense_does_not_start(chairs, merchandiser, data, said):
    assert said in start(merchandiser, **data).content.decode()
    assert not ComparisonRun.objects.exists()
