"""Submodules become functions."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from neuralc.frontends.torch.program import Frame


def outline(module: ModuleOp, frames: Mapping[Operation, tuple[Frame, ...]]) -> None:
    """Nothing yet."""
