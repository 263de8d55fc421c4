"""The model `MobileNetV2` in PyTorch, written by neuralc."""

import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class ConvNorm(nn.Module):
    """Block `conv_norm`: (batch, 3, 224, 224) -> (batch, 32, 112, 112)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(3, 32, kernel_size=3, stride=2, bias=False)
        self.batch_normalization = nn.BatchNorm2d(32, eps=0.001, momentum=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return self.batch_normalization(self.conv2d(F.pad(x, (0, 1, 0, 1))))


class Depthwise(nn.Module):
    """Block `depthwise`: (batch, in_channels, S, S) -> (batch, in_channels, S, S)."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.depthwise_conv2d = nn.Conv2d(
            in_channels,
            in_channels,
            kernel_size=3,
            padding=1,
            groups=in_channels,
            bias=False,
        )
        self.batch_normalization = nn.BatchNorm2d(
            in_channels, eps=0.001, momentum=0.001
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(self.batch_normalization(self.depthwise_conv2d(x)))


class ConvNorm1(nn.Module):
    """Block `conv_norm_1`.

    (batch, in_channels, S, S)
    -> (batch, out_channels, S, S)
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.batch_normalization = nn.BatchNorm2d(
            out_channels, eps=0.001, momentum=0.001
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.batch_normalization(self.conv2d(x))


class Depthwise1(nn.Module):
    """Block `depthwise_1`: (batch, in_channels, S, S) -> (batch, in_channels, T, T)."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.depthwise_conv2d = nn.Conv2d(
            in_channels,
            in_channels,
            kernel_size=3,
            stride=2,
            groups=in_channels,
            bias=False,
        )
        self.batch_normalization = nn.BatchNorm2d(
            in_channels, eps=0.001, momentum=0.001
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.batch_normalization(self.depthwise_conv2d(F.pad(x, (0, 1, 0, 1))))
        return F.relu6(x)


class Bottleneck(nn.Module):
    """Block `bottleneck`: (batch, in_channels, S, S) -> (batch, out_channels, T, T)."""

    def __init__(self, in_channels: int, hidden: int, out_channels: int) -> None:
        super().__init__()
        self.conv_norm = ConvNorm1(in_channels, hidden)
        self.depthwise = Depthwise1(hidden)
        self.conv_norm_1 = ConvNorm1(hidden, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.conv_norm(x))
        x = self.depthwise(x)
        return self.conv_norm_1(x)


class Bottleneck1(nn.Module):
    """Block `bottleneck_1`.

    (batch, in_channels, S, S)
    -> (batch, out_channels, S, S)
    """

    def __init__(self, in_channels: int, hidden: int, out_channels: int) -> None:
        super().__init__()
        self.conv_norm = ConvNorm1(in_channels, hidden)
        self.depthwise = Depthwise(hidden)
        self.conv_norm_1 = ConvNorm1(hidden, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.conv_norm(x))
        x = self.depthwise(x)
        return self.conv_norm_1(x)


class Inverted(nn.Module):
    """Block `inverted`: (batch, in_channels, S, S) -> (batch, in_channels, S, S)."""

    def __init__(self, in_channels: int, hidden: int) -> None:
        super().__init__()
        self.residual_bottleneck = Bottleneck1(in_channels, hidden, in_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.residual_bottleneck(x) + x


class MobileNetV2(nn.Module):
    """Model `MobileNetV2`: image (batch, 224, 224, 3) -> output (batch, 1000)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_norm = ConvNorm()
        self.depthwise = Depthwise(32)
        self.conv_norm_1 = ConvNorm1(32, 16)
        self.bottleneck = Bottleneck(16, 96, 24)
        self.inverted = Inverted(24, 144)
        self.bottleneck_1 = Bottleneck(24, 144, 32)
        self.inverted_1 = nn.ModuleList(Inverted(32, 192) for _ in range(2))
        self.bottleneck_2 = Bottleneck(32, 192, 64)
        self.inverted_2 = nn.ModuleList(Inverted(64, 384) for _ in range(3))
        self.bottleneck_3 = Bottleneck1(64, 384, 96)
        self.inverted_3 = nn.ModuleList(Inverted(96, 576) for _ in range(2))
        self.bottleneck_4 = Bottleneck(96, 576, 160)
        self.inverted_4 = nn.ModuleList(Inverted(160, 960) for _ in range(2))
        self.bottleneck_5 = Bottleneck1(160, 960, 320)
        self.conv_norm_2 = ConvNorm1(320, 1280)
        self.output = nn.Linear(1280, 1000)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> Tensor:
        x = image.permute(0, 3, 1, 2)  # NHWC to NCHW
        x = F.relu6(self.conv_norm(x))  # (batch, 32, 112, 112)
        x = self.depthwise(x)
        x = self.conv_norm_1(x)  # (batch, 16, 112, 112)
        x = self.bottleneck(x)  # (batch, 24, 56, 56)
        x = self.inverted(x)
        x = self.bottleneck_1(x)  # (batch, 32, 28, 28)
        for inverted in self.inverted_1:
            x = inverted(x)
        x = self.bottleneck_2(x)  # (batch, 64, 14, 14)
        for inverted in self.inverted_2:
            x = inverted(x)
        x = self.bottleneck_3(x)  # (batch, 96, 14, 14)
        for inverted in self.inverted_3:
            x = inverted(x)
        x = self.bottleneck_4(x)  # (batch, 160, 7, 7)
        for inverted in self.inverted_4:
            x = inverted(x)
        x = self.bottleneck_5(x)  # (batch, 320, 7, 7)
        x = F.relu6(self.conv_norm_2(x))  # (batch, 1280, 7, 7)
        x = x.mean(dim=(2, 3))  # (batch, 1280)
        return F.softmax(self.output(x), dim=-1)


def load(path: str) -> MobileNetV2:
    """The model with the weights of a safetensors file."""
    model = MobileNetV2()
    model.load_state_dict(load_file(path))
    return model


def save(model: MobileNetV2, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    save_file(model.state_dict(), path)
