"""Where a training stands, on disk, so that one that was killed goes on instead of beginning again.

What `recommend.training` gives a model to train with, beside `Recommender.fit`'s own arguments. Each is optional: it is
passed only to a model whose `fit` has a parameter of that name.

- `checkpoint: Checkpoint`: look into it first (`load()` is None at a first start), save to it once an epoch.
- `held_out: Callable[[], float]`: the figure (NDCG@10, higher is better) of the model as it stands, on newer events
  that are not in `data`. Asked for once an epoch, it lets the model stop when the figure has not risen for a while, and
  go back to the weights of the best epoch. It calls `score`.
- `start: Recommender`: a trained model of the same class and config to continue from, in place of random weights. The
  items it knows are the first rows of `data.items`, in its own order; the rows behind them are new to it.
- `recent: Interactions`: comes with `start`. What is counted is counted over all of `data`; a network that continues
  learns from the histories of `recent` alone.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

FILE = "checkpoint.safetensors"
META = "meta"


class Checkpoint:
    """The state of one training in one folder. The newest `save` replaces the one before as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, state: dict[str, NDArray[Any]], meta: dict[str, Any]) -> None:
        """Keep a state. A kill at any moment leaves either this one or the one before.

        For a training that ends the same with and without a kill, `state` must hold the weights, the best weights so
        far where training stops early, the optimiser's state (moments, step), and the states of every random generator
        that the next epochs draw from; `meta` (JSON) the epoch that comes next, the figures so far, and the schedule.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f"{FILE}.{os.getpid()}"
        arrays = {name: np.ascontiguousarray(array) for name, array in state.items()}
        save_file(arrays, temporary, metadata={META: json.dumps(meta)})
        durable(temporary)
        temporary.replace(self.folder / FILE)
        durable(self.folder)

    def load(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """Return the newest state and its meta, None where nothing usable was saved."""
        try:
            with safe_open(self.folder / FILE, framework="numpy") as file:
                meta = json.loads((file.metadata() or {})[META])
                return {name: file.get_tensor(name) for name in file.keys()}, meta  # noqa: SIM118  (it is no dict)
        except (FileNotFoundError, SafetensorError, KeyError, ValueError):
            return None

    def clear(self) -> None:
        """Forget what was saved; without harm where nothing was."""
        shutil.rmtree(self.folder, ignore_errors=True)


def durable(path: Path) -> None:
    """Have the system write a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def whole(target: Path, write: Callable[[Path], Any]) -> None:
    """Have a folder written under another name, and rename it: where it is, it is complete."""
    temporary = target.with_name(f"{target.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    write(temporary)
    for path in [*temporary.rglob("*"), temporary]:
        durable(path)
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)
    durable(target.parent)
