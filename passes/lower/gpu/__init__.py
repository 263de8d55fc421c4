"""Schedules for GPUs: which blocks, in which loops, for each kind of nest."""

from neuralc.passes.lower.gpu.contract import build_contract
from neuralc.passes.lower.gpu.elementwise import build_elementwise
from neuralc.passes.lower.gpu.pad import build_fill, build_pad
from neuralc.passes.lower.gpu.reduce import build_reduce
from neuralc.passes.lower.gpu.rows import build_rows

__all__ = ["build_contract", "build_elementwise", "build_fill", "build_pad", "build_reduce", "build_rows"]
