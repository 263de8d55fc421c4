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
        x = F.relu(self.dense(pixels))  # (batch, 256)
        x = self.dropout(x)
        x = F.relu(self.dense_1(x))  # (batch, 128)
        x = self.dropout_1(x)
        return F.softmax(self.probabilities(x), dim=-1)


# Where each parameter stands in a weights file of the model, and the order of that
# array's axes that makes it torch's.
WEIGHTS = {
    "dense.weight": ("dense.kernel", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
    "dense_1.weight": ("dense_1.kernel", (1, 0)),
    "dense_1.bias": ("dense_1.bias", (0,)),
    "probabilities.weight": ("probabilities.kernel", (1, 0)),
    "probabilities.bias": ("probabilities.bias", (0,)),
}


def load(path: str) -> Mlp:
    """The model with the weights of a safetensors file."""
    model = Mlp()
    stored = load_file(path)
    state = {name: stored[key].permute(axes) for name, (key, axes) in WEIGHTS.items()}
    model.load_state_dict(state)
    return model


def save(model: Mlp, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    state = model.state_dict()
    stored = {}
    for name, (key, axes) in WEIGHTS.items():
        back = sorted(range(len(axes)), key=axes.__getitem__)
        stored[key] = state[name].permute(back).contiguous()
    save_file(stored, path)
