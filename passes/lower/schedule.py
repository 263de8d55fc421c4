"""Which schedule a group gets: by its loops and by the target.

    nest                                    CPU                             GPU
    contraction, maps behind it             cpu/contract.py                 gpu/contract.py
    contraction, rows, another contraction  cpu/attention.py                -
    contractions, maps behind all of them   cpu/gates.py                    -
    winograd convolution, maps behind it    cpu/winograd.py                 -
    reduction, maps behind it               cpu/reduce.py                   gpu/reduce.py
    reductions over one row, maps           cpu/rows.py                     gpu/rows.py
    maps                                    cpu/elementwise.py              gpu/elementwise.py
    padding                                 cpu/fill.py                     gpu/pad.py
    scatter, cumulate, top_k                cpu/scatter.py, cumulate.py, top_k.py

Where the best kernel depends on a size known at run time only, there are several variants and the host chooses.
The schedules of a target are loaded when it is compiled for: `cpu/schedules.py` and `gpu/schedules.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

from xdsl.ir import Operation

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import FuncOp, RefType
from neuralc.grammar.diagnostics import error
from neuralc.passes.base import PassContext
from neuralc.passes.locations import span_of
from neuralc.passes.lower.in_place import mark_in_place
from neuralc.passes.lower.nest import Nest
from neuralc.passes.target import Target


@dataclass(frozen=True)
class Variant:
    """A kernel, the nest that says what its arguments are, and when it is the right one."""

    func: FuncOp
    nest: Nest
    condition: tuple[Dim, str, Dim] | None = None
    once: bool = False
    """Whether every place of the result is known to be written once: by one tile of one program."""


Schedule = Callable[[tensor.GroupOp, Nest, Target, PassContext], list[Variant]]
Placed = tuple[FuncOp, list[RefType]]
"""A kernel, and how it sees each of the references it was made for."""


class Fill(Protocol):
    def __call__(self, name: str, refs: Sequence[RefType], around: int, value: float | int, target: Target) -> Placed:
        """The kernel that stores `value` everywhere in `refs`, whose first `around` dims are the same."""


class Pad(Protocol):
    def __call__(self, name: str, x: RefType, out: RefType, low: Sequence[int], value: float | int) -> Placed:
        """The kernel that writes all of `out`: `x` from position `low` on, `value` around it."""


def no_scratch(op: Operation, x: RefType) -> Sequence[RefType]:
    """Of an op whose kernel writes its results and nothing else."""
    return ()


@dataclass(frozen=True)
class Move:
    """The kernel of a single op.

    `build(op, operands, results, target)` gives it and whether its last argument is the status cell; those before are
    the references of the operands and of the results, the scratch memory among these.
    """

    build: Callable[[Operation, Sequence[RefType], Sequence[RefType], Target], tuple[FuncOp, bool]]
    scratch: Callable[..., Sequence[RefType]] = no_scratch
    """`scratch(op, x)`: memory that the kernel needs beside its results."""
    copies: bool = False
    """Whether the result is a copy of the first operand before the kernel runs."""


@dataclass(frozen=True)
class Schedules:
    """What a target has: a schedule for each kind of nest, and the kernels of padding and of single ops."""

    nests: Mapping[str, Schedule]
    fill: Fill
    pad: Pad | None = None
    """None where a value that lies elsewhere is copied into the inside of a filled buffer."""
    moves: Mapping[type[Operation], Move] = field(default_factory=dict)
    """The ops that have kernels of their own."""


FOLDERS = {"cpu": "cpu", "cuda": "gpu"}


def schedules_of(target: Target) -> Schedules:
    """The schedules of a target."""
    found = import_module(f"neuralc.passes.lower.{FOLDERS[target.name]}.schedules").SCHEDULES
    if not isinstance(found, Schedules):
        raise TypeError(f"the schedules of {target.name} are a {type(found).__name__}")
    return found


def schedule(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
    """The kernels of a group; all variants but the last have a condition. Raises E0702 where a target has none."""
    nests, kind = schedules_of(target).nests, kind_of(nest)
    if kind not in nests:
        raise error("E0702", f"{nest.stages[0].op.name} has no kernel for {target.name}", span_of(group.location))
    variants = nests[kind](group, nest, target, context)
    for variant in variants:
        if variant.once:
            mark_in_place(variant.func, variant.nest)
        variant.func.location = group.location
        for op in variant.func.walk():
            op.location = group.location
    return variants


def kind_of(nest: Nest) -> str:
    """`attention`, `gates`, `contract`, `winograd`, `reduce`, `rows` or `elementwise`."""
    first = nest.stages[0].op
    reductions = [stage for stage in nest.stages if isinstance(stage.op, tensor.ReduceOp)]
    if isinstance(first, tensor.ContractOp):
        if any(isinstance(stage.op, tensor.ContractOp) for stage in nest.stages[1:]):
            return "attention" if reductions else "gates"
        return "contract"
    if isinstance(first, tensor.WinogradOp):
        return "winograd"
    if isinstance(first, tensor.ReduceOp) and len(reductions) == 1 and nest.stages[-1].word == nest.stages[0].word:
        return "reduce"
    return "rows" if reductions else "elementwise"
