"""Starts programs of the project in processes of their own, which settings need, without a start's price each time."""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Waits with the libraries loaded, which is most of a start, and forks for each program. None of them reads a setting.
LOOP = """
import json, os, runpy, sys
import celery.bin.celery, django.contrib.postgres.fields, django.core.management, qdrant_client, scipy.stats
for line in sys.stdin:
    program = json.loads(line)
    child = os.fork()
    if child:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    os.environ.clear()
    os.environ.update(program["environment"])
    for number, file in ((1, program["stdout"]), (2, program["stderr"])):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdin.close()
    sys.argv = program["arguments"]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
    break
"""


@cache
def _nursery() -> subprocess.Popen[str]:
    paths = os.pathsep.join((str(ROOT / "platform"), str(ROOT)))
    return subprocess.Popen(
        [sys.executable, "-c", LOOP],
        cwd=ROOT,
        env={**essential(), "PYTHONPATH": paths},
        stdin=subprocess.PIPE,  # it ends with this process, which closes that
        stdout=subprocess.PIPE,
        text=True,
    )


def essential() -> dict[str, str]:
    """Of this process's environment, what says nothing of the product."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "OMP_NUM_THREADS")}


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments, from the project's root, to its end, in this environment and no other."""
    nursery = _nursery()
    assert nursery.stdin
    assert nursery.stdout
    with tempfile.TemporaryDirectory() as folder:
        told = {name: f"{folder}/{name}" for name in ("stdout", "stderr")}
        program = {"arguments": arguments, "environment": environment, **told}
        nursery.stdin.write(json.dumps(program) + "\n")
        nursery.stdin.flush()
        returncode = int(nursery.stdout.readline())
        return subprocess.CompletedProcess(arguments, returncode, *(Path(file).read_text() for file in told.values()))
