"""Networks with several inputs and outputs, graphs, shared weights, and states."""

from __future__ import annotations

import torch
from support.torch_modules.example import Example
from torch import Tensor, nn
from torch.nn import functional as F


class GraphConv(nn.Module):
    """Kipf and Welling 2017, heads by einsum."""

    def __init__(self, dim: int, out: int, heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(heads, dim, out) * 0.3)
        self.bias = nn.Parameter(torch.zeros(out))

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        degree = adjacency.sum(-1, keepdim=True).clamp(min=1)
        messages = torch.einsum("bij,bjd,hdo->bhio", adjacency / degree, x, self.weight)
        return F.relu(messages.mean(1) + self.bias)


class GraphNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = GraphConv(5, 8, 2)
        self.conv2 = GraphConv(8, 8, 2)
        self.readout = nn.Linear(8, 3)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        x = self.conv2(self.conv1(x, adjacency), adjacency)
        return self.readout(x.amax(dim=1))


class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 4))

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        a, b = self.tower(left), self.tower(right)
        return F.cosine_similarity(a, b, dim=-1)


class TwoTower(nn.Module):
    """A picture and a text in, a dictionary out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bag = nn.Embedding(12, 4)
        self.fuse = nn.Bilinear(4, 4, 6)
        self.classes = nn.Linear(6, 3)
        self.value = nn.Linear(6, 1)

    def forward(self, image: Tensor, words: Tensor) -> dict[str, Tensor]:
        seen = F.adaptive_max_pool2d(self.conv(image), 1).squeeze(-1).squeeze(-1)
        read = self.bag(words).mean(dim=1)
        both = torch.relu(self.fuse(seen, read))
        return {"logits": self.classes(both), "value": self.value(both).squeeze(-1)}


class Conditional(nn.Module):
    """Choices by value, writes into parts, and a scatter."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(6))

    def forward(self, x: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.where(x > 0, x * self.scale, -x)
        y[:, 0] = 1.5
        y[:, 1:3] *= 2
        counts = torch.zeros(x.shape[0], 4).scatter_add(1, places, torch.ones_like(places, dtype=torch.float32))
        best, where = y.topk(2, dim=1)
        return torch.gather(y, 1, where) - best + y[:, :2], counts


class RunningMean(nn.Module):
    """Keeps a mean of all that it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(4))
        self.linear = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        self.mean.mul_(0.9).add_(0.1 * x.mean(0))
        return self.linear(x - self.mean)


EXAMPLES = (
    Example(
        "graph_net", GraphNet, lambda: (torch.randn(2, 6, 5), torch.rand(2, 6, 6).round())),
    Example(
        "siamese", Siamese, lambda: (torch.randn(3, 10), torch.randn(3, 10)),
        {"left": {0: "batch"}, "right": {0: "batch"}},
    ),
    Example("two_tower", TwoTower, lambda: (torch.randn(2, 3, 8, 8), torch.randint(0, 12, (2, 5)))),
    Example("conditional", Conditional, lambda: (torch.randn(3, 6), torch.randint(0, 4, (3, 6)))),
    Example("running_mean", RunningMean, lambda: (torch.randn(5, 4),), {"x": {0: "batch"}}),
)  # fmt: skip
