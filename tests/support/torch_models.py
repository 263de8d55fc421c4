"""Published networks in PyTorch, written from their papers, as references for examples/models.

Images are channels last outside, as our models take them. Parts are made in the order in which ours have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def channels_first(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


def channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)


# --- ResNet-50 (He et al. 2016) --------------------------------------------------------------------------------------
def conv_norm(channels: int, filters: int, size: int = 1, stride: int = 1, padding: int = 0) -> nn.Sequential:
    conv = nn.Conv2d(channels, filters, size, stride, padding, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(filters))


class Bottleneck(nn.Module):
    """Figure 5, right; the stride is that of the first convolution."""

    def __init__(self, channels: int, filters: int, stride: int = 1) -> None:
        super().__init__()
        self.reduce = conv_norm(channels, filters, stride=stride)
        self.window = conv_norm(filters, filters, 3, padding=1)
        self.restore = conv_norm(filters, 4 * filters)
        self.shortcut = conv_norm(channels, 4 * filters, stride=stride) if channels != 4 * filters else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.restore(F.relu(self.window(F.relu(self.reduce(x)))))
        return F.relu(y + self.shortcut(x))


class ResNetTrunk(nn.Module):
    """ResNet-50 up to the mean over all places."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_norm(3, 64, 7, 2, 3)
        blocks: list[nn.Module] = []
        channels = 64
        for filters, count in ((64, 3), (128, 4), (256, 6), (512, 3)):
            for index in range(count):
                stride = 2 if index == 0 and filters > 64 else 1
                blocks.append(Bottleneck(channels, filters, stride))
                channels = 4 * filters
        self.blocks = nn.Sequential(*blocks)

    def forward(self, image: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.stem(channels_first(image))), 3, 2, 1)
        return self.blocks(x).mean((2, 3))


# --- U-Net (Ronneberger et al. 2015) ---------------------------------------------------------------------------------
def double(channels: int, filters: int) -> nn.Sequential:
    first, second = (nn.Conv2d(inner, filters, 3, padding=1) for inner in (channels, filters))
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


class UNet(nn.Module):
    def __init__(self, channels: int = 1, classes: int = 2) -> None:
        super().__init__()
        widths = (64, 128, 256, 512, 1024)
        self.down = nn.ModuleList(double(a, b) for a, b in pairwise((channels, *widths)))
        self.up = nn.ModuleList()
        for wide, narrow in pairwise(widths[::-1]):
            self.up += [nn.ConvTranspose2d(wide, narrow, 2, 2), double(wide, narrow)]
        self.classes = nn.Conv2d(widths[0], classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        x, levels = channels_first(image), []
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x)
            levels.append(x)
        for up, block, level in zip(self.up[::2], self.up[1::2], levels[-2::-1], strict=True):
            x = block(torch.cat([level, up(x)], 1))
        return channels_last(self.classes(x).softmax(1))


