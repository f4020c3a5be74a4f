"""What a web process loads before anybody asks: each part for itself."""

import gc
from typing import Any

import pytest
from django.db import connection

from recommend.serving import profile
from search.encoders import registry
from vetrina import gunicorn


@pytest.mark.parametrize("broken", ["text", "image", "recommender", ""])
def test_what_cannot_be_loaded_keeps_nothing_else_from_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    loaded: list[str] = []

    def load(name: str) -> Any:
        if name == broken:
            raise RuntimeError("no weights")
        loaded.append(name)

    class Encoder:
        def __init__(self, kind: str) -> None:
            self.kind = kind

        def encode_text(self, texts: list[str], *, query: bool) -> None:
            load(self.kind)

    monkeypatch.setattr(registry, "get_encoder", Encoder)
    monkeypatch.setattr(profile, "live_model", lambda: load("recommender"))
    for name in ("collect", "freeze", "set_threshold"):
        monkeypatch.setattr(gc, name, lambda *arguments, name=name: loaded.append(name))
    monkeypatch.setattr(connection, "close", lambda: loaded.append("closed"))
    gunicorn._warm_up()
    parts = [name for name in ("text", "image", "recommender") if name != broken]
    assert loaded == [*parts, "closed", "collect", "freeze", "set_threshold"]
    assert ("was not loaded ahead" in caplog.text) == bool(broken)
