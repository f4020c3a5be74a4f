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

    def __init__(
        self,
        *,
        dim: int = 64,
        layers: int = 1,
        longest: int = 50,
        dropout: float = 0.2,
        id_dropout: float = 0.0,
        spectral: bool = False,
        epochs: int = 20,
        patience: int = 3,
        continued_epochs: int = 3,
        continued_rate: float = 0.25,
        batch: int = 128,
        rate: float = 4e-3,
        decay: float = 1e-2,
        scale: float = 12.0,
        negatives: int = 512,
        negative_power: float = 0.5,
    ) -> None:
        config = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**config)

    def _encoder(self) -> nn.Module:
        return Encoder(self.dim, self.config["layers"], self.config["dropout"])
