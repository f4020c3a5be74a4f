"""The long proofs as commands, on PostgreSQL and Redis: figures are printed, and written into docs/reliability.md."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.report import put
from tests.reliability.site import ROOT, Site, end_in_order, site

PAGE = ROOT / "docs" / "reliability.md"
Figures = dict[str, Any]


def run(
    name: str,
    about: str | None,
    prove: Callable[[Site, argparse.Namespace], Figures],
    text: Callable[[Figures], str] = lambda figures: "",
    **numbers: float,
) -> int:
    """Run a proof; 0 where it passed. `numbers`: options and their defaults.

    With --write the section `name` becomes `text` and the figures; what `text` has told it takes out of these.
    """
    parser = argparse.ArgumentParser(description=about)
    for option, default in numbers.items():
        parser.add_argument(f"--{option}", type=type(default), default=default)
    parser.add_argument("--home", type=Path, help="an empty folder that is kept, with the logs")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/reliability.md")
    arguments = parser.parse_args()
    end_in_order()
    with site(arguments.home, production=True) as shop:
        figures = prove(shop, arguments)
    print(json.dumps(figures, indent=1))
    if arguments.write:
        put(PAGE, name, f"{text(figures)}```json\n{_compact(figures)}\n```")
    return 0 if figures["passed"] else 1


def is_clean(found: dict[str, Any]) -> bool:
    """Whether `check_index` found no difference; what it did not tell counts as one."""
    return not any(found.get(name, 1) for name in ("missing", "stale", "orphaned", "parked"))


def _compact(figures: Figures) -> str:
    """One figure a line."""
    lines = (f" {json.dumps(name)}: {json.dumps(value)}" for name, value in figures.items())
    return "{\n" + ",\n".join(lines) + "\n}"
