"""What the page says of how the words were understood, and the addresses that take it back."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from search.language.phrases import ATTRIBUTE


@dataclass(frozen=True)
class Removable:
    """A condition that the words imply, and the address in which they are words like others."""

    label: str
    phrase: str
    url: str


@dataclass(frozen=True)
class Understood:
    """`corrected` and `typed_url`: other words were searched for, and the way back; `meant`: they may have been."""

    chips: list[Removable] = field(default_factory=list)
    corrected: str = ""
    typed_url: str = ""
    meant: str = ""
    meant_url: str = ""
    sentences: list[str] = field(default_factory=list)


def understood_of(query: dict[str, Any], params: QueryDict) -> Understood:
    """Read the answer's `query`. Preferences have no chip: they take nothing away."""
    chips = [
        Removable(_label(each), each["phrase"], _literal(params, [each["phrase"]]))
        for each in query.get("understood", ())
        if each["applied"] == "filter"
    ]
    typed = [each["typed"] for each in query.get("corrections", ())]
    corrected, meant = query.get("showing_results_for", ""), query.get("did_you_mean", "")
    return Understood(
        chips=chips,
        corrected=corrected,
        typed_url=_literal(params, typed) if corrected else "",
        meant=meant,
        meant_url=_address(params, q=meant) if meant else "",
        sentences=[each["sentence"] for each in query.get("relaxed", ())],
    )


def _label(told: dict[str, Any]) -> str:
    if told["kind"] == "attribute":
        return f"{told['name'].removeprefix(ATTRIBUTE).replace('_', ' ').capitalize()}: {told['label']}"
    return str(told["label"])


def _literal(params: QueryDict, phrases: Iterable[str]) -> str:
    changed = params.copy()
    changed.pop("page", None)
    changed.setlist("literal", list(dict.fromkeys([*params.getlist("literal"), *phrases])))
    return f"?{changed.urlencode()}"


def _address(params: QueryDict, **changes: str) -> str:
    changed = params.copy()
    for name in ("page", "literal"):
        changed.pop(name, None)
    for name, value in changes.items():
        changed[name] = value
    return f"?{changed.urlencode()}"
