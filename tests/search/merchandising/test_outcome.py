"""What an outcome does to a ranked list: properties that hold for every list and every set of actions."""

from hypothesis import given
from hypothesis import strategies as st

from search.merchandising.outcome import Action, Outcome, Target, around_pins
from search.query.fusion import Scored

LAST = 30  # products are 1 to LAST; brands are 101 and 102
BRANDS = (Target("brand", 101), Target("brand", 102))

products = st.integers(1, LAST).map(lambda id: Target("product", id))
targets = st.one_of(products, st.sampled_from(BRANDS))
pins = st.builds(
    lambda target, position, rule: Action("pin", target, rule, f"rule {rule}", position=position),
    products, st.integers(1, 12), st.integers(1, 5),
)  # fmt: skip
weights = st.builds(
    lambda kind, target, factor: Action(kind, target, 1, "weights", factor=factor),
    st.sampled_from(["boost", "bury"]), targets, st.floats(1.1, 10),
)  # fmt: skip
hides = targets.map(lambda target: Action("hide", target, 2, "hides"))
outcomes = st.lists(st.one_of(pins, weights, hides), max_size=12).map(lambda each: Outcome(tuple(each)))
members = st.fixed_dictionaries({brand: st.frozensets(st.integers(1, LAST), max_size=8) for brand in BRANDS})


@st.composite
def lists(draw: st.DrawFn) -> list[Scored]:
    ids = draw(st.lists(st.integers(1, LAST), unique=True, max_size=20))
    exact = draw(st.integers(0, 2))
    scores = sorted((draw(st.floats(0.01, 1)) for _ in ids), reverse=True)
    ranked = [Scored(id, score) for id, score in zip(ids, scores, strict=True)]
    for scored in ranked[:exact]:
        scored.parts["exact"] = {"score": 1.0}
    return ranked


def ids(ranked: list[Scored]) -> list[int]:
    return [scored.id for scored in ranked]


def hidden_by(outcome: Outcome, of: dict[Target, frozenset[int]]) -> set[int]:
    found: set[int] = set()
    for action in outcome.actions:
        if action.kind == "hide":
            found |= {action.target.id} if action.target.kind == "product" else of[action.target]
    return found


@given(lists(), outcomes, members, st.frozensets(st.integers(1, LAST)))
def test_nothing_is_lost_but_what_is_hidden_and_nothing_comes_but_what_is_pinned(ranked, outcome, of, pinnable):
    after = ids(outcome.apply(ranked, members=of, pinnable=pinnable))
    hidden = hidden_by(outcome, of)
    assert len(after) == len(set(after))
    assert set(after) == (set(ids(ranked)) | (set(outcome.pins) & pinnable)) - hidden


@given(lists(), st.dictionaries(st.integers(1, 12), st.integers(1, LAST), max_size=6), outcomes, members)
def test_each_pin_stands_at_its_place_if_the_list_is_that_long(ranked, places, outcome, of):
    places = {position: id for position, id in places.items() if list(places.values()).count(id) == 1}
    first = tuple(Action("pin", Target("product", id), 1, "Pin", position=at) for at, id in places.items())
    others = tuple(action for action in outcome.actions if action.kind in ("boost", "bury"))
    after = ids(Outcome((*first, *others)).apply(ranked, members=of, pinnable=set(places.values())))
    if len(after) >= max(places, default=0):
        assert all(after[position - 1] == id for position, id in places.items())


@given(lists(), outcomes, members)
def test_hits_that_no_rule_names_keep_their_order(ranked, outcome, of):
    named = hidden_by(outcome, of) | {
        id
        for action in outcome.actions
        for id in ([action.target.id] if action.target.kind == "product" else of[action.target])
    }
    before = [id for id in ids(ranked) if id not in named]
    after = [id for id in ids(outcome.apply(ranked, members=of, pinnable=set(range(LAST + 1)))) if id not in named]
    assert after == before


@given(lists(), outcomes, members)
def test_exact_codes_stay_in_front_of_all_that_is_not_pinned(ranked, outcome, of):
    after = outcome.apply(ranked, members=of, pinnable=set(outcome.pins))
    loose = ["exact" in scored.parts for scored in after if "pinned" not in scored.parts]
    assert loose == sorted(loose, reverse=True)


