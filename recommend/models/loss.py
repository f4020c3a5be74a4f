"""Softmax over a sample of the items, corrected for how it was drawn."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from recommend.models.base import Interactions


class SampledSoftmax:
    """Cross entropy of the next item against `negatives` items drawn once for the whole batch.

    Items are drawn in proportion to count ** power, and log(expected draws) is taken off their scores, which makes the
    loss an estimate of the softmax over all items (Bengio and Senécal, 2008; Yi et al., RecSys 2019). With
    negatives = 0 it is the softmax over all items.
    """

    def __init__(self, data: Interactions, negatives: int, power: float, device: torch.device) -> None:
        rows = np.concatenate([*data.histories, np.zeros(0, np.int64)]).astype(np.int64)
        share = np.bincount(rows, minlength=len(data.items)) ** power + 1e-3
        self.share = torch.from_numpy(share / share.sum()).float().to(device)
        self.cumulated = self.share.cumsum(0)
        self.negatives = min(negatives, len(data.items))

    def draw(self) -> Tensor:
        """(negatives,) item rows; may repeat."""
        if not self.negatives:
            return torch.arange(len(self.share), device=self.share.device)
        where = torch.rand(self.negatives, device=self.share.device)
        return torch.searchsorted(self.cumulated, where).clamp(max=len(self.share) - 1)

    def __call__(self, users: Tensor, wanted: Tensor, positives: Tensor, drawn: Tensor, negatives: Tensor) -> Tensor:
        """Return the mean over n users.

        users: (n, dim); wanted: (n,) the items they took; positives: (n, dim) those items' vectors; drawn: (m,) other
        items; negatives: (m, dim) theirs.
        """
        scores = users @ negatives.T
        if not self.negatives:
            return F.cross_entropy(scores, wanted)
        scores = scores - torch.log(self.share[drawn] * self.negatives)
        scores = scores.masked_fill(drawn[None, :] == wanted[:, None], -torch.inf)
        positive = (users * positives).sum(1, keepdim=True)
        first = torch.zeros(len(users), dtype=torch.int64, device=users.device)
        return F.cross_entropy(torch.cat([positive, scores], 1), first)
