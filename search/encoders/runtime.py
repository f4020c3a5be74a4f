"""Where and how a network runs: CUDA in bfloat16, OpenVINO or onnxruntime on a CPU, plain torch anywhere.

A network is a ``torch.nn.Module`` that takes named arrays and returns one float array with a row per input row. It is
compiled once and kept in the cache folder under a digest of its weights, so that a process that finds it there needs
neither the weights nor torch.
"""

import importlib.util
import os
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from search.encoders.base import EncoderError, Vectors

if TYPE_CHECKING:
    import torch

Batch = tuple[list[int], dict[str, NDArray[Any]]]  # the places of the rows, and a network's inputs
RUNTIMES = ("torch", "openvino", "onnxruntime")
FEW_ROWS, FEW_BATCHES = 8, 4  # a call of fewer is no work for several streams

# Two encoders may stand on one network, as the bundled ones do. Held by the encoders alone.
_compiled: "WeakValueDictionary[tuple[str, Placement, Path | None], Any]"
_lock: threading.RLock


def _forget() -> None:
    """Start afresh in a forked child, which must not run what its parent has run (see `registry`)."""
    global _compiled, _lock
    _compiled, _lock = WeakValueDictionary(), threading.RLock()


_forget()
os.register_at_fork(after_in_child=_forget)


@dataclass(frozen=True)
class Placement:
    """The runtime and the device that a network runs on."""

    runtime: str  # one of RUNTIMES
    device: str  # "cpu", "cuda", "cuda:1"


def place(device: str = "auto", runtime: str = "auto") -> Placement:
    """Resolve "auto": a GPU where there is one, else OpenVINO, onnxruntime or torch, whichever is installed first.

    Raises EncoderError (permanent) for an unknown name and for a runtime or device that this machine does not have.
    """
    if runtime not in ("auto", *RUNTIMES):
        raise EncoderError(
            f"Unknown encoder runtime {runtime!r}: it is auto, torch, openvino or onnxruntime.", permanent=True
        )
    if device == "auto":
        device = "cuda" if runtime in ("auto", "torch") and _has_gpu() else "cpu"
    elif device != "cpu" and not device.startswith("cuda"):
        raise EncoderError(f"Unknown encoder device {device!r}: it is auto, cpu, cuda or cuda:N.", permanent=True)
    elif device != "cpu" and not _has_gpu():
        raise EncoderError(f"The encoder device is {device!r}, but torch sees no GPU here.", permanent=True)
    if device != "cpu":
        if runtime not in ("auto", "torch"):
            raise EncoderError(
                f"The runtime {runtime} is used on CPUs; leave it at auto or torch for {device}.", permanent=True
            )
        return Placement("torch", device)
    if runtime == "auto":
        runtime = next((name for name in ("openvino", "onnxruntime") if installed(name)), "torch")
    elif not installed(runtime):
        raise EncoderError(f"The encoder runtime {runtime!r} is not installed.", permanent=True)
    return Placement(runtime, "cpu")


def installed(runtime: str) -> bool:
    """Whether a runtime can be used here. Both CPU runtimes take networks that onnx or torch hands over."""
    needed = {"onnxruntime": ("onnxruntime", "onnx")}.get(runtime, (runtime,))
    return all(importlib.util.find_spec(name) is not None for name in needed)