@given(lists(), outcomes, members)
def test_what_moved_by_a_rule_says_so(ranked, outcome, of):
    before = {id: place for place, id in enumerate(ids(ranked))}
    for place, scored in enumerate(outcome.apply(ranked, members=of, pinnable=set(outcome.pins))):
        for part in ("pinned", "boosted", "buried"):
            if part in scored.parts:
                told = scored.parts[part]
                assert told["rules"]
                assert told["moved"] == (before[scored.id] - place if scored.id in before else None)
        if scored.id not in before:
            assert "pinned" in scored.parts


@given(lists(), st.lists(pins, max_size=4))
def test_what_reorders_the_rest_leaves_pins_where_they_are(ranked, chosen):
    outcome = Outcome(tuple(chosen))
    after = outcome.apply(ranked, pinnable=set(outcome.pins))
    turned = around_pins(after, lambda loose: list(reversed(loose)))
    assert sorted(ids(turned)) == sorted(ids(after))
    for was, now in zip(after, turned, strict=True):
        assert ("pinned" in was.parts) == ("pinned" in now.parts)
        if "pinned" in was.parts:
            assert was is now


# Single cases ------------------------------------------------------------------------------------------------------


def ranked(*given: int) -> list[Scored]:
    return [Scored(id, 1 / place) for place, id in enumerate(given, start=1)]


def pin(id: int, position: int) -> Action:
    return Action("pin", Target("product", id), 7, "Picnic", position=position)


def test_pins_stand_at_their_places():
    after = Outcome((pin(5, 1), pin(2, 3))).apply(ranked(1, 2, 3, 4, 5), pinnable={5, 2})
    assert ids(after) == [5, 1, 2, 3, 4]
    assert after[0].parts["pinned"] == {"position": 1, "rules": ["Picnic (rule 7)"], "moved": 4}


def test_a_product_that_was_not_found_comes_in():
    after = Outcome((pin(9, 2),)).apply(ranked(1, 2), pinnable={9})
    assert ids(after) == [1, 9, 2]
    assert after[1].parts["pinned"]["moved"] is None


def test_a_pin_that_may_not_be_shown_stays_where_it_was_found():
    assert ids(Outcome((pin(2, 1), pin(9, 1))).apply(ranked(1, 2), pinnable=set())) == [1, 2]


def test_two_pins_of_one_place_stand_beside_each_other():
    assert ids(Outcome((pin(5, 1), pin(4, 1))).apply(ranked(1, 4, 5), pinnable={4, 5})) == [5, 4, 1]


def test_a_pin_behind_the_last_hit_is_the_last():
    assert ids(Outcome((pin(9, 40), pin(8, 30))).apply(ranked(1), pinnable={8, 9})) == [1, 8, 9]


def test_hiding_wins_over_pinning():
    hide = Action("hide", Target("product", 2), 1, "No")
    assert ids(Outcome((pin(2, 1), hide)).apply(ranked(1, 2), pinnable={2})) == [1]


def test_factors_multiply_within_bounds():
    boosts = tuple(Action("boost", Target("product", 3), 1, "More", factor=10.0) for _ in range(3))
    hits = [Scored(1, 0.9), Scored(2, 0.5), Scored(3, 0.05)]
    after = Outcome(boosts).apply(hits)
    assert ids(after) == [1, 2, 3]  # 10 and not 1000 times
    assert after[2].score == 0.5
    assert after[2].parts["boosted"]["score"] == 10.0


def test_the_parts_of_a_boosted_score_still_add_up():
    hit = Scored(1, 0.4, {"terms": {"contribution": 0.4}})
    after = Outcome((Action("boost", Target("product", 1), 1, "More", factor=1.5),)).apply([hit])
    assert abs(sum(part["contribution"] for part in after[0].parts.values()) - after[0].score) < 1e-9


def test_burying_moves_down():
    bury = Action("bury", BRANDS[0], 1, "Less", factor=4.0)
    assert ids(Outcome((bury,)).apply(ranked(1, 2, 3, 4, 5), members={BRANDS[0]: {1}})) == [2, 3, 1, 4, 5]
