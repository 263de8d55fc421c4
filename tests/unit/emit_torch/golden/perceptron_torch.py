"""The model `Perceptron` in PyTorch, written by neuralc."""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class Perceptron(nn.Module):
    """Model `Perceptron`: input (batch, 20) -> output (batch, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(20, 32)
        self.dense_1 = nn.Linear(32, 32)
        self.output = nn.Linear(32, 1)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        nn.init.kaiming_normal_(self.dense_1.weight, nonlinearity="relu")
        nn.init.zeros_(self.dense_1.bias)
        nn.init.xavier_uniform_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.dense(x))  # (batch, 32)
        x = F.softplus(self.dense_1(x), threshold=40)
        return self.output(x)


def load(path: str) -> Perceptron:
    """The model with the weights of a safetensors file."""
    model = Perceptron()
    model.load_state_dict(load_file(path))
    return model


def save(model: Perceptron, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    save_file(model.state_dict(), path)
