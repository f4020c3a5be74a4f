"""Checkpoints: a folder with `config.json` and `arrays.safetensors`. No pickle, so that loading one runs no code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy import sparse

from recommend.models.base import Items

Arrays = dict[str, NDArray[Any]]


def write(folder: Path, name: str, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a model's config and arrays. `folder` is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: np.ascontiguousarray(array) for key, array in arrays.items()}, folder / "arrays.safetensors")
    (folder / "config.json").write_text(json.dumps({"name": name, "config": dict(config)}, indent=1, sort_keys=True))


def read(folder: Path) -> tuple[str, dict[str, Any], Arrays]:
    """Return a checkpoint's model name, config and arrays. Raises OSError or ValueError where it is not one."""
    told = json.loads((folder / "config.json").read_text())
    return told["name"], told["config"], load_file(folder / "arrays.safetensors")


def matrix_arrays(prefix: str, matrix: sparse.csr_matrix) -> Arrays:
    return {
        f"{prefix}.data": matrix.data,
        f"{prefix}.indices": matrix.indices,
        f"{prefix}.indptr": matrix.indptr,
        f"{prefix}.shape": np.array(matrix.shape, dtype=np.int64),
    }


def matrix_from(prefix: str, arrays: Arrays) -> sparse.csr_matrix:
    parts = (arrays[f"{prefix}.data"], arrays[f"{prefix}.indices"], arrays[f"{prefix}.indptr"])
    return sparse.csr_matrix(parts, shape=tuple(arrays[f"{prefix}.shape"]))


def item_arrays(items: Items) -> Arrays:
    given = {
        "keys": items.keys,
        "content": items.content,
        "attributes": items.attributes,
        "categories": items.categories,
    }
    return {f"items.{name}": array for name, array in given.items() if array is not None}


def items_from(arrays: Arrays) -> Items:
    names = ("keys", "content", "attributes", "categories")
    return Items(**{name: arrays[f"items.{name}"] for name in names if f"items.{name}" in arrays})
