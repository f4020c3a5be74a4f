"""Which arm of an experiment a visitor sees. A hash decides: nothing is stored, and every process says the same."""

import hashlib
import uuid

_WHOLE = 2**64


def arm_of(salt: uuid.UUID, visitor: uuid.UUID, share: float) -> str | None:
    """Return "a" or "b", each for half of those who take part; None for who does not.

    Whether somebody takes part and in which arm are independent, so a larger share adds visitors and moves none.
    """
    takes_part, arm = _numbers(salt.bytes + visitor.bytes)
    if takes_part >= share * _WHOLE:
        return None
    return "a" if arm < _WHOLE // 2 else "b"


def seed_of(salt: uuid.UUID, visitor: uuid.UUID | None, query: str) -> int:
    """A seed for the coins of one visitor's query: the same on each page of its results, and after a reload."""
    return _numbers(salt.bytes + (visitor.bytes if visitor else b"") + query.encode("utf-8", "replace"))[0]


def _numbers(of: bytes) -> tuple[int, int]:
    digest = hashlib.blake2b(of, digest_size=16).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")
