"""How long `for-you` takes over HTTP and how fast the transformer learns, each in one run with what it is held against.

- ours: GET /api/v1/recommendations/for-you, end to end from a client on loopback (benchmarks/serving.py);
- floor: the bare model and the bare query for the 200 nearest, in the same process;
- peer: the training of RecTools' SASRec of the same size, in events a second (benchmarks/training.py); `ours_training`
  is what `ratio_to_peer` compares with it.

The shop, with its products, vectors, histories and model, is made for this and thrown away.
"""

import json
from pathlib import Path
from typing import Any

from benchmarks import training
from search.evaluation.workspace import workspace


def run(size: int, directory: Path | None = None) -> dict[str, Any]:
    """Serving in a shop of `size` products; training on as many items, or on the histories in `directory`."""
    with workspace() as shop:
        shop.manage("migrate", "--verbosity", "0")
        told = shop.manage(
            "shell", "--no-imports", "-c", f"import benchmarks.serving as b; b.measure({size})", capture=True
        )
    serving: dict[str, Any] = json.loads(told.strip().splitlines()[-1])
    learning = training.measure(size, directory)
    return {
        "ours": serving["ours"]["p50"],
        "floor": serving["floor"]["p50"],
        "peer": learning["peer"],
        "ratio_to_floor": serving["ours"]["p50"] / serving["floor"]["p50"],
        "ours_training": learning["ours"],
        "ratio_to_peer": learning["ratio"],
        "event_visible": serving["event_visible"],
        "serving": serving,
        "training": learning,
        "unit": "milliseconds, median; peer and ours_training: events a second on one thread",
        "what_ours": "GET /api/v1/recommendations/for-you over HTTP, shoppers' first and second requests, one client",
        "what_floor": "the model's user vector and scores of candidates, and the store's 200 nearest, in one process",
        "what_peer": "RecTools' SASRec of the same size learning from the same histories, in turns with ours",
    }
