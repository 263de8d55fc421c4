"""The model `Digits` in PyTorch, written by neuralc."""

import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class ConvBlock(nn.Module):
    """Block `conv_block`: (batch, in_channels, 8, 8) -> (batch, out_channels, 8, 8)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(
            in_channels, out_channels, kernel_size=3, padding=1, bias=False
        )
        self.batch_normalization = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.batch_normalization(self.conv2d(x)))


class Digits(nn.Module):
    """Model `Digits`: image (batch, 8, 8, 1) -> probabilities (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_block = ConvBlock(1, 16)
        self.conv_block_1 = ConvBlock(16, 32)
        self.dropout = nn.Dropout(0.2)
        self.dense = nn.Linear(512, 64)
        self.dropout_1 = nn.Dropout(0.3)
        self.probabilities = nn.Linear(64, 10)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> Tensor:
        x = image.permute(0, 3, 1, 2)  # NHWC to NCHW
        x = self.conv_block(x)  # (batch, 16, 8, 8)
        x = self.conv_block_1(x)  # (batch, 32, 8, 8)
        x = F.max_pool2d(x, 2)  # (batch, 32, 4, 4)
        x = self.dropout(x)
        x = x.permute(0, 2, 3, 1).flatten(1)  # (batch, 512)
        x = self.dropout_1(F.relu(self.dense(x)))  # (batch, 64)
        return F.softmax(self.probabilities(x), dim=-1)


def load(path: str) -> Digits:
    """The model with the weights of a safetensors file."""
    model = Digits()
    model.load_state_dict(load_file(path))
    return model


def save(model: Digits, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    save_file(model.state_dict(), path)
