"""What was learned, in a search: the order, the bounds, the explanation, and what happens where it fails."""

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog.models import Product
from recommend.serving.models import Demand
from search.models import RankingVersion
from search.query import SearchRequest, search
from search.query.configuration import configuration_of
from search.query.fusion import Fusion
from search.ranking import versions
from search.ranking.features import NAMES
from search.ranking.fusion_weights import as_json
from search.ranking.ranker import train
from search.remembered import forget
from tests.search.ranking.samples import AT, group

CHAIRS = {"CHAIR-1", "CHAIR-2", "CHAIR-3"}


@pytest.fixture(scope="module")
def dear_first():
    """A ranker to which the dearest is best, and nothing else matters as much."""
    random = np.random.default_rng(0)
    made = []
    for number in range(40):
        price = random.uniform(0, 8, 12)
        made.append(group(f"q{number}", {"price": price.tolist()}, np.argsort(np.argsort(price)).tolist()))
    return train(made, prior=0.0)


@pytest.fixture
def live_ranker(shop, dear_first):
    version = RankingVersion.objects.create(
        kind="ranker", model=dear_first.to_text(), features=list(NAMES), weights={"prior": 0.0}, source="made up"
    )
    versions.publish(version)
    forget()
    return version


def skus(**more) -> list[str]:
    return [hit.product.sku for hit in search(SearchRequest(**more)).hits]


def priced(found: list[str]) -> list[float]:
    prices = dict(Product.objects.values_list("sku", "price"))
    return [float(prices[sku]) for sku in found]


def test_hits_are_in_the_learned_order(live_ranker):
    assert skus(q="chair") == ["CHAIR-3", "CHAIR-2", "CHAIR-1"]


def test_an_exact_code_stays_in_front(live_ranker):
    assert skus(q="LAPTOP-2")[0] == "LAPTOP-2"


def test_what_has_none_of_the_words_stays_below_what_has_them(live_ranker):
    result = search(SearchRequest(q="laptop", explain=True))
    covering = ["terms" in hit.explanation for hit in result.hits]
    assert covering == sorted(covering, reverse=True)


@pytest.mark.slow
def test_other_modes_and_orders_are_left_alone(live_ranker):
    plain = configuration_of({"ranker": "none"})
    for more in ({"mode": "lexical"}, {"mode": "semantic"}, {"sort": "price"}, {"image_of": "CHAIR-3"}):
        asked = {"q": "chair", **more}
        assert skus(**asked) == skus(**asked, configuration=plain)


def test_a_configuration_names_its_ranker(live_ranker):
    plain = skus(q="chair", configuration=configuration_of({"ranker": "none"}))
    versions.switch_off("ranker")
    forget()
    assert skus(q="chair") == plain
    assert skus(q="chair", configuration=configuration_of({"ranker": live_ranker.pk})) == [
        "CHAIR-3", "CHAIR-2", "CHAIR-1",
    ]  # fmt: skip
    assert skus(q="chair", configuration=configuration_of({"ranker": 999999})) == plain


def test_it_is_explained_feature_by_feature(live_ranker):
    for hit in search(SearchRequest(q="chair", explain=True)).hits:
        part = hit.explanation["ranker"]
        assert part["version"] == live_ranker.pk
        assert sum(part["features"].values()) == pytest.approx(part["score"], abs=2e-3)
        assert {"others", "base"} < part["features"].keys()
    assert max(part["features"], key=lambda name: abs(part["features"][name])) in ("price", "base")
    assert all(hit.explanation is None for hit in search(SearchRequest(q="chair")).hits)


def test_the_search_stands_where_the_ranker_fails(live_ranker, monkeypatch):
    plain = skus(q="chair", configuration=configuration_of({"ranker": "none"}))

    def fail(self, rows):
        raise RuntimeError("no trees today")

    monkeypatch.setattr("search.ranking.ranker.Ranker.score", fail)
    result = search(SearchRequest(q="chair"))
    assert [hit.product.sku for hit in result.hits] == plain
    assert "learned" in result.query["degraded"][0]


def test_the_search_stands_where_the_model_is_broken(live_ranker, caplog):
    RankingVersion.objects.filter(pk=live_ranker.pk).update(model="tree\nnonsense")
    forget()
    assert set(skus(q="chair")) == CHAIRS
    assert "cannot be served" in caplog.text


def test_pages_hold_each_hit_once(live_ranker):
    paged = [sku for page in (1, 2, 3) for sku in skus(q="chair", page=page, page_size=1)]
    assert paged == skus(q="chair")


def publish_fusion(weights: dict[str, float], **more) -> None:
    told = as_json(Fusion(weights, **more))
    versions.publish(RankingVersion.objects.create(kind="fusion", weights=told, source="made up"))
    forget()


