"""The item tower: one vector per item from its id, its content and its attributes."""

import torch
from torch import Tensor, nn

from recommend.models.base import Items


class ItemTower(nn.Module):
    """id embedding + projected content + attribute embeddings.

    In training the id part is left out for a share of the items (`id_dropout`), so that the rest learns to stand alone:
    then an item that nobody took yet has a usable vector from its content (Volkovs et al., "DropoutNet", NeurIPS 2017).
    """

    content: Tensor | None
    attributes: Tensor | None

    def __init__(self, items: Items, dim: int, id_dropout: float) -> None:
        super().__init__()
        self.id_dropout = id_dropout
        self.id = nn.Embedding(len(items), dim)
        nn.init.normal_(self.id.weight, std=dim**-0.5)
        self.register_buffer("content", None, persistent=False)
        self.register_buffer("attributes", None, persistent=False)
        if items.content is not None:
            self.project = nn.Linear(items.content.shape[1], dim, bias=False)
        if items.attributes is not None:
            self.attribute = nn.Embedding(int(items.attributes.max(initial=0)) + 1, dim, padding_idx=0)
            nn.init.normal_(self.attribute.weight, std=dim**-0.5)
        self.content, self.attributes = self._known(items)

    def _known(self, items: Items) -> tuple[Tensor | None, Tensor | None]:
        """Content and attributes as tensors; attributes never seen in training count nothing."""
        content = attributes = None
        if items.content is not None and hasattr(self, "project"):
            content = torch.from_numpy(items.content)
        if items.attributes is not None and hasattr(self, "attribute"):
            attributes = torch.from_numpy(items.attributes * (items.attributes < self.attribute.num_embeddings))
        return content, attributes

    def forward(self, rows: Tensor) -> Tensor:
        """(n,) item rows -> (n, dim)."""
        vectors = self.id(rows)
        if self.training and self.id_dropout and not (self.content is None and self.attributes is None):
            kept = torch.rand(len(rows), 1, device=rows.device) >= self.id_dropout
            vectors = vectors * kept
        return vectors + self._without_id(
            self.content[rows] if self.content is not None else None,
            self.attributes[rows] if self.attributes is not None else None,
            len(rows),
        )

    def described(self, items: Items) -> Tensor:
        """(items, dim) for any items, from content and attributes alone."""
        return self._without_id(*self._known(items), len(items))

    def _without_id(self, content: Tensor | None, attributes: Tensor | None, n: int) -> Tensor:
        vectors = torch.zeros(n, self.id.embedding_dim, device=self.id.weight.device)
        if content is not None:
            vectors = vectors + self.project(content)
        if attributes is not None:
            # By the root of their number: more attributes tell more, but less than in proportion.
            count = (attributes > 0).sum(1, keepdim=True).clamp(min=1)
            vectors = vectors + self.attribute(attributes).sum(1) / count**0.5
        return vectors
