"""Kernels of tests that are written as text."""

from __future__ import annotations

from neuralc.dialects import kernel
from neuralc.passes.parsing import parse_module
from neuralc.passes.verifier import verify_module


def parse_kernel(text: str) -> kernel.FuncOp:
    """The first kernel of a text, verified."""
    module = parse_module(text)
    verify_module(module)
    return next(op for op in module.body.block.ops if isinstance(op, kernel.FuncOp))
