"""In which style each function of the model is written: what can be functional is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue, Use

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import (
    BinaryOp,
    CallOp,
    ConstantOp,
    ExpandOp,
    GetStateOp,
    GetWeightOp,
    IotaOp,
    ModelOp,
    PadOp,
    ReshapeOp,
    ResizeOp,
    SetStateOp,
    SizeOp,
    SliceOp,
    WhereOp,
)
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.types import Shape, shape_of
from neuralc.emit.keras.orders import is_repeated
from neuralc.emit.keras.recurrent import zero
from neuralc.emit.python.expressions import Expression, call
from neuralc.emit.python.form import Form
from neuralc.emit.python.plan import ClassPlan, FreeWeight, Layer


def _held(layer: Layer, arguments: Sequence[Expression]) -> Expression:
    return call(f"self.{layer.attribute}", *arguments)


@dataclass(frozen=True)
class KerasForm(Form):
    """A style of Keras code."""

    functional: bool = False
    layer: Callable[[Layer, Sequence[Expression]], Expression] = _held
    """A layer applied to values."""


def functional_plans(plans: Sequence[ClassPlan]) -> frozenset[str]:
    """The names of the classes that are functions; the model stands last, a class before those that use it."""
    callers: dict[str, set[str]] = {plan.name: set() for plan in plans}
    repeated: set[str] = set()
    for plan in plans:
        for child in plan.child_at.values():
            callers[child.plan.name].add(plan.name)
        # A block that is applied twice with the same weights holds its layers.
        uses = Counter(child.path for child in plan.child_at.values())
        repeated |= {child.plan.name for child in plan.child_at.values() if uses[child.path] > 1}
    found: set[str] = set()
    for plan in reversed(plans):
        if _is_functional(plan) and plan.name not in repeated and callers[plan.name] <= found:
            found.add(plan.name)
    return frozenset(found)


def _is_functional(plan: ClassPlan) -> bool:
    """True for a graph of layers, blocks and functions of static sizes."""
    if plan.held or any(isinstance(member, FreeWeight) for member in plan.members):
        return False
    if isinstance(plan.function, ModelOp) and not all(shape_of(value.type) for value in plan.inputs):
        return False
    given = [operand for operand in plan.function.terminator.operands if _is_given(operand)]
    return not given and not any(_needs_run(op) for op in plan.function.block.ops)


def _is_given(value: SSAValue) -> bool:
    """True for a result that is no function of the inputs."""
    return isinstance(value.owner, ConstantOp | GetWeightOp)


def _needs_run(op: Operation) -> bool:
    """True where the code asks a value for its sizes, or holds code that is run later."""
    if op.regions or isinstance(op, GetStateOp | IotaOp | SetStateOp | SizeOp):
        return True
    match op:
        case CallOp():
            return False
        case ConstantOp():
            written = all(isinstance(use.operation, BinaryOp | WhereOp) or _begins(use) for use in op.result.uses)
            return bool(_symbolic(shape_of(op.result.type))) and not written
        case ExpandOp():
            return bool(_symbolic(shape_of(op.result.type)))
        case ReshapeOp():
            return not _is_static_reshape(shape_of(op.x.type), shape_of(op.result.type))
        case ResizeOp():
            return not is_repeated(op) and _resizes_symbolic(op)
        case PadOp():
            padded = zip(shape_of(op.x.type), op.literal("low"), op.literal("high"), strict=True)
            return op.literal("mode") != "constant" and any(
                isinstance(n, Dim) and low + high for n, low, high in padded
            )
        case SliceOp():
            return any(not start.is_static for start in op.starts.data)
        case _:
            return op.name in RUN_TIME


def _is_static_reshape(before: Shape, after: Shape) -> bool:
    """True where at most one size is left to be found, beside that of the batch where it stays."""
    if [size for size in before if size != 1] == [size for size in after if size != 1]:
        return True
    kept = bool(before and after) and before[0] == after[0]
    return len(_symbolic(after[1:] if kept else after)) <= 1


def _resizes_symbolic(op: ResizeOp) -> bool:
    """True where an axis is read whose size only a run knows; the batch mostly stays."""
    before, after = shape_of(op.x.type), shape_of(op.result.type)
    kept = before[0] == after[0] and "roi" not in op.properties
    kept &= "scales" not in op.properties or op.literal("scales")[0] == 1.0
    return bool(_symbolic(before[1:] + after[1:] if kept else before + after))


def _begins(use: Use) -> bool:
    """True for a state that a recurrent layer begins with anyway."""
    op = use.operation
    return isinstance(op, RecurrentOp) and use.index >= 4 and zero(op.operands[use.index])


def _symbolic(shape: Shape) -> list[int | Dim]:
    return [size for size in shape if isinstance(size, Dim)]


RUN_TIME = frozenset(
    f"graph.{name}"
    for name in (
        "deform_conv", "fold", "gather_elements", "gather_nd", "grid_sample", "max_roi_pool", "reverse_sequence",
        "roi_align", "scatter_elements", "scatter_nd", "top_k",
    )
)  # fmt: skip
"""Ops whose code looks at the sizes of its values."""
