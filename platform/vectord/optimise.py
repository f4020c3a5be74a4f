"""Build the indexes of a copy of a shard, in a process of its own: `python -m vectord.optimise DIRECTORY OWNER`.

The engine's Python binding keeps the interpreter lock for the whole of `optimize()`, so that a thread of the server
would stop every query for as long as it runs (half a minute for 50,000 vectors). A process does not.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

import orjson
import qdrant_edge as edge
from qdrant_client import models

from vectord.schema import engine_config

PR_SET_PDEATHSIG = 1


def main() -> int:
    directory, owner = Path(sys.argv[1]), int(sys.argv[2])
    # Killed by the kernel when the owner dies: its successor clears the copy away and must not find it in use.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != owner:
        return 1
    os.nice(10)  # queries come first
    meta = orjson.loads((directory.parent / "meta.json").read_bytes())
    config = models.CreateCollection.model_validate(meta["config"])
    shard = edge.EdgeShard.load(str(directory), engine_config(config))
    shard.optimize()
    shard.flush()
    shard.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
