"""Rules as they are held against searches: which of them hold, and what they do together."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone

from catalog.models import Category
from search.language.synonyms import FIRST_UNSPACED, Key, key_of
from search.merchandising.outcome import Action, Outcome, Target
from search.merchandising.segments import EVERYBODY, segments_of
from search.models.rules import RULES, Rule, RuleAction
from search.remembered import Remembered
from search.terms import fold

MOST_PATTERNS = 30


@dataclass(frozen=True)
class Pattern:
    """One line of a rule's words: its stems, and what it is without them."""

    key: Key
    text: str

    @classmethod
    def of(cls, line: str) -> "Pattern":
        return cls(key_of(line, settings.LANGUAGE_CODE), " ".join(fold(line).split()))

    def met(self, how: str, query: "Pattern") -> bool:
        match how:
            case Rule.Match.EXACT:
                return query.key == self.key
            case Rule.Match.STARTS:
                return query.key[: len(self.key)] == self.key or query.text.startswith(self.text)
            case Rule.Match.CONTAINS:
                return all(part in query.key or (_unspaced(part) and part in query.text) for part in self.key)
        return False


def _unspaced(part: str) -> bool:
    return part[0] >= FIRST_UNSPACED


@dataclass(frozen=True)
class Compiled:
    """A rule without its table."""

    id: int  # 0 while it is not saved
    name: str
    match: str
    patterns: tuple[Pattern, ...]
    category: int | None
    segment: str
    starts_at: dt.datetime | None
    ends_at: dt.datetime | None
    redirect: str
    actions: tuple[Action, ...]
    priority: int = 0

    def asked_for(self, query: Pattern, at: dt.datetime) -> bool:
        """Whether words and schedule hold; category and segment are asked for by whoever can tell them."""
        if (self.starts_at and at < self.starts_at) or (self.ends_at and at >= self.ends_at):
            return False
        if self.match == Rule.Match.ANY:
            return True
        if self.match == Rule.Match.NONE:
            return not query.text
        return bool(query.text) and any(pattern.met(self.match, query) for pattern in self.patterns)


def patterns_of(text: str) -> tuple[Pattern, ...]:
    """The lines of a rule's words that hold a word at all."""
    lines = [line.strip() for line in text.replace("\r", "").split("\n")]
    return tuple(pattern for line in lines if line and (pattern := Pattern.of(line)).key)[:MOST_PATTERNS]


def compiled(rule: Rule, actions: Iterable[RuleAction]) -> Compiled:
    """A rule as it is held against searches; it need not be saved, nor its actions."""
    return Compiled(
        rule.pk or 0,
        rule.name,
        rule.match,
        patterns_of(rule.queries),
        rule.category_id,
        rule.segment,
        rule.starts_at,
        rule.ends_at,
        rule.redirect_to,
        tuple(_action(rule, action) for action in actions),
        rule.priority,
    )


def _action(rule: Rule, action: RuleAction) -> Action:
    targets = {
        "product": action.product_id,
        "brand": action.brand_id,
        "category": action.category_id,
        "tag": action.tag_id,
    }
    target = next((Target(kind, id) for kind, id in targets.items() if id), None)
    if target is None:
        target = Target("attribute", value=(action.attribute, action.value))
    return Action(action.kind, target, rule.pk or 0, rule.name, action.position, action.factor)


def in_order(rules: Iterable[Compiled]) -> tuple[Compiled, ...]:
    """The higher priority first; of equals the older rule, and what is not saved yet last."""
    return tuple(sorted(rules, key=lambda rule: (-rule.priority, rule.id == 0, rule.id)))


def _load() -> tuple[Compiled, ...]:
    rows = Rule.objects.filter(enabled=True).prefetch_related("actions")
    return in_order(compiled(row, row.actions.all()) for row in rows)


_rules: Remembered[tuple[Compiled, ...]] = Remembered(RULES, _load)


def saved_rules() -> tuple[Compiled, ...]:
    """The enabled rules, the first in priority first. No query most of the time; see `search.remembered`."""
    return _rules.get()


def outcome_for(
    q: str | Sequence[str],
    category: str = "",
    segment: Callable[[], Collection[str]] | Collection[str] = (),
    at: dt.datetime | None = None,
    *,
    rules: Sequence[Compiled] | None = None,
) -> Outcome:
    """What the rules do to a search.

    `q` is the query as it was typed, or several readings of it, of which one has to fit; "" browses. `category` is the
    slug that is filtered on; `segment` holds the shopper's segments, or tells them when asked. `at` is the moment that
    schedules are held against (None: now), and `rules` stand in place of the saved ones. Two queries where a rule asks
    for a category.
    """
    rules = saved_rules() if rules is None else rules
    if not rules:
        return Outcome()
    at = at or timezone.now()
    readings = [Pattern.of(each) for each in ([q] if isinstance(q, str) else q)]
    fitting = [rule for rule in rules if any(rule.asked_for(reading, at) for reading in readings)]
    if any(rule.category for rule in fitting):
        line = _line_of(category)
        fitting = [rule for rule in fitting if rule.category is None or rule.category in line]
    if any(rule.segment != EVERYBODY for rule in fitting):
        segments = segment() if callable(segment) else segment
        fitting = [rule for rule in fitting if rule.segment == EVERYBODY or rule.segment in segments]
    return Outcome(
        tuple(action for rule in fitting for action in rule.actions),
        next((rule.redirect for rule in fitting if rule.redirect), ""),
        tuple((rule.id, rule.name) for rule in fitting),
    )


def outcome_of(request: Any, readings: Sequence[str] = ()) -> Outcome:
    """As `outcome_for`, of a SearchRequest; `readings` stand in place of its words."""
    q = list(dict.fromkeys(readings)) or request.q
    return outcome_for(q, request.filters.category, lambda: segments_of(request.shopper), rules=request.rules)


def _line_of(slug: str) -> frozenset[int]:
    """The ids of a category and all above it."""
    path = Category.objects.filter(slug=slug).values_list("path", flat=True).first() if slug else None
    if path is None:
        return frozenset()
    step = Category.steplen
    above = [path[:end] for end in range(step, len(path) + 1, step)]
    return frozenset(Category.objects.filter(path__in=above).values_list("pk", flat=True))
