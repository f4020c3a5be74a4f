"""What comes from elsewhere: no code is loaded with data, versions are pinned, and the audit says what it looked at."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDERS = ("catalog", "search", "recommend", "workers", "platform", "benchmarks", "deploy")
# Modules whose reading of data can run code that the data brings.
UNSAFE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)


def unsafe_loads(code: str) -> list[str]:
    """What of a module's source could run code that came with data: imports and calls, as "line: what"."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
            found += [f"{node.lineno}: imports {each}" for each in names if each.split(".")[0] in UNSAFE]
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
            continue
        name = ast.unparse(node.func)
        given = {each.arg: ast.unparse(each.value) for each in node.keywords}
        if name in ("torch.load", "torch.jit.load", "torch.hub.load") and given.get("weights_only") != "True":
            found.append(f"{node.lineno}: {name} without weights_only")
        if name in ("np.load", "numpy.load", "np.save", "numpy.save") and given.get("allow_pickle") != "False":
            found.append(f"{node.lineno}: {name} without allow_pickle=False")
        if name.rsplit(".", maxsplit=1)[-1] == "read_pickle":
            found.append(f"{node.lineno}: {name}")
        if name in ("yaml.load", "yaml.unsafe_load", "yaml.full_load"):
            found.append(f"{node.lineno}: {name}")
        if given.get("trust_remote_code", "False") != "False":
            found.append(f"{node.lineno}: trusts code of a model hub")
        if name in ("eval", "exec"):
            found.append(f"{node.lineno}: {name}")
    return found


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib.numpy_pickle",
        "pandas.read_pickle(path)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader=yaml.Loader)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "def f():\n    return eval(text)",
    ],
)
def test_what_could_run_code_is_found(code: str) -> None:
    assert unsafe_loads(code)


@pytest.mark.parametrize(
    "code", ["torch.load(path, weights_only=True)", "np.load(path, allow_pickle=False)", "yaml.safe_load(text)"]
)
def test_what_cannot_is_let_be(code: str) -> None:
    assert unsafe_loads(code) == []


@pytest.mark.slow
def test_nothing_that_is_loaded_can_run_code() -> None:
    files = list(sources())
    assert len(files) > 300
    found = [f"{path.relative_to(ROOT)}:{each}" for path in files for each in unsafe_loads(path.read_text())]
    assert found == []


def test_tasks_and_sessions_travel_as_json() -> None:
    from django.conf import settings

    from vetrina.celery import app

    assert settings.SESSION_SERIALIZER.endswith("JSONSerializer")
    assert list(app.conf.accept_content) == ["json"]
    assert app.conf.task_serializer == app.conf.result_serializer == "json"


def test_every_rule_of_security_that_is_set_aside_says_why() -> None:
    bare = []
    for path in sources():
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if (noqa := re.search(r"# noqa: ?([A-Z]+\d+(?:, ?[A-Z]+\d+)*)(.*)", line)) and re.search(
                r"\bS\d{3}", noqa[1]
            ):
                above = lines[number - 1].strip() if number else ""
                if not re.search(r"\w{2}", noqa[2]) and not above.startswith("#"):
                    bare.append(f"{path.relative_to(ROOT)}:{number + 1}")
    assert bare == []


# Versions ------------------------------------------------------------


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_pinned_to_one_version() -> None:
    lines = [line.split("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()]
    pins = dict(re.fullmatch(r"([\w.-]+)==([\w.+!-]+)(?:\s*;.*)?", line).groups() for line in lines if line)
    pinned = {canonical(name) for name in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(each for of in project["optional-dependencies"].values() for each in of)]
    names = {canonical(re.match(r"[\w.-]+", each)[0]) for each in wanted}
    assert names - pinned == set()


def test_tools_of_the_audit_are_pinned() -> None:
    line = re.search(r"^AUDITORS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", each) for each in line.split())
    assert "step audit" in (ROOT / ".ci" / "run").read_text()


# What the audit says -----------------------------------------------------


@pytest.fixture
def audit(tmp_path: Path):
    def run(dependencies: list[dict[str, object]] | None) -> tuple[int, str]:
        (tmp_path / "licences.json").write_text(json.dumps([{"Name": "x", "License-Expression": "MIT"}]))
        (tmp_path / "sbom.cdx.json").write_text(json.dumps({"components": [{}, {}]}))
        if dependencies is not None:
            (tmp_path / "vulnerabilities.json").write_text(json.dumps({"dependencies": dependencies}))
        done = subprocess.run(
            [sys.executable, ROOT / "deploy" / "audit.py", tmp_path], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    return run


BAD = {"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2"]}]}
GOOD = {"name": "y", "version": "1", "vulns": []}
SKIPPED = {"name": "z", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.mark.own_parts
def test_a_known_vulnerability_fails_the_build_and_is_named(audit) -> None:
    code, told = audit([GOOD, BAD, SKIPPED])
    assert code == 1
    assert "1 known vulnerabilities in 2 packages; 1 packages are not on the list" in told
    assert "x 1: PYSEC-1 (CVE-2026-1), fixed in 2" in told


@pytest.mark.own_parts
def test_a_clean_list_passes(audit) -> None:
    code, told = audit([GOOD])
    assert code == 0
    assert "0 known vulnerabilities in 1 packages" in told
    assert "2 components" in told
    assert "1 MIT" in told


@pytest.mark.own_parts
@pytest.mark.parametrize("dependencies", [None, [], [SKIPPED, SKIPPED]])
def test_a_list_that_was_not_asked_is_not_taken_for_a_clean_one(audit, dependencies) -> None:
    code, told = audit(dependencies)
    assert code == 0
    assert "cannot be reached" in told
    assert "known vulnerabilities in" not in told
