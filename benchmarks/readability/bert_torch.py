"""BERT-base in PyTorch: Devlin et al. 2019, section 3. Token 0 is padding."""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class Attention(nn.Module):
    """Twelve heads: (batch, S, 768), mask (batch, S) -> (batch, S, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(768, 768)
        self.key = nn.Linear(768, 768)
        self.value = nn.Linear(768, 768)
        self.dropout = nn.Dropout(0.1)
        self.output = nn.Linear(768, 768)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        query = self.query(x).unflatten(-1, (12, 64))  # (batch, S, 12, 64)
        key = self.key(x).unflatten(-1, (12, 64))
        value = self.value(x).unflatten(-1, (12, 64))
        scores = torch.einsum("bqnh,bknh->bnqk", query, key) / 8
        # A row that is masked as a whole attends to all alike, so no -inf.
        mask = mask[:, None, :, None] & mask[:, None, None, :]
        weights = scores.masked_fill(~mask, -1e9).softmax(dim=-1)
        x = torch.einsum("bnqk,bknh->bqnh", self.dropout(weights), value)
        return self.output(x.flatten(2))


class FeedForward(nn.Module):
    """(batch, S, 768) -> (batch, S, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(768, 3072)
        self.dropout = nn.Dropout(0.1)
        self.output = nn.Linear(3072, 768)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.hidden(x))
        return self.output(self.dropout(x))


class EncoderLayer(nn.Module):
    """Figure 1 of Vaswani et al. 2017, left: (batch, S, 768) -> (batch, S, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.attention_norm = nn.LayerNorm(768, eps=1e-12)
        self.feed_forward = FeedForward()
        self.feed_forward_norm = nn.LayerNorm(768, eps=1e-12)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = self.dropout(self.attention(x, mask))
        x = self.attention_norm(x + y)
        y = self.dropout(self.feed_forward(x))
        return self.feed_forward_norm(x + y)


class Bert(nn.Module):
    """ids, segments (batch, S) -> sequence (batch, S, 768), pooled (batch, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, 768)
        self.segments = nn.Embedding(2, 768)
        self.positions = nn.Embedding(512, 768)
        self.norm = nn.LayerNorm(768, eps=1e-12)
        self.dropout = nn.Dropout(0.1)
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(12))
        self.pooler = nn.Linear(768, 768)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        nn.init.uniform_(self.words.weight, -0.05, 0.05)
        nn.init.uniform_(self.segments.weight, -0.05, 0.05)
        nn.init.xavier_uniform_(self.positions.weight)

    def forward(self, ids: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
        x = self.words(ids) + self.segments(segments)  # (batch, S, 768)
        x = x + self.positions.weight[: ids.shape[1]]
        x = self.dropout(self.norm(x))
        mask = ids != 0
        for layer in self.layers:
            x = layer(x, mask)
        return x, torch.tanh(self.pooler(x[:, 0]))


def load(path: str) -> Bert:
    """The model with the weights of a safetensors file."""
    model = Bert()
    model.load_state_dict(load_file(path))
    return model


def save(model: Bert, path: str) -> None:
    """Write the weights to a safetensors file."""
    save_file(model.state_dict(), path)
