"""Every place in which something of a shopper lies, with what an export tells of it and what an erasure does to it.

`FIELDS` names the columns, `BESIDE` what lies in no column. A test walks over all columns that lead to a person, or by
their name may hold something of one, and fails where one is neither here nor in `NOT_OF_SHOPPERS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Place:
    export: str
    erase: str
    kept: str  # how long it stays by itself, by which setting


_HISTORY: Final = Place("every column", "row deleted", "EVENT_RETENTION_DAYS")
_SEARCHES: Final = Place("every column but what the ranker saw", "row deleted", "SEARCH_LOG_DAYS")
_DEVICE: Final = Place("key and choices", "row deleted", "EVENT_RETENTION_DAYS after it left nothing")
_ACCOUNT: Final = Place("all but the password", "row deleted; of staff it stays", "ACCOUNT_INACTIVE_DAYS")
_SESSION: Final = Place("cart, last order and end", "row deleted", "two weeks (SESSION_COOKIE_AGE)")
_AUDIT: Final = Place("nothing: it tells what staff did", "name taken out, row stays", "for ever")

FIELDS: Final[Mapping[str, Place]] = {
    **dict.fromkeys(
        [f"recommend.Event.{name}" for name in ("shopper", "query", "search_id", "basket", "session", "device")],
        _HISTORY,
    ),
    **dict.fromkeys([f"recommend.Shopper.{name}" for name in ("key", "user", "merged_into")], _DEVICE),
    **dict.fromkeys(
        [f"search.LoggedSearch.{name}" for name in ("id", "query", "normalised", "told", "visitor", "device", "shown")],
        _SEARCHES,
    ),
    **dict.fromkeys(["recommend.Placement.shopper", "recommend.Placement.key"], Place(
        "all but what the store pays", "shopper taken out, money stays", "SPONSORED_RETENTION_DAYS"
    )),
    "recommend.ConsentChange.key": Place("when, and which", "key taken out", "PRIVACY_RECORD_DAYS"),
    "recommend.Erasure.waiting": Place("nothing: who is erased is gone", "emptied within minutes", "10 minutes"),
    "recommend.ErasedKey.digest": Place("nothing: it leads to nobody", "stays, as a hash", "400 days, as the cookie"),
    **dict.fromkeys(
        [f"auth.User.{name}" for name in ("username", "email", "first_name", "last_name", "password")], _ACCOUNT
    ),
    "sessions.Session.session_key": _SESSION,
    "sessions.Session.session_data": _SESSION,
    "admin.LogEntry.object_repr": _AUDIT,
    "admin.LogEntry.change_message": _AUDIT,
}  # fmt: skip

# What lies in no column: where, how long, and what ends it.
BESIDE: Final[Mapping[str, str]] = {
    "memory of web processes: pasts": "let go when erased, and in other processes within 10 minutes (PAST_SECONDS)",
    "memory of web processes: interests": "of the last histories, by their products alone, of nobody",
    "memory of web processes: searches to be logged": "written within SEARCH_LOG_SECONDS, and erased again meanwhile",
    "memory of web processes: vectors and readings of queries": "the words alone, of nobody; the last ones asked for",
    "cache: limits of rates": "hashes and addresses, an hour at most",
    "trained models": "weights, counts and item vectors; no row of a shopper. Learns no more of it within "
    "TRAIN_EVERY_HOURS, and is trained from scratch after six updates at the latest",
    "training checkpoints": "weights and histories, by ids of rows, of a training that goes on; removed at its end. "
    "One that is taken up again after an erasure begins anew, without it",
    "pictures that were searched with": "a small copy without metadata, until the end of the next day",
    "experiments": "the arm is a hash of the key, computed anew each time",
    "log lines": "no personal data (tests/project/test_privacy_logs.py)",
    "backups": "as old as they are kept; after restoring one, erase again who was erased since",
    "queues": "messages name products and runs, and no shopper",
}

# Columns that lead to a user, or whose names sound like a person's, and hold nothing of a shopper.
STAFF: Final = "of staff, who are accountable for it"
NOT_OF_SHOPPERS: Final[Mapping[str, str]] = {
    "admin.LogEntry.user": STAFF,
    "catalog.HistoricalProduct.history_user": STAFF,
    "search.HistoricalRule.history_user": STAFF,
    "search.HistoricalSynonym.history_user": STAFF,
    "search.Judgment.judge": STAFF,
    "search.ComparisonRun.judge": STAFF,
    "search.ComparisonRun.started_by": STAFF,
    "search.ComparisonRun.per_query": "of queries that many typed, or staff wrote down",
    "search.DuplicatePair.decided_by": STAFF,
    "search.Synonym.author": STAFF,
    "search.JudgmentSet.name": STAFF,
    "search.Judgment.query": "leads to a judged query",
    "search.Rule.queries": "written by staff",
    "search.HistoricalRule.queries": "written by staff",
    "search.PopularQuery.query": "typed by at least SEARCH_POPULAR_VISITORS, else in no row",
    "search.PopularQuery.visitors": "a number",
    "recommend.Campaign.cap_per_shopper": "a number",
    "search.Phrase.key": "words of the catalogue",
    "rest_framework_api_key.APIKey.hashed_key": "of a program",
    "catalog.ApiKey.hashed_key": "of a program",
    "catalog.ApiKey.created_by": STAFF,
    "catalog.OutboxEntry.claimed_by": "the name of a worker",
    "catalog.AuditEntry.address": STAFF,
    **dict.fromkeys(
        [
            "otp_static.StaticDevice.user",
            "otp_static.StaticToken.device",
            "otp_totp.TOTPDevice.key",
            "otp_totp.TOTPDevice.user",
        ],
        STAFF,
    ),
}
