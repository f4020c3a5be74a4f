"""The cells of the fault matrix, in the order of its table: which part, and what happens to it.

`make faults` fails where one of them leaves no record, so a test that is skipped is no cell that was passed.
"""

PROCESSES = [
    (part, fault)
    for part in ("web", "encode worker", "default worker", "beat", "vectord")
    for fault in ("kill -9", "SIGTERM")
]
SERVICES = [
    (part, fault)
    for part in ("Qdrant", "Redis", "PostgreSQL")
    for fault in ("gone", "refusing", "slow", "silent", "read-only", "disk full")
]
FILES = [("media", "disk full")]
# Clock, messages, products and models.
CLOCKS = [
    (f"clock of {part}", jump) for part in ("web", "encode worker", "beat") for jump in ("6 h ahead", "6 h behind")
]
DATA = [
    *CLOCKS,
    ("messages", "delivered twice"),
    ("messages", "out of order"),
    ("events", "twice, in any order"),
    ("product", "poison"),
    *(("encoder", fault) for fault in ("cannot be loaded", "NaN", "infinite values", "vectors of zeros")),
    ("encoder", "another dimension"),
    ("recommender", "cannot be read"),
]

CELLS = [*PROCESSES, *SERVICES, *FILES, *DATA]
