"""From a search and its answer to the row that the log keeps of it."""

import hashlib
import json
import random
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from search.log.visitors import Visitor
from search.models import LoggedSearch
from search.query.request import Filters, SearchRequest, SearchResult
from search.terms import base_language, fold

SAME_SEARCH_SECONDS = 1800
MOST_TOLD = 4000  # characters of JSON
LONGEST_QUERY, LONGEST_NORMALISED = 300, 200
# Of what an answer tells: what the row has columns for, and what is only for the eyes.
NOT_TOLD = {"q", "not", "id", "mode", "exact", "message", "image_of", "total_is_exact", "language"}


def normalised(q: str) -> str:
    """The form under which queries are counted as one: folded, single spaces, its first 200 characters."""
    return " ".join(fold(q).split())[:LONGEST_NORMALISED].strip()


def sampled(visitor: Visitor) -> bool:
    """Whether this visitor's searches are logged (SEARCH_LOG_SAMPLE): all of them or none."""
    share = settings.SEARCH_LOG_SAMPLE
    if share >= 1 or share <= 0:
        return bool(share > 0)
    if visitor.key is None:
        return bool(random.random() < share)  # noqa: S311  (a sample, no secret)
    digest = hashlib.blake2b(b"sample" + visitor.key.bytes, digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def row_of(
    asked: SearchRequest,
    result: SearchResult,
    visitor: Visitor,
    *,
    surface: str,
    experiment: Any = None,
    arm: str = "",
    teams: str = "",
    at: datetime | None = None,
) -> LoggedSearch:
    """What is kept of a search. Without consent neither words nor visitor, nor what they could be told from."""
    at = at or timezone.now()
    shown = [hit.product.pk for hit in result.hits]
    q = _text(asked.q) if visitor.consent else ""
    return LoggedSearch(
        id=_id(asked, visitor, surface, shown, at),
        happened_at=at,
        query=q[:LONGEST_QUERY],
        normalised=normalised(q),
        language=base_language(str(result.query.get("language") or settings.LANGUAGE_CODE))[:10],
        mode=str(result.query.get("mode", asked.mode))[:10],
        picture=asked.pictured,
        surface=surface,
        device=visitor.device,
        page=min(asked.page, 32_767),
        narrowed=asked.page > 1 or asked.sort != "relevance" or asked.filters != Filters(),
        total=result.total,
        took_ms=result.took_ms,
        told=_told(result.query) if visitor.consent else {},
        visitor=visitor.key if visitor.consent else None,
        returning=visitor.returning and visitor.consent,
        consent=visitor.consent,
        shown=shown if visitor.consent else [],
        first=(asked.page - 1) * asked.page_size,
        features=result.features if visitor.consent else None,
        experiment=experiment,
        arm=arm,
        teams=teams if visitor.consent else "",
    )


def _text(q: str) -> str:
    """What every database can hold: no NUL, no half of a character."""
    return q.strip().replace("\x00", "").encode("utf-8", "replace").decode()


def _id(asked: SearchRequest, visitor: Visitor, surface: str, shown: list[int], at: datetime) -> uuid.UUID:
    """Reloading a page, or coming back to it, within half an hour is the same search: the same id, and one row."""
    if visitor.key is None:
        return uuid.uuid4()
    what = (surface, asked.q, asked.not_q, asked.skus, asked.filters, asked.mode, asked.sort, asked.page, shown)
    slot = int(at.timestamp() // SAME_SEARCH_SECONDS)
    seed = visitor.key.bytes + f"{slot}{what!r}".encode("utf-8", "replace")
    return uuid.UUID(bytes=hashlib.blake2b(seed, digest_size=16).digest(), version=5)


def _told(query: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in query.items() if name not in NOT_TOLD and value not in (None, "", [], {})}
    text = json.dumps(told, default=str, ensure_ascii=False).encode("utf-8", "replace").decode()
    if len(text) > MOST_TOLD:
        return dict.fromkeys(told, True)
    kept: dict[str, Any] = json.loads(text)
    return kept
