"""The model `Bert` in PyTorch, written by neuralc."""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class Attention(nn.Module):
    """Block `Attention`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(768, 768)
        self.key = nn.Linear(768, 768)
        self.value = nn.Linear(768, 768)
        self.dropout = nn.Dropout(0.1)
        self.attention_output = nn.Linear(768, 768)
        self.dropout_1 = nn.Dropout(0.1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        query = self.query(x).unflatten(-1, (12, 64))  # (batch, S, 12, 64)
        key = self.key(x).unflatten(-1, (12, 64))  # (batch, S, 12, 64)
        value = self.value(x).unflatten(-1, (12, 64))  # (batch, S, 12, 64)
        scores = torch.einsum("bqnh,bknh->bnqk", query * 0.125, key)
        mask = mask[:, None] & mask[..., None]  # (batch, S, S)
        y = self.dropout(F.softmax(torch.where(mask[:, None], scores, -1e9), dim=-1))
        y = self.attention_output(torch.einsum("bnqk,bknh->bqnh", y, value).flatten(2))
        return x + self.dropout_1(y)


class FeedForward(nn.Module):
    """Block `FeedForward`: (batch, S, 768) -> (batch, S, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(768, 3072)
        self.dropout = nn.Dropout(0.1)
        self.output = nn.Linear(3072, 768)
        self.dropout_1 = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.dropout(F.gelu(self.hidden(x)))  # (batch, S, 3072)
        return x + self.dropout_1(self.output(y))


class TransformerEncoder(nn.Module):
    """Block `TransformerEncoder`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.attention_norm = nn.LayerNorm(768, eps=1e-12)
        self.feed_forward = FeedForward()
        self.feed_forward_norm = nn.LayerNorm(768, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.attention_norm(self.attention(x, mask))
        return self.feed_forward_norm(self.feed_forward(x))


class Bert(nn.Module):
    """Model `Bert`.

    ids (batch, S), segments (batch, S)
    -> sequence (batch, S, 768), pooled (batch, 768)
    """

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(30522, 768)
        self.embedding_1 = nn.Embedding(2, 768)
        self.layer_normalization = nn.LayerNorm(768, eps=1e-12)
        self.dropout = nn.Dropout(0.1)
        self.transformer_encoder = nn.ModuleList(
            TransformerEncoder() for _ in range(12)
        )
        self.dense = nn.Linear(768, 768)
        self.positional_encoding = nn.Parameter(torch.empty(512, 768))
        nn.init.uniform_(self.embedding.weight, a=-0.05, b=0.05)
        nn.init.uniform_(self.embedding_1.weight, a=-0.05, b=0.05)
        nn.init.xavier_uniform_(self.positional_encoding)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, ids: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
        x = self.embedding(ids) + self.embedding_1(segments)  # (batch, S, 768)
        x = self.layer_normalization(x + self.positional_encoding[: ids.shape[1]])
        x = self.dropout(x)
        mask = ids != 0
        for transformer_encoder in self.transformer_encoder:
            x = transformer_encoder(x, mask)
        return x, torch.tanh(self.dense(x[:, 0]))


def load(path: str) -> Bert:
    """The model with the weights of a safetensors file."""
    model = Bert()
    model.load_state_dict(load_file(path))
    return model


def save(model: Bert, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    save_file(model.state_dict(), path)
