"""Where networks run, and what happens when they cannot."""

import multiprocessing
from pathlib import Path

import pytest

from search.encoders import registry, runtime
from search.encoders.base import EncoderError
from search.encoders.bert import BertEncoder
from search.encoders.runtime import Placement, place


def test_a_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_has_gpu", lambda: True)
    assert place() == Placement("torch", "cuda")
    assert place("cuda:1") == Placement("torch", "cuda:1")
    assert place("cpu", "torch") == Placement("torch", "cpu")


def test_a_cpu_takes_the_fastest_runtime_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_has_gpu", lambda: False)
    for there, chosen in (
        ({"openvino", "onnxruntime"}, "openvino"),
        ({"onnxruntime"}, "onnxruntime"),
        (set(), "torch"),
    ):
        monkeypatch.setattr(runtime, "installed", lambda name, there=there: name in there or name == "torch")
        assert place() == Placement(chosen, "cpu")


@pytest.mark.parametrize(
    ("device", "name", "told"),
    [
        ("auto", "tensorrt", "Unknown encoder runtime"),
        ("tpu", "auto", "Unknown encoder device"),
        ("cuda", "auto", "sees no GPU"),
        ("cpu", "openvino", "not installed"),
    ],
)
def test_what_is_not_there_is_said_so(device: str, name: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_has_gpu", lambda: False)
    monkeypatch.setattr(runtime, "installed", lambda name: name == "torch")
    with pytest.raises(EncoderError, match=told) as caught:
        place(device, name)
    assert caught.value.permanent


@pytest.mark.slow
@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_a_compiled_network_is_taken_from_the_cache(
    name: str, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not runtime.installed(name):
        pytest.skip(f"{name} is not installed")
    first = BertEncoder(str(tiny_bert), device="cpu", runtime=name, cache=tmp_path).encode_text(["red shoe"])
    runtime._forget()  # as a new process

    def refuse(*_: object) -> None:
        raise AssertionError("The network was loaded again.")

    monkeypatch.setattr("search.encoders.bert._sentence_network", refuse)
    again = BertEncoder(str(tiny_bert), device="cpu", runtime=name, cache=tmp_path)
    assert (again.encode_text(["red shoe"]) == first).all()
    assert BertEncoder(str(tiny_bert), device="cpu", runtime=name, cache=tmp_path).engine is again.engine


def test_a_forked_child_starts_without_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_encoders", {"spec": object()})
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=lambda: queue.put(len(registry._encoders)))
    child.start()
    child.join(30)
    assert queue.get() == 0
    assert registry._encoders