# --- DCGAN (Radford et al. 2016) -------------------------------------------------------------------------------------
class Discriminator(nn.Module):
    """Halves the image with windows of 5, padded by 1 before and 2 behind."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        widths = (channels, 128, 256, 512, 1024)
        self.blocks = nn.ModuleList()
        for index, (inner, outer) in enumerate(pairwise(widths)):
            conv = nn.Conv2d(inner, outer, 5, 2, bias=index == 0)
            norm = nn.BatchNorm2d(outer, eps=1e-3) if index else nn.Identity()
            self.blocks.append(nn.Sequential(nn.ZeroPad2d((1, 2, 1, 2)), conv, norm, nn.LeakyReLU(0.2)))
        self.head = nn.Linear(16384, 1)

    def forward(self, image: Tensor) -> Tensor:
        x = channels_first(image)
        for block in self.blocks:
            x = block(x)
        return torch.sigmoid(self.head(channels_last(x).flatten(1)))


class Generator(nn.Module):
    """Doubles the image with windows of 5: the adjoint of padding by 1 and 2 takes 1 and 2 off the result."""

    def __init__(self, latent: int = 100, channels: int = 3) -> None:
        super().__init__()
        self.project, self.norm = nn.Linear(latent, 16384, bias=False), nn.BatchNorm2d(1024, eps=1e-3)
        widths = (1024, 512, 256, 128, channels)
        self.blocks = nn.ModuleList()
        for index, (inner, outer) in enumerate(pairwise(widths)):
            last = index == 3
            norm = nn.Identity() if last else nn.BatchNorm2d(outer, eps=1e-3)
            self.blocks.append(nn.Sequential(nn.ConvTranspose2d(inner, outer, 5, 2, bias=last), norm))

    def forward(self, z: Tensor) -> Tensor:
        x = F.relu(self.norm(channels_first(self.project(z).view(-1, 4, 4, 1024))))
        for index, (conv, norm) in enumerate(self.blocks):
            x = norm(conv(x)[:, :, 1:-2, 1:-2])
            x = torch.tanh(x) if index == 3 else F.relu(x)
        return channels_last(x)


class Gan(nn.Module):
    def __init__(self, latent: int = 100, channels: int = 3) -> None:
        super().__init__()
        self.discriminator, self.generator = Discriminator(channels), Generator(latent, channels)

    def forward(self, real: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        return self.discriminator(real), self.discriminator(self.generator(z))


# --- networks over words ---------------------------------------------------------------------------------------------
class Tagger(nn.Module):
    """BI-LSTM of Huang et al. 2015; at padding both directions give 0."""

    def __init__(self, words: int = 20000, tags: int = 45, units: int = 300) -> None:
        super().__init__()
        self.words = nn.Embedding(words, 50)
        self.walk = nn.LSTM(50, units, batch_first=True, bidirectional=True)
        self.tags = nn.Linear(2 * units, tags)

    def forward(self, sentence: Tensor) -> Tensor:
        x, _ = self.walk(packed(self.words(sentence), sentence))
        x, _ = pad_packed_sequence(x, batch_first=True, total_length=sentence.shape[1])
        return self.tags(x).softmax(-1)


def packed(x: Tensor, tokens: Tensor) -> nn.utils.rnn.PackedSequence:
    """Sequences up to their padding, tokens of 0 at the end."""
    return pack_padded_sequence(x, (tokens != 0).sum(1), batch_first=True, enforce_sorted=False)


class Vqa(nn.Module):
    """ "deeper LSTM Q + norm I" of Antol et al. 2015, with ResNet-50."""

    def __init__(self, words: int = 12000, answers: int = 1000) -> None:
        super().__init__()
        self.trunk, self.seen = ResNetTrunk(), nn.Linear(2048, 1024)
        self.words = nn.Embedding(words, 300)
        self.first, self.second = (nn.LSTM(inner, 512, batch_first=True) for inner in (300, 512))
        self.asked = nn.Linear(2048, 1024)
        self.hidden, self.more = nn.Linear(1024, 1000), nn.Linear(1000, 1000)
        self.answer = nn.Linear(1000, answers)

    def forward(self, image: Tensor, question: Tensor) -> Tensor:
        seen = torch.tanh(self.seen(F.normalize(self.trunk(image))))
        x, (h1, c1) = self.first(packed(torch.tanh(self.words(question)), question))
        _, (h2, c2) = self.second(x)
        asked = torch.tanh(self.asked(torch.cat([h1[0], c1[0], h2[0], c2[0]], 1)))
        return self.answer(torch.tanh(self.more(torch.tanh(self.hidden(seen * asked))))).softmax(-1)


class Bert(nn.Module):
    """Devlin et al. 2019; token 0 is padding."""

    def __init__(
        self, tokens: int = 30522, depth: int = 12, width: int = 768, heads: int = 12, hidden: int = 3072
    ) -> None:
        super().__init__()
        self.words, self.parts, self.places = (nn.Embedding(count, width) for count in (tokens, 2, 512))
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, hidden, 0.0, "gelu", 1e-12, batch_first=True) for _ in range(depth)
        )
        self.pooler = nn.Linear(width, width)

    def forward(self, ids: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
        places = torch.arange(ids.shape[1])
        x = self.norm(self.words(ids) + self.parts(segments) + self.places(places))
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=ids == 0)
        return x, torch.tanh(self.pooler(x[:, 0]))


class Gpt2(nn.Module):
    """Radford et al. 2019, over whole texts: nothing is kept."""

    NAMES: ClassVar[Mapping[str, str]] = {
        f"{theirs}.{part}": f"feed_forward.{ours}.{part}"
        for theirs, ours in (("linear1", "dense"), ("linear2", "dense_1"))
        for part in ("weight", "bias")
    }
    """Of what our decoder has in a block."""

    def __init__(
        self,
        vocabulary: int = 50257,
        depth: int = 12,
        width: int = 768,
        heads: int = 12,
        hidden: int = 3072,
        room: int = 1024,
    ) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(vocabulary, width), nn.Embedding(room, width)
        # As a function: for a module nn.GELU the layer forgets that it is the approximate one.
        gelu = partial(F.gelu, approximate="tanh")
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, hidden, 0.0, gelu, batch_first=True, norm_first=True)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, ids: Tensor) -> Tensor:
        steps = ids.shape[1]
        x = self.words(ids) + self.places(torch.arange(steps))
        later = torch.triu(torch.ones(steps, steps, dtype=torch.bool), 1)
        for layer in self.layers:
            x = layer(x, src_mask=later)
        return self.norm(x) @ self.words.weight.T
