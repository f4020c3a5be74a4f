"""What rules do to ranked hits: hide, boost and bury, pin; in this order, without a query.

Hiding wins over everything. An exact code stays in front of all that is not pinned. Hits that no rule names keep their
order among themselves.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.models.rules import MOST_FACTOR, RuleAction
from search.query.fusion import Scored

PINNED, BOOSTED, BURIED = "pinned", "boosted", "buried"  # parts of an explanation
PARTS = (PINNED, BOOSTED, BURIED)


@dataclass(frozen=True)
class Target:
    """Whom an action is for: a row by its id, or an attribute by name and value."""

    kind: str  # product, brand, category, tag, attribute
    id: int = 0
    value: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Action:
    kind: str  # of RuleAction.Kind
    target: Target
    rule: int
    name: str  # the rule's
    position: int | None = None  # of a pin, counted from 1
    factor: float | None = None  # of a boost or bury, at least 1


Members = Mapping[Target, Collection[int]]  # the product ids that each target stands for


@dataclass(frozen=True)
class Outcome:
    """The actions of all rules that hold, the first in priority first. False where there is nothing to do."""

    actions: tuple[Action, ...] = ()
    redirect: str = ""
    rules: tuple[tuple[int, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.actions or self.redirect)

    @property
    def pins(self) -> tuple[int, ...]:
        """The ids of the products that are pinned, each once."""
        pins = (action.target.id for action in self.actions if action.kind == RuleAction.Kind.PIN)
        return tuple(dict.fromkeys(pins))

    @property
    def targets(self) -> tuple[Target, ...]:
        """What has to be looked up before `apply`: everything but products."""
        return tuple(dict.fromkeys(each.target for each in self.actions if each.target.kind != "product"))

    def told(self, *, explain: bool) -> dict[str, Any]:
        """What an answer says of it: where to go, and to whoever asked for reasons, which rules held."""
        told: dict[str, Any] = {"redirect": self.redirect} if self.redirect else {}
        if explain and self.rules:
            told["rules"] = [{"id": id, "name": name} for id, name in self.rules]
        return told

    def apply(
        self, ranked: Sequence[Scored], *, members: Members | None = None, pinnable: Collection[int] = ()
    ) -> list[Scored]:
        """Return the hits as the rules want them. Changes parts and scores of those that rules name.

        `members` tells whom targets other than products stand for. `pinnable` holds the pinned products that may be
        shown: for sale, in stock, and within the shopper's own filters; one that was not found at all comes in.
        """
        members = members or {}
        hidden = {id for action in self._of(RuleAction.Kind.HIDE) for id in _ids(action, members)}
        was = {scored.id: place for place, scored in enumerate(ranked)}
        kept = [scored for scored in ranked if scored.id not in hidden]
        pins = self._placed(set(pinnable) - hidden)
        loose = self._weighed([scored for scored in kept if scored.id not in pins], members)
        by_id = {scored.id: scored for scored in kept}
        placed = {
            position: _pinned(by_id.get(id) or Scored(id), position, action) for id, (position, action) in pins.items()
        }
        result: list[Scored] = []
        waiting = iter(loose)
        for place in range(1, len(loose) + len(placed) + 1):
            scored = placed.pop(place, None) or next(waiting, None)
            if scored is None:  # pinned behind the last hit: the places before it are empty
                break
            result.append(scored)
        result += [placed[position] for position in sorted(placed)]
        for place, scored in enumerate(result):
            for part in PARTS:
                if part in scored.parts:
                    before = was.get(scored.id)
                    scored.parts[part]["moved"] = None if before is None else before - place
        return result

    def _of(self, kind: str) -> list[Action]:
        return [action for action in self.actions if action.kind == kind]

    def _placed(self, pinnable: Collection[int]) -> dict[int, tuple[int, Action]]:
        """Product id -> its place. A place that is taken by a rule of more weight leaves the next one."""
        taken: dict[int, int] = {}
        placed: dict[int, tuple[int, Action]] = {}
        for action in self._of(RuleAction.Kind.PIN):
            id, position = action.target.id, action.position or 1
            if id in pinnable and id not in placed:
                while position in taken:
                    position += 1
                taken[position] = id
                placed[id] = position, action
        return placed

    def _weighed(self, ranked: list[Scored], members: Members) -> list[Scored]:
        factors: dict[int, float] = {}
        rules: dict[int, list[Action]] = {}
        for action in (*self._of(RuleAction.Kind.BOOST), *self._of(RuleAction.Kind.BURY)):
            factor = action.factor or 1.0
            for id in _ids(action, members):
                factors[id] = factors.get(id, 1.0) * (factor if action.kind == RuleAction.Kind.BOOST else 1 / factor)
                rules.setdefault(id, []).append(action)
        if not factors:
            return ranked
        first = [scored for scored in ranked if "exact" in scored.parts]
        rest = [scored for scored in ranked if "exact" not in scored.parts]
        worth: dict[int, float] = {}
        least = float("inf")
        for scored in rest:
            # The order may come from something else than the scores; then a score counts as far as its place allows.
            least = min(least, scored.score)
            factor = min(max(factors.get(scored.id, 1.0), 1 / MOST_FACTOR), MOST_FACTOR)
            worth[scored.id] = least * factor
            if scored.id in rules and factor != 1.0:
                scored.parts[BOOSTED if factor > 1 else BURIED] = {
                    "score": round(factor, 4),
                    "contribution": scored.score * (factor - 1),
                    "rules": _named(rules[scored.id]),
                }
                scored.score *= factor
        return first + sorted(rest, key=lambda scored: -worth[scored.id])


def around_pins(ranked: Sequence[Scored], reorder: Any) -> list[Scored]:
    """Let `reorder` order the hits that are not pinned, and keep each pinned one at its place."""
    pinned = {place: scored for place, scored in enumerate(ranked) if PINNED in scored.parts}
    if not pinned:
        return list(reorder(ranked))
    loose = iter(reorder([scored for scored in ranked if PINNED not in scored.parts]))
    return [pinned[place] if place in pinned else next(loose) for place in range(len(ranked))]


def _ids(action: Action, members: Members) -> Collection[int]:
    return (action.target.id,) if action.target.kind == "product" else members.get(action.target, ())


def _pinned(scored: Scored, position: int, action: Action) -> Scored:
    scored.parts[PINNED] = {"position": position, "rules": _named([action])}
    return scored


def _named(actions: Sequence[Action]) -> list[str]:
    """Rules as an explanation names them."""
    return list(dict.fromkeys(f"{action.name} (rule {action.rule or 'not saved'})" for action in actions))
