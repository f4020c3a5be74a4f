"""A causal transformer over the history: SASRec with a better loss, a better start, and an item tower.

Kang and McAuley, "Self-attentive sequential recommendation" (ICDM 2018); with sampled softmax in place of its binary
loss, as in Klenitskiy and Vasilev, "Turning dross into gold loss" (RecSys 2023); with relative positions as in Raffel
et al., "T5" (JMLR 2020), so that a history means the same wherever its window begins.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from recommend.models.sequence import SequenceRecommender


class Block(nn.Module):
    """Attention and a feed-forward layer, each with its norm before it and its input added after it."""

    def __init__(self, dim: int, heads: int, longest: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.mix = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        # How much an event that lies k positions away is looked at, whatever it is.
        self.distance = nn.Parameter(torch.zeros(heads, longest + 1))
        self.feed = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, events: Tensor, padding: Tensor | None) -> Tensor:
        batch, length, dim = events.shape
        mixed = self.mix(self.norm(events)).view(batch, length, 3, self.heads, dim // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        steps = torch.arange(length, device=events.device)
        back = steps[:, None] - steps[None, :]
        bias = self.distance[:, back.abs()]
        if padding is None:  # padding lies in the future of every event
            bias = bias.masked_fill(back < 0, -torch.inf)
        else:
            bias = bias.masked_fill(padding[:, None, None, :], -torch.inf)
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        events = events + self.dropout(self.out(seen.transpose(1, 2).reshape(batch, length, dim)))
        return events + self.dropout(self.feed(events))


class Encoder(nn.Module):
    def __init__(self, dim: int, layers: int, heads: int, longest: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(dim, heads, longest, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, events: Tensor, padding: Tensor | None = None) -> Tensor:
        """(b, l, dim) -> (b, l, dim). With the (b, l) mask of padding, each position sees both its sides."""
        for block in self.blocks:
            events = block(events, padding)
        return self.norm(events)


class Transformer(SequenceRecommender):
    """How the defaults were chosen: docs/evaluation.md."""

    name = "transformer"
    defaults = {
        **SequenceRecommender.defaults,
        "dim": 128,
        "heads": 4,
        "id_dropout": 0.2,
        "spectral": True,
        "pretrain_epochs": 0,  # of hidden events, before those of next events
        "epochs": 14,
        "negatives": 1024,
    }

    def _encoder(self) -> nn.Module:
        config = self.config
        return Encoder(self.dim, config["layers"], config["heads"], config["longest"], config["dropout"])
