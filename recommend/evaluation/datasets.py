"""Histories from files, in the form that the published tables use."""

import json
from pathlib import Path

import numpy as np

from recommend.models.base import Ids, Interactions, Items


class DatasetError(Exception):
    """The folder does not hold what it should; the message names file and line."""


def read_sequences(folder: Path) -> Interactions:
    """Read `sequences.txt` (a line is `user item item item …`, in time order) and, if there, `item_attributes.json`.

    Item i of the result is the i-th smallest number in the file. Raises DatasetError.
    """
    file = folder / "sequences.txt"
    if not file.is_file():
        raise DatasetError(f"There is no sequences.txt in {folder}: one user a line, `user item item item …`.")
    told: list[Ids] = []
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                history = np.array(line.split()[1:], dtype=np.int64)
            except (ValueError, OverflowError) as error:
                raise DatasetError(f"{file.name}, line {number}: items are whole numbers.") from error
            if len(history):
                told.append(history)
    if not told:
        raise DatasetError(f"{file.name} is empty.")
    keys, rows = np.unique(np.concatenate(told), return_inverse=True)
    ends = np.cumsum([len(history) for history in told])[:-1]
    return Interactions(Items(keys, attributes=_attributes(folder, keys)), np.split(rows, ends))


def _attributes(folder: Path, keys: Ids) -> Ids | None:
    file = folder / "item_attributes.json"
    if not file.is_file():
        return None
    try:
        told = {int(key): [int(each) for each in values] for key, values in json.loads(file.read_text()).items()}
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise DatasetError(f"{file.name} must be an object of item -> list of whole numbers.") from error
    most = max(map(len, told.values()), default=0)
    attributes = np.zeros((len(keys), max(most, 1)), np.int64)
    for row, key in enumerate(keys.tolist()):
        values = told.get(key, [])
        if min(values, default=1) < 1:
            raise DatasetError(f"{file.name}: attributes of item {key} must be above 0.")
        attributes[row, : len(values)] = values
    return attributes
