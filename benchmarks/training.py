"""How many events a second our transformer learns from, in one run with RecTools' SASRec of the same size.

The same size is the same width of vectors, number of blocks and heads, longest history, batch and dropout, on ids
alone: those of our defaults. Each has its own loss: ours the sampled softmax with its many negatives, the peer the
published one of SASRec, binary with one negative, which is the quickest that it has. Both learn on one thread from the
same histories, in turns; a first epoch, which warms up, is not counted. An event counts each time it was foreseen: all
but the first of a history.

The peer asks for other versions of libraries than Vetrina, so it gets an environment of its own in VETRINA_HOME.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from benchmarks.histories import histories
from recommend.models.base import Ids, Interactions, Items

PEER = "rectools[torch]==0.19.0"
SCRIPT = Path(__file__).parent / "peers" / "rectools_sasrec.py"
SAME = ("dim", "layers", "heads", "longest", "batch", "dropout")
EPOCHS = 3  # the first one is not counted
ROUNDS = 2
USERS = 2  # to an item
LIMIT_SECONDS = 1800


def measure(size: int, directory: Path | None = None) -> dict[str, Any]:
    """Events a second of ours and the peer, and their ratio; with None and a sentence where the peer cannot be had.

    On `size` items and twice as many made-up histories, or on those in `directory`.
    """
    from recommend.evaluation.datasets import read_sequences

    if directory is None:
        items, learned = size, histories(size, USERS * size)
    else:
        data = read_sequences(directory)
        items, learned = len(data.items), list(data.histories)
    config = _size()
    longest = config["longest"]
    learned = [history[-longest - 1 :] for history in learned if len(history) > 1]
    told: dict[str, Any] = {
        "users": len(learned),
        "items": items,
        "events": sum(map(len, learned)),
        "size": config,
        "unit": "events a second, one thread",
    }
    try:
        python = _environment()
    except (OSError, subprocess.SubprocessError) as error:
        return told | {"ours": ours(items, learned)[0], "peer": None, "ratio": None, "problem": _sentence(error)}
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        speed, told["parameters"] = ours(items, learned)
        mine.append(speed)
        try:
            answer = peer(python, learned, config)
        except (OSError, ValueError, LookupError, subprocess.SubprocessError) as error:
            return told | {"ours": max(mine), "peer": None, "ratio": None, "problem": _sentence(error)}
        theirs.append(answer["events_per_second"])
        told |= {"peer_parameters": answer["parameters"], "peer_version": answer["version"]}
    return told | {"ours": max(mine), "peer": max(theirs), "ratio": max(mine) / max(theirs)}


def ours(items: int, learned: Sequence[Ids]) -> tuple[float, int]:
    """Events a second, and how many numbers are learned."""
    from recommend.models.transformer import Transformer

    ended: list[float] = []
    model = Transformer(epochs=EPOCHS)
    model.fit(
        Interactions(Items(np.arange(items)), learned),
        progress=lambda stage, step, steps, figures: ended.append(time.perf_counter()),
    )
    foreseen = sum(len(history) - 1 for history in learned) * (EPOCHS - 1)
    return foreseen / (ended[-1] - ended[0]), sum(each.numel() for each in model.network.parameters())


def peer(python: Path, learned: Sequence[Ids], config: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="vetrina-peer-") as folder:
        file = Path(folder) / "histories.txt"
        file.write_text("\n".join(" ".join(map(str, history.tolist())) for history in learned))
        asked = {**config, "loss": "BCE", "negatives": 1, "epochs": EPOCHS}
        done = subprocess.run(
            [str(python), str(SCRIPT), str(file), json.dumps(asked)],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=True,
        )
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _size() -> dict[str, Any]:
    from recommend.models.transformer import Transformer

    config = Transformer().config
    return {name: config[name] for name in SAME}


def _environment() -> Path:
    """The peer's Python, made at the first call."""
    folder = Path(settings.HOME) / "benchmarks" / "rectools"
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists() or done.read_text() != PEER:
        print(f"Installing {PEER} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", PEER],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LIMIT_SECONDS,
            check=True,
        )
        done.write_text(PEER)
    return python


def _sentence(error: Exception) -> str:
    last = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1:]
    return f"The peer cannot be measured here: {last[0] if last else type(error).__name__}"[:300]
