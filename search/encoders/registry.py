"""Encoders by their specs: built when first asked for, one of each per process.

A spec is what a collection of vectors remembers of its encoder: ``{"BACKEND": dotted path, "OPTIONS": {...}}``, plain
JSON. The option ``head`` is the id of an `EncoderVersion` and stands for its weights.
"""

import json
import os
import threading
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from search.encoders.base import ImageEncoder, TextEncoder

Spec = dict[str, Any]

_lock = threading.RLock()
_encoders: dict[str, Any] = {}


def _forget() -> None:
    """Start afresh in a forked child: a forward pass in the parent makes one in the child hang."""
    global _lock
    _lock = threading.RLock()
    _encoders.clear()


os.register_at_fork(after_in_child=_forget)


def current_spec(kind: str) -> Spec:
    """The spec of the text or image encoder that new vectors are made with: the settings and the active version."""
    spec = settings.ENCODERS[kind]
    return {"BACKEND": spec["BACKEND"], "OPTIONS": dict(spec.get("OPTIONS", {}))}


def encoder_for(spec: Spec) -> Any:
    """The encoder of a spec. Loads it on the first call, in seconds; raises EncoderError if it cannot be loaded."""
    key = json.dumps(spec, sort_keys=True)
    encoder = _encoders.get(key)
    if encoder is None:
        with _lock:
            encoder = _encoders.get(key)
            if encoder is None:
                encoder = _encoders[key] = _build(spec)
    return encoder


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
    return import_string(spec["BACKEND"])(**(options | spec.get("OPTIONS", {})))
