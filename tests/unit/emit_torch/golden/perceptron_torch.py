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


# Where each parameter stands in a weights file of the model, and the order of that
# array's axes that makes it torch's.
WEIGHTS = {
    "dense.weight": ("dense.kernel", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
    "dense_1.weight": ("dense_1.kernel", (1, 0)),
    "dense_1.bias": ("dense_1.bias", (0,)),
    "output.weight": ("output.kernel", (1, 0)),
    "output.bias": ("output.bias", (0,)),
}


def load(path: str) -> Perceptron:
    """The model with the weights of a safetensors file."""
    model = Perceptron()
    stored = load_file(path)
    state = {name: stored[key].permute(axes) for name, (key, axes) in WEIGHTS.items()}
    model.load_state_dict(state)
    return model


def save(model: Perceptron, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    state = model.state_dict()
    stored = {}
    for name, (key, axes) in WEIGHTS.items():
        back = sorted(range(len(axes)), key=axes.__getitem__)
        stored[key] = state[name].permute(back).contiguous()
    save_file(stored, path)
