"""Recurrent networks: a classifier of sequences and a tagger of words."""

from __future__ import annotations

from torch import Tensor, nn


class Sequences(nn.Module):
    """Two LSTM layers of 128, the last step is classified: (batch, 50, 64) -> logits (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(64, 128, num_layers=2, batch_first=True)
        self.output = nn.Linear(128, 10)

    def forward(self, frames: Tensor) -> Tensor:
        states, _ = self.lstm(frames)  # (batch, 50, 128)
        logits: Tensor = self.output(states[:, -1])
        return logits


class Tagger(nn.Module):
    """A bidirectional GRU of 64 over words: (batch, 32) -> logits of 17 tags (batch, 32, 17).

    Seventeen are the tags of Universal Dependencies.
    """

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5000, 64)
        self.gru = nn.GRU(64, 64, batch_first=True, bidirectional=True)
        self.tags = nn.Linear(128, 17)

    def forward(self, words: Tensor) -> Tensor:
        states, _ = self.gru(self.embedding(words))  # (batch, 32, 128)
        logits: Tensor = self.tags(states)
        return logits
