"""What runs in the background: thin shells around one call each.

A task may be lost, repeated or late without harm: what is to be done is in the database, and beat asks again.
"""

import logging
import time
from datetime import timedelta
from typing import Any

from celery import Task, shared_task

from catalog import audit
from catalog.models import Picture
from catalog.pictures import make_thumbnails as make_thumbnails_of
from catalog.pictures import tidy
from recommend.events import partitions, retention
from recommend.privacy import erasing
from recommend.privacy import retention as privacy_retention
from recommend.serving import tables
from recommend.sponsored import retention as placements
from recommend.training import queue, run, versions
from search.duplicates import finding
from search.evaluation import comparing
from search.index import filling, throughput
from search.index.drain import drain
from search.index.errors import IndexMissing
from search.language import collecting, suggesting
from search.language import learning as phrase_learning
from search.log.popular import count_popular
from search.log.retention import forget_old as forget_old_searches
from search.ranking import learning
from search.shop import query_pictures
from workers.retrying import RETRY

logger = logging.getLogger(__name__)

# Tasks stay well below the broker's visibility time-out, and let others have their turn. `train` does not: it takes as
# long as it takes, on a queue of its own, and where it is delivered twice the second one leaves what is under a lease.
TURN_SECONDS = 20
PICTURES_A_TURN = 1000


@shared_task(bind=True, **RETRY)
def drain_outbox(self: Task[Any, Any]) -> None:
    """Bring products level with the index for a while, and ask for another turn where more is due."""
    report = drain(seconds=TURN_SECONDS)
    if report.claimed:
        logger.info("Indexed %d products, %d failed, %d put off", report.done, report.failed, report.put_off)
    if report.out_of_time:
        self.apply_async(expires=TURN_SECONDS)


@shared_task(bind=True, **RETRY)
def make_thumbnails(self: Task[Any, Any]) -> None:
    """Make what thumbnails are lacking for a while, and ask for another turn where more are."""
    lacking = Picture.objects.filter(thumbnails={}, thumbnail_error="").order_by("id")
    deadline = time.monotonic() + TURN_SECONDS
    # Read to the end first: SQLite refuses a write beside an open read, once another process has written.
    pictures = list(lacking[:PICTURES_A_TURN])
    for picture in pictures:
        make_thumbnails_of(picture)
        if time.monotonic() > deadline:
            break
    else:
        if len(pictures) < PICTURES_A_TURN:
            return
    self.apply_async(expires=TURN_SECONDS)


@shared_task(**RETRY)
def tidy_pictures() -> None:
    """Delete files of pictures that no row shows: what a rolled back import or a dead process has left."""
    if gone := tidy(older_than=timedelta(days=1)):
        logger.info("Deleted %d files that no picture shows", gone)


@shared_task(**RETRY)
def drop_retired_collections() -> None:
    """Drop collections that were replaced, once nobody can be asking them."""
    for name in filling.drop_retired():
        logger.info("Dropped the retired collection %s", name)


@shared_task(**RETRY)
def count_companions() -> None:
    """Count anew in the log what goes together, what is popular and what is rising."""
    counted = tables.refresh()
    logger.info("Counted %d events; %d products have companions in baskets", counted.events, counted.baskets)


@shared_task(**RETRY)
def train() -> None:
    """Train the recommender where it is due or somebody asked for it, one run after the other."""
    queue.ask_if_due()
    while (taken := queue.claim()) is not None:
        done = run.work(taken)
        logger.info("%s: %s", done, done.error or (done.version and done.version.note) or "")


@shared_task(**RETRY)
def learn_ranking() -> None:
    """Fit the order of a search's hits to what was clicked, where that is due; what is better goes live."""
    for outcome in learning.learn_from_clicks_if_due():
        logger.info("%s: %s", outcome.version, outcome.version.note)


@shared_task(**RETRY)
def level_behaviour() -> None:
    """Bring the live model's item vectors level after one has gone back to it, or when the store was lost."""
    if changed := versions.level_live():
        logger.info("Brought %d behaviour points level", changed)


@shared_task(**RETRY)
def forget_placements() -> None:
    """Delete sponsored placements that are older than they are kept."""
    if gone := placements.forget_old():
        logger.info("Deleted %d sponsored placements", gone)


@shared_task(**RETRY)
def tend_event_log() -> None:
    """Make the log's next months, and delete what is older than it is kept."""
    made = partitions.make_ahead()
    gone = retention.forget_old()
    if made or gone.months or gone.events:
        logger.info("Event log: %d months made, %d dropped, %d events deleted", len(made), gone.months, gone.events)


@shared_task(**RETRY)
def tend_privacy() -> None:
    """Finish erasures, and delete sessions, devices, accounts and notes whose time is over."""
    finished = erasing.resume()
    gone = privacy_retention.forget_old()
    pictures = query_pictures.drop_expired()
    if finished or any(vars(gone).values()) or pictures:
        logger.info(
            "Erasures finished: %d. Deleted: %d sessions, %d devices, %d accounts, %d notes, %d days of pictures",
            finished, gone.sessions, gone.shoppers, gone.accounts, gone.records, pictures,
        )  # fmt: skip


@shared_task(**RETRY)
def refresh_vocabulary() -> None:
    """Count the catalogue's words anew where it has changed, for spelling and completion."""
    if made := collecting.refresh():
        logger.info("Counted %d words of %d products", made.words, made.products)
    if (phrases := phrase_learning.refresh()) is not None:
        logger.info("Learned %d phrases that name brands, categories and properties", phrases)


@shared_task(**RETRY)
def tend_search_log() -> None:
    """Count what is popular anew, and delete searches that are older than they are kept."""
    popular = count_popular()
    gone = forget_old_searches()
    logger.info("%d queries are popular; %d searches deleted", popular, gone)


@shared_task(**RETRY)
def suggest_synonyms() -> None:
    """Look in the logs for words that shoppers mean the same by."""
    logger.info("%d new synonyms are suggested", suggesting.suggest())


@shared_task(bind=True, **RETRY)
def compare_searches(self: Task[Any, Any]) -> None:
    """Hold configurations of the search against each other for a while, and ask for another turn where more is left."""
    while (taken := comparing.claim()) is not None:
        if comparing.work(taken, seconds=TURN_SECONDS):
            self.apply_async(expires=TURN_SECONDS)
            return


@shared_task(bind=True, **RETRY)
def find_duplicates(self: Task[Any, Any]) -> None:
    """Compare products that changed with those that may be the same, and ask for another turn where more are due."""
    try:
        found = finding.find(seconds=TURN_SECONDS)
    except IndexMissing:
        return  # nothing is indexed yet
    if found.checked:
        logger.info("Compared %d products, found %d possible duplicates", found.checked, found.pairs)
    if found.out_of_time:
        self.apply_async(expires=TURN_SECONDS)


@shared_task(**RETRY)
def watch() -> None:
    """Note how the outbox stands, for the page of operations."""
    throughput.look()


@shared_task(**RETRY)
def tend_audit_log() -> None:
    """Delete entries of the audit log that are older than they are kept."""
    logger.info("%d entries of the audit log deleted", audit.forget_old())
