"""The model `Mlp` in PyTorch, written by neuralc."""

import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class Mlp(nn.Module):
    """Model `Mlp`: pixels (batch, 784) -> probabilities (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(784, 256)
        self.dropout = nn.Dropout(0.3)
        self.dense_1 = nn.Linear(256, 128)
        self.dropout_1 = nn.Dropout(0.3)
        self.probabilities = nn.Linear(128, 10)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.dropout(F.relu(self.dense(pixels)))  # (batch, 256)
        x = self.dropout_1(F.relu(self.dense_1(x)))  # (batch, 128)
        return F.softmax(self.probabilities(x), dim=-1)


def load(path: str) -> Mlp:
    """The model with the weights of a safetensors file."""
    model = Mlp()
    model.load_state_dict(load_file(path))
    return model


def save(model: Mlp, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    save_file(model.state_dict(), path)
