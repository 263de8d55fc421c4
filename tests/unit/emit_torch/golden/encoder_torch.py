"""The model `Encoder` in PyTorch, written by neuralc."""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """Block `MultiHeadAttention`: (batch, S, 64) -> (batch, S, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(64, 64)
        self.key = nn.Linear(64, 64)
        self.value = nn.Linear(64, 64)
        self.attention_output = nn.Linear(64, 64)

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x).unflatten(-1, (4, 16)).transpose(1, 2)
        key = self.key(x).unflatten(-1, (4, 16)).transpose(1, 2)  # (batch, 4, S, 16)
        x = self.value(x).unflatten(-1, (4, 16)).transpose(1, 2)  # (batch, 4, S, 16)
        x = F.scaled_dot_product_attention(query, key, x).transpose(1, 2).flatten(2)
        return self.attention_output(x)


class EncoderLayer(nn.Module):
    """Block `encoder_layer`: (batch, S, 64) -> (batch, S, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.residual_connection_multi_head_attention = MultiHeadAttention()
        self.residual_connection_dropout = nn.Dropout(0.1)
        self.layer_normalization = nn.LayerNorm(64, eps=1e-12)
        self.residual_connection_1_dense = nn.Linear(64, 256)
        self.residual_connection_1_dense_1 = nn.Linear(256, 64)
        self.residual_connection_1_dropout = nn.Dropout(0.1)
        self.layer_normalization_1 = nn.LayerNorm(64, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        y = self.residual_connection_multi_head_attention(x)
        x = self.layer_normalization(self.residual_connection_dropout(y) + x)
        y = F.gelu(self.residual_connection_1_dense(x))  # (batch, S, 256)
        y = self.residual_connection_1_dropout(self.residual_connection_1_dense_1(y))
        return self.layer_normalization_1(y + x)


class Encoder(nn.Module):
    """Model `Encoder`: ids (batch, S) -> pooled (batch, S, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1000, 64)
        self.encoder_layer = nn.ModuleList(EncoderLayer() for _ in range(2))
        self.pooled = nn.Linear(64, 64)
        nn.init.uniform_(self.embedding.weight, a=-0.05, b=0.05)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids)  # (batch, S, 64)
        for encoder_layer in self.encoder_layer:
            x = encoder_layer(x)
        return torch.tanh(self.pooled(x))


def load(path: str) -> Encoder:
    """The model with the weights of a safetensors file."""
    model = Encoder()
    model.load_state_dict(load_file(path))
    return model


def save(model: Encoder, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    save_file(model.state_dict(), path)
