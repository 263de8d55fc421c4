"""The model `ResNet50` in PyTorch, written by neuralc."""

import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class ConvNorm(nn.Module):
    """Block `conv_norm`: (batch, in_channels, S, S) -> (batch, out_channels, T, T)."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            bias=False,
        )
        self.batch_normalization = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.batch_normalization(self.conv2d(x))


class Bottleneck(nn.Module):
    """Block `bottleneck`: (batch, in_channels, S, S) -> (batch, out_channels, T, T)."""

    def __init__(
        self, in_channels: int, hidden: int, out_channels: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv_norm = ConvNorm(in_channels, hidden, kernel_size=1, stride=stride)
        self.conv_norm_1 = ConvNorm(hidden, hidden, kernel_size=3)
        self.conv_norm_2 = ConvNorm(hidden, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv_norm(x))
        x = F.relu(self.conv_norm_1(x))
        return self.conv_norm_2(x)


class Same(nn.Module):
    """Block `same`: (batch, in_channels, S, S) -> (batch, in_channels, S, S)."""

    def __init__(self, in_channels: int, hidden: int) -> None:
        super().__init__()
        self.residual_bottleneck = Bottleneck(in_channels, hidden, in_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.residual_bottleneck(x) + x)


class Stage(nn.Module):
    """Block `stage`: (batch, in_channels, S, S) -> (batch, out_channels, T, T)."""

    def __init__(
        self,
        in_channels: int,
        hidden: int,
        out_channels: int,
        num_same: int,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.main_bottleneck = Bottleneck(
            in_channels, hidden, out_channels, stride=stride
        )
        self.shortcut_conv_norm = ConvNorm(
            in_channels, out_channels, kernel_size=1, stride=stride
        )
        self.same = nn.ModuleList(Same(out_channels, hidden) for _ in range(num_same))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.main_bottleneck(x) + self.shortcut_conv_norm(x))
        for same in self.same:
            x = same(x)
        return x


class Trunk(nn.Module):
    """Block `trunk`: (batch, 3, 224, 224) -> (batch, 2048)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.batch_normalization = nn.BatchNorm2d(64)
        self.stage = Stage(64, 64, 256, num_same=2)
        self.stage_1 = Stage(256, 128, 512, num_same=3, stride=2)
        self.stage_2 = Stage(512, 256, 1024, num_same=5, stride=2)
        self.stage_3 = Stage(1024, 512, 2048, num_same=2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.batch_normalization(self.conv2d(x)))  # (batch, 64, 112, 112)
        x = F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, stride=2)  # (batch, 64, 56, 56)
        x = self.stage(x)  # (batch, 256, 56, 56)
        x = self.stage_1(x)  # (batch, 512, 28, 28)
        x = self.stage_2(x)  # (batch, 1024, 14, 14)
        x = self.stage_3(x)  # (batch, 2048, 7, 7)
        return x.mean(dim=(2, 3))


class ResNet50(nn.Module):
    """Model `ResNet50`: image (batch, 224, 224, 3) -> output (batch, 1000)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.output = nn.Linear(2048, 1000)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> Tensor:
        x = image.permute(0, 3, 1, 2)  # NHWC to NCHW
        x = self.trunk(x)  # (batch, 2048)
        return F.softmax(self.output(x), dim=-1)


def load(path: str) -> ResNet50:
    """The model with the weights of a safetensors file."""
    model = ResNet50()
    model.load_state_dict(load_file(path))
    return model


def save(model: ResNet50, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    save_file(model.state_dict(), path)
