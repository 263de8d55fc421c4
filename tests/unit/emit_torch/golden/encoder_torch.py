"""The model `Encoder` in PyTorch, written by neuralc."""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """Block `MultiHeadAttention`: (batch, S, 64) -> (batch, S, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.query_kernel = nn.Parameter(torch.empty(64, 4, 16))
        self.query_bias = nn.Parameter(torch.zeros(4, 16))
        self.key_kernel = nn.Parameter(torch.empty(64, 4, 16))
        self.key_bias = nn.Parameter(torch.zeros(4, 16))
        self.value_kernel = nn.Parameter(torch.empty(64, 4, 16))
        self.value_bias = nn.Parameter(torch.zeros(4, 16))
        self.attention_output_kernel = nn.Parameter(torch.empty(4, 16, 64))
        self.attention_output_bias = nn.Parameter(torch.zeros(64))
        nn.init.xavier_uniform_(self.query_kernel)
        nn.init.xavier_uniform_(self.key_kernel)
        nn.init.xavier_uniform_(self.value_kernel)
        nn.init.xavier_uniform_(self.attention_output_kernel)

    def forward(self, x: Tensor) -> Tensor:
        y = self.query_kernel.flatten(1)  # (64, 64)
        y = torch.matmul(x, y)
        z = self.query_bias.flatten()  # (64,)
        y = y + z
        y = y.reshape(y.shape[0], y.shape[1], 4, 16)  # (batch, S, 4, 16)
        z = self.key_kernel.flatten(1)  # (64, 64)
        z = torch.matmul(x, z)
        bias = self.key_bias.flatten()  # (64,)
        z = z + bias
        z = z.reshape(z.shape[0], z.shape[1], 4, 16)  # (batch, S, 4, 16)
        kernel = self.value_kernel.flatten(1)  # (64, 64)
        x = torch.matmul(x, kernel)
        bias = self.value_bias.flatten()  # (64,)
        x = x + bias
        x = x.reshape(x.shape[0], x.shape[1], 4, 16)  # (batch, S, 4, 16)
        y = y.permute(0, 2, 1, 3)  # (batch, 4, S, 16)
        z = z.permute(0, 2, 1, 3)  # (batch, 4, S, 16)
        x = x.permute(0, 2, 1, 3)  # (batch, 4, S, 16)
        x = F.scaled_dot_product_attention(y, z, x)
        y = self.attention_output_kernel.reshape(64, 64)  # (64, 64)
        x = x.permute(0, 2, 1, 3).flatten(2)  # (batch, S, 64)
        x = torch.matmul(x, y)
        return x + self.attention_output_bias


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
        nn.init.ones_(self.layer_normalization.weight)
        nn.init.zeros_(self.layer_normalization.bias)
        nn.init.ones_(self.layer_normalization_1.weight)
        nn.init.zeros_(self.layer_normalization_1.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = self.residual_connection_multi_head_attention(x)
        y = self.residual_connection_dropout(y)
        x = y + x
        x = self.layer_normalization(x)
        y = F.gelu(self.residual_connection_1_dense(x))  # (batch, S, 256)
        y = self.residual_connection_1_dense_1(y)  # (batch, S, 64)
        y = self.residual_connection_1_dropout(y)
        x = y + x
        return self.layer_normalization_1(x)


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
