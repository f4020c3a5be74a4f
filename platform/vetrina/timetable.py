"""Which task the schedule sends when."""

from typing import Any


def timetable(*, sweep: int, tables: int, vocabulary: int) -> dict[str, Any]:
    """As CELERY_BEAT_SCHEDULE takes it. The arguments are seconds between two looks for changes that no message
    announced, two countings of what goes together, and two looks for new words.
    """
    return {
        "sweep-outbox": _every(sweep, "workers.tasks.drain_outbox"),
        "watch": _every(60, "workers.tasks.watch"),
        "count-companions": _every(tables, "workers.tasks.count_companions"),
        "learn-ranking": _every(3600, "workers.tasks.learn_ranking"),
        "find-duplicates": _every(120, "workers.tasks.find_duplicates"),
        "sweep-thumbnails": _every(30, "workers.tasks.make_thumbnails"),
        # Finds what is due by TRAIN_EVERY_HOURS, what was asked for, and what a worker that died has left.
        "sweep-training": _every(60, "workers.tasks.train"),
        "level-behaviour": _every(60, "workers.tasks.level_behaviour"),
        "forget-placements": _every(3600, "workers.tasks.forget_placements"),
        "tend-event-log": _every(3600, "workers.tasks.tend_event_log"),
        "tend-privacy": _every(300, "workers.tasks.tend_privacy"),
        "forget-old-audit-entries": _every(86_400, "workers.tasks.tend_audit_log", expires=3600),
        "tidy-pictures": _every(3600, "workers.tasks.tidy_pictures"),
        "refresh-vocabulary": _every(vocabulary, "workers.tasks.refresh_vocabulary"),
        # Finds comparisons whose message was lost, and those of a worker that died.
        "sweep-comparisons": _every(60, "workers.tasks.compare_searches"),
        "suggest-synonyms": _every(86_400, "workers.tasks.suggest_synonyms", expires=3600),
        "tend-search-log": _every(3600, "workers.tasks.tend_search_log"),
        "drop-retired-collections": _every(300, "workers.tasks.drop_retired_collections"),
    }


def _every(seconds: int, task: str, *, expires: int | None = None) -> dict[str, Any]:
    """A message that was not taken before the next one is sent is worth nothing: without `expires` they would pile up
    while no worker runs, or while one is busy.
    """
    return {"task": task, "schedule": seconds, "options": {"expires": expires or seconds}}
