"""ResNet-50 in PyTorch: He et al. 2016, table 1. Images come with channels last."""

import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class ConvNorm(nn.Module):
    """Convolution and batch norm: (batch, channels, S, S) -> (batch, filters, T, T)."""

    def __init__(
        self, channels: int, filters: int, kernel_size: int = 1, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels,
            filters,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(filters)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class Bottleneck(nn.Module):
    """Figure 5, right: (batch, channels, S, S) -> (batch, out_channels, T, T)."""

    def __init__(
        self, channels: int, filters: int, out_channels: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.reduce = ConvNorm(channels, filters, stride=stride)
        self.spatial = ConvNorm(filters, filters, kernel_size=3)
        self.expand = ConvNorm(filters, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.reduce(x))
        x = F.relu(self.spatial(x))
        return self.expand(x)


class Residual(nn.Module):
    """A bottleneck beside the identity: (batch, channels, S, S) -> the same."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.bottleneck = Bottleneck(channels, filters, channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.bottleneck(x))


class Stage(nn.Module):
    """Option B: a projection, then blocks that keep the shape."""

    def __init__(
        self,
        channels: int,
        filters: int,
        out_channels: int,
        blocks: int,
        stride: int = 2,
    ) -> None:
        super().__init__()
        self.bottleneck = Bottleneck(channels, filters, out_channels, stride)
        self.shortcut = ConvNorm(channels, out_channels, stride=stride)
        self.blocks = nn.Sequential(
            *(Residual(out_channels, filters) for _ in range(blocks))
        )

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bottleneck(x) + self.shortcut(x))
        return self.blocks(x)


class ResNet50(nn.Module):
    """image (batch, 224, 224, 3) -> probabilities (batch, 1000)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(64)
        self.stages = nn.Sequential(
            Stage(64, 64, 256, blocks=2, stride=1),
            Stage(256, 128, 512, blocks=3),
            Stage(512, 256, 1024, blocks=5),
            Stage(1024, 512, 2048, blocks=2),
        )
        self.output = nn.Linear(2048, 1000)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, image: Tensor) -> Tensor:
        x = image.permute(0, 3, 1, 2)  # NHWC to NCHW
        x = F.relu(self.norm(self.conv(x)))  # (batch, 64, 112, 112)
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # (batch, 64, 56, 56)
        x = self.stages(x)  # (batch, 2048, 7, 7)
        return F.softmax(self.output(x.mean(dim=(2, 3))), dim=-1)


def load(path: str) -> ResNet50:
    """The model with the weights of a safetensors file."""
    model = ResNet50()
    model.load_state_dict(load_file(path))
    return model


def save(model: ResNet50, path: str) -> None:
    """Write the weights to a safetensors file."""
    save_file(model.state_dict(), path)
