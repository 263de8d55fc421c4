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
        y = mask.reshape(mask.shape[0], 1, mask.shape[1])  # (batch, 1, S)
        z = mask.reshape(mask.shape[0], mask.shape[1], 1)  # (batch, S, 1)
        y = y & z  # (batch, S, S)
        z = self.query(x)
        z = z.reshape(z.shape[0], z.shape[1], 12, 64)  # (batch, S, 12, 64)
        key = self.key(x)
        key = key.reshape(key.shape[0], key.shape[1], 12, 64)  # (batch, S, 12, 64)
        value = self.value(x)
        value = value.reshape(value.shape[0], value.shape[1], 12, 64)
        z = z * 0.125
        z = torch.einsum("bqnh,bknh->bnqk", z, key)  # (batch, 12, S, S)
        y = y.reshape(y.shape[0], 1, y.shape[1], y.shape[1])  # (batch, 1, S, S)
        y = torch.where(y, z, torch.full((), -1000000000.0, dtype=torch.float32))
        y = F.softmax(y, dim=-1)
        y = self.dropout(y)
        y = torch.einsum("bnqk,bknh->bqnh", y, value)  # (batch, S, 12, 64)
        y = y.flatten(2)  # (batch, S, 768)
        y = self.attention_output(y)
        y = self.dropout_1(y)
        return x + y


class FeedForward(nn.Module):
    """Block `FeedForward`: (batch, S, 768) -> (batch, S, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(768, 3072)
        self.dropout = nn.Dropout(0.1)
        self.output = nn.Linear(3072, 768)
        self.dropout_1 = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.gelu(self.hidden(x))  # (batch, S, 3072)
        y = self.dropout(y)
        y = self.output(y)  # (batch, S, 768)
        y = self.dropout_1(y)
        return x + y


class TransformerEncoder(nn.Module):
    """Block `TransformerEncoder`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.attention_norm = nn.LayerNorm(768, eps=1e-12)
        self.feed_forward = FeedForward()
        self.feed_forward_norm = nn.LayerNorm(768, eps=1e-12)
        nn.init.ones_(self.attention_norm.weight)
        nn.init.zeros_(self.attention_norm.bias)
        nn.init.ones_(self.feed_forward_norm.weight)
        nn.init.zeros_(self.feed_forward_norm.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.attention(x, mask)
        x = self.attention_norm(x)
        x = self.feed_forward(x)
        return self.feed_forward_norm(x)


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
        self.positional_encoding_embeddings = nn.Parameter(torch.empty(512, 768))
        nn.init.uniform_(self.embedding.weight, a=-0.05, b=0.05)
        nn.init.uniform_(self.embedding_1.weight, a=-0.05, b=0.05)
        nn.init.ones_(self.layer_normalization.weight)
        nn.init.zeros_(self.layer_normalization.bias)
        nn.init.xavier_uniform_(self.positional_encoding_embeddings)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, ids: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
        x = self.embedding(ids)  # (batch, S, 768)
        y = ids != 0
        z = self.embedding_1(segments)  # (batch, S, 768)
        x = x + z
        z = self.positional_encoding_embeddings[: ids.shape[1]]  # (S, 768)
        x = x + z
        x = self.layer_normalization(x)
        x = self.dropout(x)
        for transformer_encoder in self.transformer_encoder:
            x = transformer_encoder(x, y)
        y = x[:, :1]  # (batch, 1, 768)
        y = y.flatten(1)  # (batch, 768)
        y = torch.tanh(self.dense(y))
        return x, y


def load(path: str) -> Bert:
    """The model with the weights of a safetensors file."""
    model = Bert()
    model.load_state_dict(load_file(path))
    return model


def save(model: Bert, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    save_file(model.state_dict(), path)
