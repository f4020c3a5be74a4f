"""One cell: writers and shoppers go on while something breaks and is mended, and then everything is counted."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.conftest import Record
from tests.faults.shopper import Shoppers, summary
from tests.faults.site import FaultSite
from tests.faults.writers import Writers

BEFORE, DURING = 1.5, 6.0  # seconds
RECOVERED = 180.0  # seconds until shoppers see everything as before
LEVEL = 120.0  # seconds until the index holds what the database does
SLOWEST = 45.0  # seconds that any answer may take
ALLOWED = {"200", "200 degraded", "503 with Retry-After"}


@dataclass
class Fault:
    """What is broken, and how it is mended. `mend` is None for what the supervisor or the part itself mends."""

    part: str
    fault: str
    begin: Callable[[], None]
    mend: Callable[[], None] | None = None
    seconds: float = DURING
    allowed: frozenset[str] = frozenset()  # outcomes beside ALLOWED: the web server itself is what breaks


def run(site: FaultSite, record: Record, fault: Fault, of: type[Writers] = Writers) -> None:
    site.wait_for(site.works, RECOVERED)
    site.wait_for(site.level, LEVEL)
    writers = of(site, site.key, list(site.slugs), site.placements)
    with Shoppers(site.url, list(site.slugs), list(site.slugs.values())) as shoppers:
        with writers:
            time.sleep(BEFORE)
            site.note_starts()
            begin = time.monotonic()
            try:
                fault.begin()
                time.sleep(fault.seconds)
                waited = site.direct.due() if fault.part != "PostgreSQL" else None
            finally:
                if fault.mend is not None:
                    fault.mend()
                end = time.monotonic()
            time.sleep(BEFORE)
        stored = time.monotonic()
        site.wait_for(lambda: _as_before(shoppers, end), RECOVERED, pause=0.5)
    site.wait_for(site.level, LEVEL)
    level_after = time.monotonic() - stored
    site.wait_for(site.works, RECOVERED)
    compared = site.compared()
    found = writers.verdict()
    seen = shoppers.during(begin, end)

    wrong = {view.outcome for view in shoppers.views} - ALLOWED - fault.allowed
    assert not wrong, [view for view in shoppers.views if view.outcome in wrong][:5]
    slow = [view for view in shoppers.views if view.seconds > SLOWEST]
    assert not slow, slow[:5]
    assert not writers.wrong, writers.wrong[:5]
    record(
        part=fault.part,
        fault=fault.fault,
        shopper_sees=summary(seen),
        retried=_retried(site, writers, waited, level_after),
        acknowledged=found.acknowledged,
        lost=len(found.lost) + compared["missing"] + compared["stale"] + compared["parked"],
        doubled=len(found.doubled) + compared["orphaned"],
    )
    assert compared["products"] == compared["indexed"], compared


def _as_before(shoppers: Shoppers, since: float) -> bool:
    """Each kind of page was lately answered as ever."""
    last = {view.page: view for view in list(shoppers.views) if view.asked_at > since}
    return len(last) == 5 and all(view.outcome == "200" for view in last.values())


def _retried(site: FaultSite, writers: Writers, waited: int | None, level_after: float) -> str:
    told = []
    if writers.again:
        causes = ", ".join(f"{count} × {outcome}" for outcome, count in writers.again.most_common())
        told.append(f"by clients {writers.again.total()} writes ({causes})")
    else:
        told.append("by clients nothing")
    if waited is not None:
        told.append(f"{waited} changes waited in the outbox at the end of the fault")
    told.append(f"index level {level_after:.0f} s after the last write")
    if restarted := site.restarted():
        told.append("started again: " + ", ".join(f"{name} {count} ×" for name, count in restarted.items()))
    return "; ".join(told)
