"""Encoders by their specs: built when first asked for, one of each per process.

A spec is what a collection of vectors remembers of its encoder: ``{"BACKEND": dotted path, "OPTIONS": {...}}``, plain
JSON. The option ``head`` is the id of an `EncoderVersion` and stands for its weights.
"""

import json
import logging
import math
import os
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils.module_loading import import_string

from search.encoders.base import EncoderError, ImageEncoder, TextEncoder, Vectors, checked

Spec = dict[str, Any]

log = logging.getLogger(__name__)
_lock = threading.RLock()
_encoders: dict[str, Any] = {}
# Those that could not be loaded at the last try: when that was, and why.
_failed: dict[str, tuple[float, str]] = {}
RETRY_SECONDS = 30.0  # before one that could not be loaded is tried again: each try takes seconds of who asked
_inherited: list[dict[str, Any]] = []


def _forget() -> None:
    """Start afresh in a forked child: a forward pass in the parent makes one in the child hang."""
    global _lock, _encoders
    _lock = threading.RLock()
    # Not freed: the runtimes' destructors wait for threads that a fork does not copy.
    _inherited.append(_encoders)
    _encoders = {}


os.register_at_fork(after_in_child=_forget)


def current_spec(kind: str) -> Spec:
    """The spec of the text or image encoder that new vectors are made with: the settings and the active version."""
    from search.models import EncoderVersion

    spec: Spec = settings.ENCODERS[kind]
    backend, options = spec["BACKEND"], dict(spec.get("OPTIONS", {}))
    # A version was fitted for one encoder; with another in the settings it rests.
    active = EncoderVersion.objects.filter(kind=kind, active=True, backend=backend).values_list("id", flat=True).first()
    if active is not None and "head" not in options:
        options["head"] = active
    return {"BACKEND": backend, "OPTIONS": options}


def encoder_for(spec: Spec) -> Any:
    """The encoder of a spec. Loads it on the first call, in seconds; raises EncoderError if it cannot be loaded.

    Whatever else one raises becomes EncoderError, and so does an answer that could not be compared with anything
    (`base.checked`): callers have one thing to be prepared for.
    """
    key = json.dumps(spec, sort_keys=True)
    encoder = _encoders.get(key)
    if encoder is None:
        with _lock:
            encoder = _encoders.get(key)
            if encoder is None:
                encoder = _encoders[key] = _loaded(spec, key)
    return encoder


def _loaded(spec: Spec, key: str) -> Any:
    failed_at, why = _failed.get(key, (-math.inf, ""))
    if time.monotonic() - failed_at < RETRY_SECONDS:
        raise EncoderError(why, permanent=True)
    try:
        encoder = _guarded(_build(spec))
    except DatabaseError:  # which holds fitted weights; it is no fault of the encoder
        raise
    except Exception as error:
        if not isinstance(error, EncoderError):
            log.exception("The encoder %s cannot be loaded", spec["BACKEND"])
            error = EncoderError(f"The encoder cannot be loaded: {type(error).__name__}.", permanent=True)
        _failed[key] = time.monotonic(), str(error)
        raise error from error.__cause__
    _failed.pop(key, None)
    return encoder


def _guarded(encoder: Any) -> Any:
    for name in ("encode_text", "encode_images"):
        if hasattr(encoder, name):
            setattr(encoder, name, partial(_ask, encoder, name))
    return encoder


def _ask(encoder: Any, name: str, items: Sequence[Any], **options: Any) -> Vectors:
    try:
        vectors: Vectors = getattr(type(encoder), name)(encoder, items, **options)
    except (EncoderError, MemoryError):
        raise
    except Exception as error:
        text = f"The encoder failed: {type(error).__name__}: {error}"
        raise EncoderError(text, permanent=True) from error
    return checked(vectors, len(items), encoder.dim)


def state_of(spec: Spec) -> str:
    """Of a spec's encoder in this process, without loading it: "loaded", "failed" or "not loaded yet"."""
    key = json.dumps(spec, sort_keys=True)
    if key in _encoders:
        return "loaded"
    return "failed" if key in _failed else "not loaded yet"


def get_encoder(kind: str) -> Any:
    """The encoder that new vectors are made with: kind "text" gives a TextEncoder, "image" an ImageEncoder."""
    return encoder_for(current_spec(kind))


def _build(spec: Spec) -> TextEncoder | ImageEncoder:
    options = {
        "device": settings.ENCODER_DEVICE,
        "runtime": settings.ENCODER_RUNTIME,
        "batch": settings.ENCODER_BATCH,
        "cache": settings.ENCODER_CACHE,
    }
    options |= spec.get("OPTIONS", {})
    head = options.get("head")
    if isinstance(head, int):
        from search.models import EncoderVersion

        weights = EncoderVersion.objects.filter(id=head).values_list("weights", flat=True).first()
        if weights is None:
            raise EncoderError(f"The fitted encoder version {head} is not in the database any more.", permanent=True)
        options["head"] = bytes(weights)
    try:
        encoder: TextEncoder | ImageEncoder = import_string(spec["BACKEND"])(**options)
    except (ImportError, TypeError) as error:
        raise EncoderError(f"The encoder {spec['BACKEND']} cannot be built: {error}", permanent=True) from error
    return encoder
