"""Fit a `JointHead` to a catalogue: picture features against the text vectors of its titles and against its categories.

The networks stay frozen, so a fit is two small regressions that take seconds once the features are there.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from search.encoders.base import EncoderError, Vectors
from search.encoders.joint import LOOK_DIM, JointHead

if TYPE_CHECKING:
    import torch

EPOCHS = 40
STEPS = (200, 2000)  # at least and at most: small catalogues need their steps, large ones would take minutes
BATCH = 512
DROPOUT = 0.5
LEARNING_RATE = 1e-3
TEMPERATURE = 0.05  # of the contrastive loss
KIND_DIM = 128
KIND_SCALE = 7.0  # a low one leaves the kinds room inside their clusters, which ranks unseen products better
KIND_LEARNING_RATE = 2e-3
LEAST = 32  # pairs; fewer say nothing


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one core. On a busy machine the threads of linear algebra wait for one another by spinning, which was
    seen to make a fit fifteen times as slow; and so its result does not depend on the number of cores either.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@_one_thread()
def fit_head(
    features: Vectors,
    titles: Vectors,
    kinds: Sequence[str] | None = None,
    *,
    seed: int = 0,
    progress: Callable[[], object] = lambda: None,
) -> JointHead:
    """Fit to ``(n, features)`` picture features, ``(n, text)`` title vectors and ``n`` categories, if there are any.

    ``progress`` is called once per step, `steps` times in all. Raises EncoderError (permanent) for too few pairs.
    """
    if len(features) < LEAST:
        raise EncoderError(
            f"A head needs at least {LEAST} pictures with titles; these are {len(features)}.", permanent=True
        )
    # A feature that is the same in every picture would else be magnified beyond what float16 holds.
    centre, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-3)
    inputs = (features - centre) / scale

    def raw(matrix: NDArray[np.float32], constant: NDArray[np.float32]) -> NDArray[np.float32]:
        """The map over features as they come, with the standardisation folded in."""
        folded = matrix / scale[:, None]
        return np.vstack([folded, constant - centre @ folded]).astype(np.float32)

    look = _main_directions(inputs)
    words = raw(*_fit(inputs, rate=LEARNING_RATE, seed=seed, titles=titles, progress=progress))
    names, labels = np.unique(np.asarray(kinds if kinds is not None else [""]), return_inverse=True)
    kind = None
    if len(names) > 1:
        kind = raw(*_fit(inputs, rate=KIND_LEARNING_RATE, seed=seed, labels=labels, progress=progress))
    head = JointHead(look=raw(look, np.zeros(LOOK_DIM, np.float32)), words=words, kind=kind)
    # Through the stored form, so that what is measured after a fit is what is loaded later.
    return JointHead.from_bytes(head.to_bytes())


def _main_directions(inputs: Vectors) -> NDArray[np.float32]:
    """The principal components of standardised features, ``(features, LOOK_DIM)``, the largest first.

    A matrix of fewer features than LOOK_DIM is filled up with zeros; the vectors' width stays.
    """
    import torch

    data = torch.from_numpy(np.ascontiguousarray(inputs)).double()
    directions = torch.linalg.eigh(data.T @ data)[1].flip(1)[:, :LOOK_DIM].float().numpy()
    # Either sign of a direction is right: take the one whose largest component is positive, wherever it is computed.
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])]
    return np.pad(directions * np.sign(largest), ((0, 0), (0, LOOK_DIM - directions.shape[1])))


def steps(count: int, kinds: Sequence[str] | None) -> int:
    """How often `fit_head` reports progress for so many pictures."""
    return _steps(count) * (2 if kinds is not None and len(set(kinds)) > 1 else 1)


def _steps(count: int) -> int:
    return min(max(EPOCHS * _batches(count), STEPS[0]), STEPS[1])


def _batches(count: int) -> int:
    return max(1, count // BATCH)


def _fit(
    inputs: Vectors,
    *,
    rate: float,
    seed: int,
    progress: Callable[[], object],
    titles: Vectors | None = None,
    labels: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A linear map, contrastive against titles or with a softmax over the prototypes of labels. Matrix and constant."""
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(seed)
    data = torch.from_numpy(np.ascontiguousarray(inputs, dtype=np.float32))
    width = titles.shape[1] if titles is not None else KIND_DIM
    bound = data.shape[1] ** -0.5
    matrix = torch.nn.Parameter((torch.rand(data.shape[1], width, generator=generator) * 2 - 1) * bound)
    constant = torch.nn.Parameter(torch.zeros(width))
    groups: list[dict[str, Any]] = [{"params": [matrix, constant]}]
    if titles is not None:
        texts = torch.from_numpy(np.ascontiguousarray(titles))
    else:
        wanted = torch.from_numpy(np.asarray(labels))
        prototypes = torch.nn.Parameter(torch.randn(int(wanted.max()) + 1, width, generator=generator))
        groups.append({"params": [prototypes], "weight_decay": 0.0})
    count, batches = _steps(len(data)), _batches(len(data))
    optimiser = torch.optim.AdamW(groups, lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=rate, total_steps=count + 1)
    order: list[torch.Tensor] = []
    for _ in range(count):
        if not order:
            shuffled = torch.randperm(len(data), generator=generator)
            order = list(shuffled[: batches * BATCH].chunk(batches))
        batch = order.pop()
        kept = torch.rand(len(batch), data.shape[1], generator=generator) > DROPOUT
        outputs = functional.normalize(data[batch] * kept / (1 - DROPOUT) @ matrix + constant, dim=1)
        if titles is not None:
            loss = _contrastive(outputs, texts[batch])
        else:
            scores = KIND_SCALE * outputs @ functional.normalize(prototypes, dim=1).T
            loss = functional.cross_entropy(scores, wanted[batch], label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        progress()
    return matrix.detach().numpy(), constant.detach().numpy()


def _contrastive(pictures: "torch.Tensor", texts: "torch.Tensor") -> "torch.Tensor":
    """CLIP's loss, both ways. Products of one title are right answers for one another, and not wrong ones."""
    scores = pictures @ texts.T / TEMPERATURE
    same = (texts @ texts.T > 0.999).float()
    target = same / same.sum(dim=1, keepdim=True)
    there = -(target * scores.log_softmax(dim=1)).sum(dim=1).mean()
    back = -(target * scores.T.log_softmax(dim=1)).sum(dim=1).mean()
    return there + back
