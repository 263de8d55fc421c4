"""Launch hints: warps and pipeline stages, the schedule's choice, written on the kernel as attributes."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerAttr

from neuralc.dialects import kernel

DEFAULT_WARPS = 4
DEFAULT_STAGES = 2


@dataclass(frozen=True)
class Launch:
    """How Triton compiles a kernel."""

    num_warps: int
    """Of 32 threads each."""
    num_stages: int
    """How many rounds of a loop are in flight: loads run ahead of what uses them."""


def launch_of(func: kernel.FuncOp) -> Launch:
    """The hints of a kernel, or the defaults."""
    return Launch(_hint(func, "num_warps", DEFAULT_WARPS), _hint(func, "num_stages", DEFAULT_STAGES))


def _hint(func: kernel.FuncOp, key: str, default: int) -> int:
    value = func.attributes.get(key)
    return value.value.data if isinstance(value, IntegerAttr) else default
