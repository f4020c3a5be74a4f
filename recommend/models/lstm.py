"""An LSTM over the history: embedding, LSTM, softmax over the items.

Hidasi et al., "Session-based recommendations with recurrent neural networks" (ICLR 2016), with an LSTM in place of the
GRU.
"""

from torch import Tensor, nn

from recommend.models.sequence import SequenceRecommender


class Encoder(nn.Module):
    def __init__(self, dim: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(dim, dim, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.out = nn.Sequential(nn.Dropout(dropout), nn.Linear(dim, dim))

    def forward(self, events: Tensor) -> Tensor:
        """(b, l, dim) -> (b, l, dim)."""
        return self.out(self.lstm(events)[0])


class LSTM(SequenceRecommender):
    name = "lstm"

    def _encoder(self) -> nn.Module:
        return Encoder(self.dim, self.config["layers"], self.config["dropout"])