def _has_gpu() -> bool:
    # Importing torch takes two seconds. Where no driver is loaded there is nothing to ask it.
    if os.name == "posix" and not any(Path(p).exists() for p in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")):
        return False
    import torch

    return torch.cuda.is_available()


class Engine(Protocol):
    """A compiled network. Safe to call from several threads."""

    def __call__(self, **inputs: NDArray[Any]) -> Vectors: ...

    def map(self, batches: Iterable[Batch]) -> Iterator[tuple[list[int], Vectors]]:
        """The rows of many batches, each with its places, in the order of ``batches``."""
        ...


class _OneByOne:
    """Batches one after the other: for a device that a single batch fills."""

    def map(self: "Engine", batches: Iterable[Batch]) -> Iterator[tuple[list[int], Vectors]]:
        for places, inputs in batches:
            yield places, self(**inputs)


def compile_network(
    load: "Callable[[], torch.nn.Module]",
    example: dict[str, NDArray[Any]],
    *,
    placement: Placement,
    digest: str,
    cache: Path | None,
) -> Engine:
    """Make an engine of the network that ``load`` returns; ``load`` is not called if the cache or this process has it.

    ``example`` holds one array per input, in the order of the module's arguments; the first axis of each is the batch,
    and axes after it of integer inputs (token ids) vary too. ``digest`` stands for the weights and the architecture.
    """
    key = digest, placement, cache
    with _lock:
        engine: Engine | None = _compiled.get(key)
        if engine is not None:
            return engine
        if placement.runtime == "torch":
            engine = TorchEngine(load(), list(example), placement.device)
        else:
            with _folder(cache) as folder:
                if placement.runtime == "openvino":
                    engine = OpenVinoEngine(folder / f"{digest}.xml", load, example)
                else:
                    engine = OnnxEngine(folder / f"{digest}.onnx", load, example)
        _compiled[key] = engine
    return engine


@contextmanager
def _folder(cache: Path | None) -> Iterator[Path]:
    if cache is None:
        with TemporaryDirectory() as temporary:
            yield Path(temporary)
    else:
        cache.mkdir(parents=True, exist_ok=True)
        yield cache


class TorchEngine(_OneByOne):
    """Plain torch: float32 on a CPU, bfloat16 on a GPU."""

    def __init__(self, module: "torch.nn.Module", names: Sequence[str], device: str) -> None:
        import torch

        self._torch = torch
        self._names = list(names)
        self._device = torch.device(device)
        self._bf16 = self._device.type == "cuda"
        module = module.eval().requires_grad_(False).to(self._device)
        self._module = module.to(torch.bfloat16) if self._bf16 else module

    def __call__(self, **inputs: NDArray[Any]) -> Vectors:
        torch = self._torch
        arguments = []
        for name in self._names:
            tensor = torch.from_numpy(np.ascontiguousarray(inputs[name])).to(self._device)
            arguments.append(tensor.to(torch.bfloat16) if self._bf16 and tensor.is_floating_point() else tensor)
        with torch.inference_mode():
            return self._module(*arguments).float().cpu().numpy()


class OpenVinoEngine:
    """OpenVINO on the CPU, at the precision that it finds best there (bfloat16 where the CPU has it)."""

    def __init__(self, path: Path, load: "Callable[[], torch.nn.Module]", example: dict[str, NDArray[Any]]) -> None:
        # Its converter reports each use to its maker, from a forked copy of this process. Where that package cannot be
        # imported, it does without.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino as ov

        if not path.exists():
            with _without_warnings():
                model = ov.convert_model(
                    _exportable(load()),
                    example_input=tuple(_tensors(example)),
                    input=[ov.PartialShape(_shape(array)) for array in example.values()],
                )
            for port, name in zip(model.inputs, example, strict=True):
                port.get_tensor().set_names({name})
            with replacing(path) as temporary:
                ov.save_model(model, temporary, compress_to_fp16=False)
                # The weights lie beside the graph; they go first, so that a graph in place always has its weights.
                temporary.with_suffix(".bin").replace(path.with_suffix(".bin"))
        self._path = path
        self._one = _Requests(ov.Core().compile_model(path, "CPU", {"PERFORMANCE_HINT": "LATENCY"}))
        self._lock = threading.Lock()
        self._streams: tuple[_Requests, ThreadPoolExecutor, int] | None = None

    def __call__(self, **inputs: NDArray[Any]) -> Vectors:
        return self._one.infer(inputs)

    def map(self, batches: Iterable[Batch]) -> Iterator[tuple[list[int], Vectors]]:
        remaining = iter(batches)
        first = list(islice(remaining, FEW_BATCHES))
        few = len(first) < FEW_BATCHES and sum(len(places) for places, _ in first) < FEW_ROWS
        if len(first) < 2 or few:  # a query: all cores work on it
            for places, inputs in chain(first, remaining):
                yield places, self(**inputs)
            return
        requests, pool, streams = self._throughput()
        under_way: deque[tuple[list[int], Future[Vectors]]] = deque()
        for places, inputs in chain(first, remaining):
            under_way.append((places, pool.submit(requests.infer, inputs)))
            if len(under_way) > streams:
                done, rows = under_way.popleft()
                yield done, rows.result()
        for done, rows in under_way:
            yield done, rows.result()

    def _throughput(self) -> "tuple[_Requests, ThreadPoolExecutor, int]":
        """The network once more, with a stream for each core or so, compiled when many batches come for the first time.

        Cores that share one batch wait for the slowest of them after each layer: where another process took a quarter
        of the machine, that cost two fifths of the speed, and with streams one fifth.
        """
        import openvino as ov

        with self._lock:
            if self._streams is None:
                compiled = ov.Core().compile_model(self._path, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
                streams = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
                self._streams = _Requests(compiled), ThreadPoolExecutor(streams, "infer"), streams
            return self._streams


class _Requests:
    """A network's inference requests, one for each thread."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._local = threading.local()

    def infer(self, inputs: dict[str, NDArray[Any]]) -> Vectors:
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._compiled.create_infer_request()
        # share_inputs spares a copy; the outputs are copied, because the request owns its memory.
        return np.array(request.infer(inputs, share_inputs=True)[0], dtype=np.float32)


class OnnxEngine(_OneByOne):
    """onnxruntime on the CPU, float32."""

    def __init__(self, path: Path, load: "Callable[[], torch.nn.Module]", example: dict[str, NDArray[Any]]) -> None:
        import onnxruntime

        if not path.exists():
            import torch

            module = _exportable(load())
            axes = {name: {axis: f"{name}_{axis}" for axis in _free_axes(array)} for name, array in example.items()}
            with replacing(path) as temporary, _without_warnings():
                torch.onnx.export(
                    module,
                    tuple(_tensors(example)),
                    str(temporary),
                    input_names=list(example),
                    output_names=["rows"],
                    dynamic_axes=axes | {"rows": {0: "batch"}},
                    opset_version=17,
                    dynamo=False,
                )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, **inputs: NDArray[Any]) -> Vectors:
        return self._session.run(None, inputs)[0].astype(np.float32, copy=False)


def _free_axes(array: NDArray[Any]) -> list[int]:
    """The axes whose length varies: the batch, and the tokens of a text."""
    return list(range(array.ndim)) if np.issubdtype(array.dtype, np.integer) and array.ndim == 2 else [0]


def _shape(array: NDArray[Any]) -> list[int]:
    free = _free_axes(array)
    return [-1 if axis in free else length for axis, length in enumerate(array.shape)]


def _tensors(example: dict[str, NDArray[Any]]) -> "list[torch.Tensor]":
    import torch

    return [torch.from_numpy(np.ascontiguousarray(array)) for array in example.values()]


def _exportable(module: "torch.nn.Module") -> "torch.nn.Module":
    import torch

    # The fused fast path of attention is one opaque operation that neither exporter can read.
    torch.backends.mha.set_fastpath_enabled(False)
    return module.eval().requires_grad_(False)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Tracing tells at length which branches it fixes; the tests compare its result with the module's instead."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place to write to that becomes ``path`` in one step, so that two processes may compile at once."""
    with TemporaryDirectory(dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        yield temporary
        temporary.replace(path)
