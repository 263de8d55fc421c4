"""An example of a module that a user wrote: how it is made, what it is called with, which sizes are open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Example:
    """`make()` gives the module with random weights, `args()` what it is called with, in its own precision."""

    name: str
    make: Callable[[], nn.Module]
    args: Callable[[], tuple[Any, ...]]
    dynamic: Mapping[str, Any] | None = None
    unused: frozenset[str] = frozenset()
    """Parameters that no output depends on."""

    def module(self) -> nn.Module:
        """In eval mode, its weights and running statistics the same ones each time."""
        torch.manual_seed(len(self.name))
        module = self.make().eval()
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.3)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
        return module

    def inputs(self) -> tuple[Any, ...]:
        torch.manual_seed(7)
        return self.args()


def images(*shape: int) -> Callable[[], tuple[torch.Tensor]]:
    return lambda: (torch.randn(*shape),)


def tokens(vocabulary: int, *shape: int) -> Callable[[], tuple[torch.Tensor]]:
    return lambda: (torch.randint(0, vocabulary, shape),)
