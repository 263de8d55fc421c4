"""Transformers: MiniLM (an encoder of sentences), GPT-2 (a decoder of text) and ViT-tiny (of images)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Self-attention of several heads: (batch, S, width) -> the same."""

    def __init__(self, width: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        query, key, value = (
            project(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (batch, heads, S, width / heads)
            for project in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=self.causal)
        return self.output(mixed.transpose(1, 2).flatten(2))


class FeedForward(nn.Sequential):
    """Four times as wide inside."""

    def __init__(self, width: int, approximate: str = "none") -> None:
        super().__init__(nn.Linear(width, 4 * width), nn.GELU(approximate), nn.Linear(4 * width, width))


class EncoderLayer(nn.Module):
    """Norms behind the sums, as in BERT (Devlin et al. 2019)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.attention_norm = nn.LayerNorm(width, eps=1e-12)
        self.feed_forward = FeedForward(width)
        self.feed_forward_norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.attention_norm(x + self.attention(x, mask))
        normed: Tensor = self.feed_forward_norm(x + self.feed_forward(x))
        return normed


class PreNormLayer(nn.Module):
    """Norms before what is added, as in GPT-2 and ViT."""

    def __init__(self, width: int, heads: int, *, eps: float, approximate: str = "none", causal: bool = False) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, eps=eps)
        self.attention = Attention(width, heads, causal=causal)
        self.feed_forward_norm = nn.LayerNorm(width, eps=eps)
        self.feed_forward = FeedForward(width, approximate)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x))
        summed: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return summed


class MiniLM(nn.Module):
    """all-MiniLM-L6: BERT with 6 layers of 384, 12 heads: input_ids, attention_mask (batch, S) -> (batch, S, 384)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, 384)
        self.positions = nn.Embedding(512, 384)
        self.segments = nn.Embedding(2, 384)
        self.norm = nn.LayerNorm(384, eps=1e-12)
        self.layers = nn.ModuleList(EncoderLayer(384, 12) for _ in range(6))
        _initialize(self, 0.02)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        x = self.words(input_ids) + self.positions.weight[: input_ids.shape[1]] + self.segments.weight[0]
        x = self.norm(x)
        mask = attention_mask.bool()[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        return x


class GPT2(nn.Module):
    """GPT-2 (Radford et al. 2019) with 4 layers of 768, 12 heads: input_ids (batch, S) -> logits (batch, S, 50257)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50257, 768)
        self.positions = nn.Embedding(1024, 768)
        self.layers = nn.Sequential(
            *(PreNormLayer(768, 12, eps=1e-5, approximate="tanh", causal=True) for _ in range(4))
        )
        self.norm = nn.LayerNorm(768, eps=1e-5)
        _initialize(self, 0.02)

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.words(input_ids) + self.positions.weight[: input_ids.shape[1]]
        return F.linear(self.norm(self.layers(x)), self.words.weight)  # the table of words is used twice


class ViTTiny(nn.Module):
    """DeiT-tiny (Touvron et al. 2021): image (batch, 3, 224, 224), patches of 16 -> logits (batch, 1000)."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 192, 16, stride=16)
        self.class_token = nn.Parameter(torch.zeros(1, 1, 192))
        self.positions = nn.Parameter(torch.zeros(1, 1 + 14 * 14, 192))
        self.layers = nn.Sequential(*(PreNormLayer(192, 3, eps=1e-6) for _ in range(12)))
        self.norm = nn.LayerNorm(192, eps=1e-6)
        self.output = nn.Linear(192, 1000)
        _initialize(self, 0.02)

    def forward(self, image: Tensor) -> Tensor:
        x = self.patches(image).flatten(2).transpose(1, 2)  # (batch, 196, 192)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        logits: Tensor = self.output(self.norm(self.layers(x))[:, 0])
        return logits


def _initialize(model: nn.Module, deviation: float) -> None:
    """Normal weights, as all three papers have them; norms and biases stay as they are."""
    for parameter in model.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=deviation)
