"""Pieces that PyTorch models are made of, as functions and modules with the sizes that a run may choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Size: TypeAlias = "int | str"
"""A number, or the name of a size that the exported model leaves open."""
Sizes: TypeAlias = dict[str, int]


@dataclass(frozen=True)
class Port:
    """One input: its sizes, and values made for them."""

    shape: tuple[Size, ...]
    make: Callable[[tuple[int, ...]], Tensor]

    def value(self, sizes: Sizes) -> Tensor:
        return self.make(tuple(sizes[size] if isinstance(size, str) else size for size in self.shape))

    @property
    def axes(self) -> dict[int, str]:
        return {axis: size for axis, size in enumerate(self.shape) if isinstance(size, str)}


def floats(*shape: Size) -> Port:
    return Port(shape, torch.randn)


def integers(limit: int, *shape: Size, dtype: torch.dtype = torch.int64) -> Port:
    return Port(shape, lambda sizes: torch.randint(0, limit, sizes, dtype=dtype))


def truths(*shape: Size) -> Port:
    """Truth values, the first of each row true."""

    def make(sizes: tuple[int, ...]) -> Tensor:
        values = torch.randint(0, 2, sizes).bool()
        values[..., 0] = True
        return values

    return Port(shape, make)


def mask(*shape: Size) -> Port:
    """1 for the places that count, 0 for the padding behind them."""

    def make(sizes: tuple[int, ...]) -> Tensor:
        length = torch.randint(1, sizes[-1] + 1, (*sizes[:-1], 1))
        return (torch.arange(sizes[-1]) < length).long()

    return Port(shape, make)


class Calls(nn.Module):
    """A function of the inputs, with modules that it uses."""

    def __init__(self, function: Callable[..., Any], *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.function = function

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*self.parts, *inputs)


@dataclass(frozen=True)
class Piece:
    """One model: `build` is called behind the seed, `runs` are the sizes it is run at; the first it is exported at."""

    name: str
    build: Callable[[], nn.Module]
    ports: tuple[Port, ...]
    runs: tuple[Sizes, ...]
    exporters: Sequence[str] = ("dynamo", "legacy")


def piece(name: str, build: Callable[[], nn.Module], *ports: Port, **options: Any) -> Piece:
    return Piece(name, build, ports, **{"runs": TEXTS} | options)


def function(name: str, body: Callable[..., Any], *ports: Port, **options: Any) -> Piece:
    return piece(name, lambda: Calls(body), *ports, **options)


TEXTS: tuple[Sizes, ...] = ({"B": 2, "T": 6}, {"B": 1, "T": 9}, {"B": 3, "T": 4})
IMAGES: tuple[Sizes, ...] = ({"B": 2, "H": 16, "W": 24}, {"B": 1, "H": 32, "W": 16}, {"B": 3, "H": 24, "W": 40})
BATCHES: tuple[Sizes, ...] = ({"B": 2}, {"B": 1}, {"B": 5})

X = floats("B", "T", 8)
IMAGE = floats("B", 4, "H", "W")
SIGNAL = floats("B", 4, "T")


def conv_norm(inputs: int, outputs: int, stride: int = 1, **options: Any) -> nn.Sequential:
    """A convolution whose normalization is not the identity."""
    norm = nn.BatchNorm2d(outputs)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False, **options), norm, nn.ReLU())


class Residual(nn.Module):
    """A block of a residual net, with a stride."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(conv_norm(4, 8, 2), conv_norm(8, 8))
        self.side = nn.Conv2d(4, 8, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.side(x))


class UNet(nn.Module):
    """Two levels, `up` doubles the sizes."""

    def __init__(self, up: Callable[[int, int], nn.Module]) -> None:
        super().__init__()
        self.down = nn.ModuleList([conv_norm(4, 8), conv_norm(8, 16)])
        self.bottom = conv_norm(16, 16)
        self.up = nn.ModuleList([up(16, 16), up(8, 8)])
        self.join = nn.ModuleList([conv_norm(32, 8), conv_norm(16, 4)])

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for down in self.down:
            x = down(x)
            kept.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([up(x), kept.pop()], 1))
        return x


class InterpolatedUNet(nn.Module):
    """Takes the sizes to go back to from what it kept: they need not divide."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode
        self.down = conv_norm(4, 8, 2)
        self.out = conv_norm(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        options: dict[str, Any] = {} if self.mode == "nearest" else {"align_corners": False}
        back = F.interpolate(self.down(x), size=x.shape[-2:], mode=self.mode, **options)
        return self.out(torch.cat([back, x], 1))


class Recurrent(nn.Module):
    """A recurrent layer over a length that the run chooses."""

    def __init__(self, kind: type[nn.RNNBase], **options: Any) -> None:
        super().__init__()
        self.layer = kind(8, 6, batch_first=True, **options)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y, state = self.layer(x)
        return (y, *state) if isinstance(state, tuple) else (y, state)


class Decoder(nn.Module):
    """Token and position embeddings, causal attention written out, tied head."""

    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.tokens, self.places = nn.Embedding(20, 8), nn.Embedding(16, 8)
        self.norm, self.qkv, self.out = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.register_buffer("causal", torch.tril(torch.ones(16, 16)).bool())

    def forward(self, ids: Tensor) -> Tensor:
        batch, length = ids.shape
        x = self.tokens(ids) + self.places(torch.arange(length, device=ids.device))
        q, k, v = self.qkv(self.norm(x)).view(batch, length, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = (q @ k.transpose(-1, -2)) / 2
            scores = scores.masked_fill(~self.causal[:length, :length], float("-inf"))
            y = scores.softmax(-1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, 8))
        return x @ self.tokens.weight.T


class SlicedPositions(nn.Module):
    """An encoder layer behind position embeddings that are cut to the length."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(1, 16, 8))
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x + self.positions[:, : x.shape[1]])


class PaddedEncoder(nn.Module):
    """An encoder whose attention skips the padding."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor, counts: Tensor) -> Tensor:
        return self.encoder(x, src_key_padding_mask=counts == 0)


class Vision(nn.Module):
    """Patches, a class token and attention."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(4, 8, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Parameter(torch.randn(1, 5, 8))
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True, activation="gelu")
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.layer(x)[:, 0])


def mean_pooled(table: nn.Module, ids: Tensor, counts: Tensor) -> Tensor:
    weights = counts.unsqueeze(-1).float()
    mean = (table(ids) * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
    return F.normalize(mean, dim=-1)


def rotary(x: Tensor) -> Tensor:
    """Rotary position embeddings of [batch, length, 8]."""
    rates = 1.0 / 10000 ** (torch.arange(0, 8, 2, device=x.device).float() / 8)
    angles = torch.outer(torch.arange(x.shape[1], device=x.device).float(), rates)
    angles = torch.cat([angles, angles], -1)
    a, b = x.chunk(2, -1)
    return x * angles.cos() + torch.cat([-b, a], -1) * angles.sin()
