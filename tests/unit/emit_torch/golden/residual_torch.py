"""The model `ResidualNet` in PyTorch, written by neuralc."""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class Block(nn.Module):
    """Block `block`: (batch, in_channels, S, S) -> (batch, out_channels, S, S)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            padding=kernel_size // 2,
            bias=False,
        )
        self.batch_normalization = nn.BatchNorm2d(
            out_channels, eps=0.001, momentum=0.01
        )
        self.batch_normalization.weight.requires_grad_(False)  # the model has no scale
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.batch_normalization(self.conv2d(x)), negative_slope=0.1)
        return self.dropout(x)


class ResidualConnection(nn.Module):
    """Block `residual_connection`: (batch, 16, 14, 14) -> (batch, 16, 14, 14)."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block(16, 16, kernel_size=3)
        self.block_1 = Block(16, 16, kernel_size=3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        return self.block_1(y) + x


class ResidualNet(nn.Module):
    """Model `ResidualNet`: image (batch, 28, 28, 3) -> output (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block(3, 16, kernel_size=3)
        self.residual_connection = nn.ModuleList(ResidualConnection() for _ in range(3))
        self.block_1 = Block(16, 32, kernel_size=5)
        self.residual_connection_1_depthwise_conv2d = nn.Conv2d(
            32, 64, kernel_size=3, stride=2, groups=32
        )
        self.residual_connection_1_batch_normalization = nn.BatchNorm2d(
            64, eps=0.001, momentum=0.01
        )
        self.residual_connection_1_shortcut = nn.Conv2d(
            32, 64, kernel_size=1, stride=2, bias=False
        )
        self.p_re_lu = nn.PReLU(64)
        self.dense_0 = nn.Linear(64, 64)
        self.dense_1 = nn.Linear(64, 64)
        self.output = nn.Linear(64, 10)
        self.p_re_lu_1_alpha = nn.Parameter(torch.zeros(4, 4, 64))
        nn.init.zeros_(self.p_re_lu.weight)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> Tensor:
        x = image.permute(0, 3, 1, 2)  # NHWC to NCHW
        x = self.block(x)  # (batch, 16, 28, 28)
        x = F.max_pool2d(x, 2)  # (batch, 16, 14, 14)
        for residual_connection in self.residual_connection:
            x = residual_connection(x)
        x = self.block_1(x)  # (batch, 32, 14, 14)
        y = self.residual_connection_1_depthwise_conv2d(F.pad(x, (0, 1, 0, 1)))
        y = self.residual_connection_1_batch_normalization(y)
        x = self.p_re_lu(y + self.residual_connection_1_shortcut(x))
        x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
        x = x.permute(0, 2, 3, 1)  # NCHW to NHWC
        x = torch.where(x >= 0, x, self.p_re_lu_1_alpha * x)
        x = x.mean(dim=(1, 2))  # (batch, 64)
        x = F.gelu(self.dense_0(x))
        x = F.gelu(self.dense_1(x))
        return F.softmax(self.output(x), dim=-1)


def load(path: str) -> ResidualNet:
    """The model with the weights of a safetensors file."""
    model = ResidualNet()
    model.load_state_dict(load_file(path))
    return model


def save(model: ResidualNet, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    save_file(model.state_dict(), path)