def test_learned_weights_are_used_and_explained(shop):
    publish_fusion({"terms": 1.0, "text": 3.0}, by="scores")
    for hit in search(SearchRequest(q="office chair", explain=True)).hits:
        weights = {part: told["weight"] for part, told in hit.explanation.items()}
        assert {"terms": 1.0, "text": 3.0}.items() >= weights.items()
        assert sum(told["contribution"] for told in hit.explanation.values()) == pytest.approx(hit.score, abs=1e-5)
    plain = configuration_of({"ranker": "none"})
    (first, *_) = search(SearchRequest(q="chair", explain=True, configuration=plain)).hits
    assert first.explanation["terms"]["weight"] == 2.0


@pytest.fixture
def wanted(shop, settings):
    settings.SEARCH_BEHAVIOUR_WEIGHT = 2.0
    for sku, popularity in (("CHAIR-2", 50.0), ("CHAIR-1", 5.0), ("HUB-1", 500.0)):
        Demand.objects.create(
            product=shop[sku], popularity=popularity, recent=0, expected=0, rise=0, counted_at=timezone.now()
        )


def test_what_shoppers_want_comes_further_up_and_brings_nothing_in(wanted):
    result = search(SearchRequest(q="chair", explain=True))
    told = {hit.product.sku: hit.explanation.get("behaviour", {}).get("score", 0.0) for hit in result.hits}
    assert told.keys() == CHAIRS
    assert next(iter(told)) == "CHAIR-2"
    assert told["CHAIR-2"] > told["CHAIR-1"] > told["CHAIR-3"] == 0.0


def failing(q, ids):
    raise RuntimeError("nobody knows")


@pytest.mark.parametrize("path", ["", f"{__name__}.failing", "no.such.module"])
def test_the_search_stands_without_anybody_who_tells_what_is_wanted(wanted, settings, path):
    settings.SEARCH_BEHAVIOUR = path
    assert set(skus(q="chair")) == CHAIRS


def test_features_are_told_only_to_who_asks(shop):
    assert search(SearchRequest(q="chair")).features is None
    result = search(SearchRequest(q="folding chair", features=True))
    assert result.features.keys() == {str(hit.product.pk) for hit in result.hits}
    assert all(len(row) == len(NAMES) and np.isfinite(row).all() for row in result.features.values())
    row = result.features[str(shop["CHAIR-1"].pk)]
    told = dict(zip(NAMES, row, strict=True))
    assert (told["title_words"], told["title_phrase"], told["all_words"], told["title_length"]) == (1, 1, 1, 2)
    assert told["price"] == pytest.approx(np.log1p(80), abs=1e-4)
    chairs = search(SearchRequest(q="chair", features=True)).features
    cheap, sold_out = (dict(zip(NAMES, chairs[str(shop[sku].pk)], strict=True)) for sku in ("CHAIR-1", "CHAIR-2"))
    assert cheap["price_ratio"] == pytest.approx(np.log(80 / 130), abs=1e-4)
    assert (sold_out["in_stock"], cheap["in_stock"]) == (0, 1)


def test_what_is_logged_is_what_a_ranker_would_see(live_ranker, monkeypatch):
    seen = []
    scored = type(versions.live().ranker).score
    monkeypatch.setattr(
        "search.ranking.ranker.Ranker.score", lambda self, rows: seen.extend(rows) or scored(self, rows)
    )
    result = search(SearchRequest(q="chair", features=True))
    logged = sorted(result.features.values())
    assert np.array(logged) == pytest.approx(np.array(sorted(seen)), abs=1e-4)


@pytest.fixture
def judgments(tmp_path):
    rows = [(q, sku, 3) for q, sku in (("chair", "CHAIR-3"), ("laptop", "LAPTOP-1"), ("cup", "CUP-red"),
                                       ("mug", "MUG-black"), ("hub", "HUB-1"), ("case", "CASE-1"))]  # fmt: skip
    rows += [("chair", "CHAIR-1", 0), ("laptop", "CASE-1", 1), ("unheard of", "HUB-1", 0)]
    lines = ["query,sku,grade", *(f"{q},{sku},{grade}" for q, sku, grade in rows)]
    (tmp_path / "judgments.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


@pytest.mark.slow
def test_the_command_learns_from_judgments_and_keeps_what_proves_nothing(shop, judgments, capsys, quick_learning):
    call_command("fit_ranking", data=judgments, json=True, verbosity=0)
    told = capsys.readouterr().out.strip().splitlines()[-1]
    assert '"published": false' in told
    assert {version.kind for version in RankingVersion.objects.all()} == {"fusion", "ranker"}
    assert all("too few" in version.note for version in RankingVersion.objects.all())


def test_the_command_says_what_is_missing(shop, tmp_path, quick_learning):
    with pytest.raises(CommandError, match=r"judgments\.csv"):
        call_command("fit_ranking", data=tmp_path, verbosity=0)
    with pytest.raises(CommandError, match="At least 5 queries"):
        call_command("fit_ranking", clicks=True, verbosity=0)


def test_features_are_where_samples_think_they_are():
    assert [AT[name] for name in NAMES] == list(range(len(NAMES)))
