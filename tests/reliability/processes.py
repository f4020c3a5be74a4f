"""What each process of a site takes, as Linux tells it (proc(5)): memory, descriptors, threads."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.site import Site, children_of

KB_PER_MB = 1024


@dataclass(frozen=True)
class Usage:
    """Of one process at one moment; in MB."""

    rss: float
    pss: float  # its share of what it has in common with others is counted in proportion
    descriptors: int
    threads: int
    own: float = 0.0  # of `pss`, what no file stands behind: the kernel takes pages of files back when it needs room


def usage_of(pid: int) -> Usage | None:
    """None where the process has ended."""
    folder = Path(f"/proc/{pid}")
    with contextlib.suppress(OSError, KeyError, ValueError):
        told = _fields(folder / "status")
        memory = _fields(folder / "smaps_rollup")
        return Usage(
            round(_kb(told["VmRSS"]) / KB_PER_MB, 1),
            round(_kb(memory["Pss"]) / KB_PER_MB, 1),
            len(list((folder / "fd").iterdir())),
            int(told["Threads"]),
            round(_kb(memory["Pss_Anon"]) / KB_PER_MB, 1),
        )
    return None


def processes_of(site: Site) -> dict[str, int]:
    """Name -> process id: each part, the processes that it forked, and vectord."""
    found = {}
    for name, part in site.parts.items():
        if part.process is None or not part.running:
            continue
        found[name] = part.process.pid
        for number, child in enumerate(sorted(children_of(part.process.pid)), start=1):
            if _is_ours(child):
                found[f"{name} {number}"] = child
    if pid := site.vectord_pid():
        found["vectord"] = pid
    return found


def _is_ours(pid: int) -> bool:
    """A fork of its parent, and no vectord that it happened to start, nor the tracker that multiprocessing runs."""
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        return b"vectord" not in command and b"resource_tracker" not in command
    return False


def _fields(path: Path) -> dict[str, str]:
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return {name: value.strip() for name, _, value in lines}


def _kb(value: str) -> int:
    return int(value.split()[0])
