"""Words held against pictures: what looks like the words though no text says so.

The joint encoder's text vector is compared with the products' pictures (CLIP: Radford et al., ICML 2021). Cosines
across the two kinds are low and differ from query to query, so a fixed threshold says nothing; what counts is how far
a picture stands out for this query from pictures in general. That is measured on a sample of the catalogue's own
pictures, and two bars are set by texts that have nothing to do with each other. A picture that stands out more than the
best one does for most of these may support a text that is somewhat near; one that stands out more than for any of them,
of which the shop may well sell some, stands alone.
"""

import json
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from qdrant_client import models

from search.encoders.base import Vectors
from search.encoders.registry import encoder_for
from search.index.client import get_client
from search.index.live import Live
from search.index.schema import IMAGE
from search.query.floor import UNRELATED

SAMPLED = 512  # products whose pictures stand for all
FEWEST = 50  # with fewer pictures nothing is known of what is usual
SAMPLE_SECONDS = 900.0
KEPT = 32  # samples, of as many shops' collections; each takes a megabyte
# Of the best pictures for the unrelated texts: some of these things the shop may really sell.
QUANTILE = 0.75
LEAST_DEVIATIONS = 3.0  # however little the unrelated texts find
LIMIT = 100
Bars = tuple[float, float]  # standard deviations: from where a picture supports, and from where it stands alone


@dataclass(frozen=True)
class Looks:
    """A query as pictures are searched: its vector, and the cosines from which a picture supports or stands alone."""

    vector: Vectors  # (dim,)
    low: float
    high: float


def looks_of(live: Live, q: str) -> Looks | None:
    """What to ask of the pictures; None where there are too few to say what stands out.

    Raises EncoderError and VectorStoreError.
    """
    pictures, bars = _known(live)
    if len(pictures) < FEWEST:
        return None
    vector = _encoded(json.dumps(live.image_spec, sort_keys=True), q)
    cosines = pictures @ vector
    low, high = (float(cosines.mean() + bar * cosines.std()) for bar in bars)
    return Looks(vector, low, high)


def bars_of(pictures: NDArray[np.float32], texts: NDArray[np.float32]) -> Bars:
    """By how many standard deviations the best of ``(n, dim)`` pictures stands out for ``(m, dim)`` texts: for most of
    them, and for that for which it does most.
    """
    cosines = texts @ pictures.T
    spread = np.maximum(cosines.std(axis=1), 1e-9)
    best = (cosines.max(axis=1) - cosines.mean(axis=1)) / spread
    low = max(float(np.quantile(best, QUANTILE)), LEAST_DEVIATIONS)
    return low, max(float(best.max()), low)


_lock = threading.Lock()
_samples: OrderedDict[str, tuple[float, NDArray[np.float32], Bars]] = OrderedDict()


def _known(live: Live) -> tuple[NDArray[np.float32], Bars]:
    """The sampled pictures and their bars, read once in a quarter of an hour for each collection."""
    with _lock:
        known = _samples.get(live.name)
        if known is not None:
            _samples.move_to_end(live.name)
    if known is not None and time.monotonic() - known[0] < SAMPLE_SECONDS:
        return known[1], known[2]
    points = (
        get_client()
        .query_points(
            live.name,
            query=models.SampleQuery(sample=models.Sample.RANDOM),
            query_filter=models.Filter(must=[models.HasVectorCondition(has_vector=IMAGE)]),
            limit=SAMPLED,
            with_payload=False,
            with_vectors=[IMAGE],
        )
        .points
    )
    found = [point.vector.get(IMAGE) for point in points if isinstance(point.vector, dict)]
    # Each product's first picture stands for it.
    pictures = np.asarray([each[0] for each in found if isinstance(each, list) and each], dtype=np.float32)
    bars = 0.0, 0.0
    if len(pictures) >= FEWEST:
        bars = bars_of(pictures, encoder_for(live.image_spec).encode_text(list(UNRELATED), query=True))
    with _lock:
        _samples[live.name] = time.monotonic(), pictures, bars
        _samples.move_to_end(live.name)
        while len(_samples) > KEPT:
            _samples.popitem(last=False)
    return pictures, bars


@lru_cache(maxsize=2048)
def _encoded(spec: str, text: str) -> Vectors:
    vector: Vectors = encoder_for(json.loads(spec)).encode_text([text], query=True)[0]
    vector.flags.writeable = False
    return vector
