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
DATA: list[tuple[str, str]] = []

CELLS = [*PROCESSES, *SERVICES, *FILES, *DATA]
