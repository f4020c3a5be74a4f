"""Read what `make audit` wrote, say it in a few lines, and fail on a known vulnerability.

`pip-audit` skips a package that the list does not know, and calls a run in which it skipped all of them clean. So what
was looked at is counted here, and a list that could not be asked is told apart from one that knows of nothing.

    python deploy/audit.py var/audit
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

LISTS = ("vulnerabilities.json", "licences.json", "sbom.cdx.json")


def read(path: Path) -> Any:
    """What a tool wrote; None where it wrote nothing, as where it was cut off."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def vulnerabilities(told: Any) -> tuple[list[str], bool]:
    """Lines on what is known, and whether anything is."""
    packages = (told or {}).get("dependencies", [])
    asked = [each for each in packages if "vulns" in each]
    lines = [
        f"  {each['name']} {each['version']}: {one['id']} ({', '.join(one.get('aliases', [])) or 'no other name'}), "
        f"fixed in {', '.join(one['fix_versions']) or 'no version yet'}"
        for each in asked
        for one in each["vulns"]
    ]
    if not asked:
        return ["The list of vulnerabilities cannot be reached from here, so none was looked for."], False
    skipped = len(packages) - len(asked)
    head = f"{len(lines)} known vulnerabilities in {len(asked)} packages; {skipped} packages are not on the list."
    return [head, *lines], bool(lines)


def licences(told: Any) -> list[str]:
    kinds = ("License-Expression", "License-Classifier", "License-Metadata")
    told = told or []
    named = [next((each[kind] for kind in kinds if each.get(kind) not in (None, "UNKNOWN")), "?") for each in told]
    counted = Counter(name if len(name) < 60 else f"{name[:57]}..." for name in named)
    return [f"{len(named)} licences, none of those that are refused:"] + [
        f"  {count:4} {name}" for name, count in counted.most_common(12)
    ]


def main(folder: Path) -> int:
    known, licensed, bill = (read(folder / name) for name in LISTS)
    told, bad = vulnerabilities(known)
    lines = [f"{len((bill or {}).get('components', []))} components in the bill of materials.", *licences(licensed)]
    print("\n".join([*lines, *told]))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
