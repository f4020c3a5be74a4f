"""The admin's page of learned rankings: what it tells, who may steer, and going back."""

import pytest
from django.urls import reverse

from search.models import RankingVersion
from search.query.fusion import Fusion
from search.ranking.fusion_weights import as_json

LIST = "admin:search_rankingversion_changelist"
REPORT = {
    "held_out_ndcg@10": 0.71,
    "plain_ndcg@10": 0.68,
    "against_plain": {"difference": 0.03, "interval": [0.01, 0.05], "wins": 9, "losses": 2, "ties": 30, "p": 0.004},
    "judged_only": {"difference": 0.01, "interval": [-0.01, 0.03], "wins": 5, "losses": 4, "ties": 32, "p": 0.4},
    "against_live": None,
    "importance": {"price": 0.6, "title_words": 0.4},
}


def version(**fields):
    weights = as_json(Fusion({"terms": 1.0, "text": 0.35}))
    defaults = {"kind": "fusion", "weights": weights, "source": "Judgments of 41 queries", "report": REPORT}
    return RankingVersion.objects.create(**{**defaults, **fields})


@pytest.fixture
def administrator(sign_in):
    return sign_in("administrator")


def test_an_empty_page_says_how_to_begin(administrator):
    page = administrator.get(reverse(LIST)).content.decode()
    assert "Nothing was learned yet." in page
    assert "fit_ranking" in page


def test_the_list_tells_figures_with_their_interval(administrator):
    version(better=True, note="Better than the plain fusion")
    page = administrator.get(reverse(LIST)).content.decode()
    assert "+0.0300 (+0.0100 to +0.0500)" in page
    assert "ranking-row" in page


def test_a_version_is_shown_with_its_report(administrator):
    made = version(kind="ranker", weights={"prior": 4.0})
    page = administrator.get(reverse("admin:search_rankingversion_change", args=[made.pk])).content.decode()
    assert "9 better, 2 worse, 30 equal" in page
    assert "share of the query&#x27;s words in the title" in page


def test_a_report_that_is_not_there_breaks_nothing(administrator):
    made = version(report={}, weights={})
    page = administrator.get(reverse("admin:search_rankingversion_change", args=[made.pk]))
    assert page.status_code == 200
    assert "no report" in page.content.decode()
    assert administrator.get(reverse(LIST)).status_code == 200


def publish(client, *chosen):
    data = {"action": "publish", "_selected_action": [each.pk for each in chosen]}
    return client.post(reverse(LIST), data, follow=True).content.decode()


@pytest.mark.slow
def test_publishing_and_going_back(administrator):
    first, second = version(better=True), version()
    assert "is live." in publish(administrator, first)
    assert "although it was not better" in publish(administrator, second)
    assert RankingVersion.objects.get(live=True) == second
    page = administrator.post(reverse("admin:search_rankingversion_roll_back", args=["fusion"]), follow=True)
    assert f"{first} is live again" in page.content.decode()
    page = administrator.post(reverse("admin:search_rankingversion_switch_off", args=["fusion"]), follow=True)
    assert "as it ships again" in page.content.decode()
    assert not RankingVersion.objects.filter(live=True).exists()


def test_what_cannot_be_served_is_not_published(administrator):
    broken = version(kind="ranker", model="tree", features=["price"])
    assert "cannot be served" in publish(administrator, broken)
    assert "exactly one" in publish(administrator, version(), version())
    assert not RankingVersion.objects.filter(live=True).exists()


def test_merchandisers_look_and_do_not_steer(merchandiser):
    made = version()
    assert merchandiser.get(reverse(LIST)).status_code == 200
    publish(merchandiser, made)
    assert not RankingVersion.objects.filter(live=True).exists()
    for name in ("roll_back", "switch_off"):
        assert merchandiser.post(reverse(f"admin:search_rankingversion_{name}", args=["fusion"])).status_code == 403


def test_strangers_see_nothing_and_addresses_are_checked(client, sign_in, administrator):
    assert sign_in("nobody").get(reverse(LIST)).status_code == 403
    roll_back = "admin:search_rankingversion_roll_back"
    assert client.post(reverse(roll_back, args=["fusion"])).status_code == 302
    assert administrator.get(reverse(roll_back, args=["fusion"])).status_code == 405
    assert administrator.post(reverse(roll_back, args=["magic"])).status_code == 403
