"""Which values of a model are known when it is compiled: weights, constants, and pure functions of them."""

from __future__ import annotations

from collections.abc import Collection

from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import Pure

from neuralc.dialects.graph import CallOp, ConstantOp, FuncOp, GetWeightOp, IotaOp
from neuralc.dialects.tensor import UnpackOp
from neuralc.dialects.types import AnyTensor, Shape, as_tensor, element_bytes, shape_of


def is_static(shape: Shape) -> bool:
    return all(isinstance(size, int) for size in shape)


def static_bytes(type_: AnyTensor) -> int:
    """The size of a tensor without symbolic dims."""
    total = element_bytes(type_.element_type)
    for size in shape_of(type_):
        total *= int(str(size))
    return total


def is_worth_storing(size: int, source_size: int, max_bytes: int) -> bool:
    """Whether a result of `size` bytes is stored instead of what it is made of: what is large may grow by a quarter."""
    return size <= max_bytes or size <= source_size + source_size // 4


def is_leaf(op: Operation | Block) -> bool:
    """A read of a weight, or a constant or a count whose size is known."""
    return isinstance(op, GetWeightOp) or (isinstance(op, ConstantOp | IotaOp) and is_static(shape_of(op.result.type)))


def can_be_known(op: Operation) -> bool:
    """An op that may be computed at compile time once its operands are known."""
    return (
        len(op.results) == 1
        and not op.regions
        and op.has_trait(Pure)
        and not isinstance(op, CallOp | UnpackOp)  # unpacking is a view: computing it would undo the packing
        and not is_leaf(op)
        and bool(op.operands)
        and is_static(shape_of(as_tensor(op.results[0].type)))
    )


def is_known(value: SSAValue, arguments: Collection[SSAValue] = frozenset()) -> bool:
    """A value that depends on weights and constants alone; `arguments` of functions are weights too."""
    owner = value.owner
    if isinstance(owner, Block):
        return value in arguments
    return is_leaf(owner) or (can_be_known(owner) and all(is_known(operand, arguments) for operand in owner.operands))


def weight_arguments(module: Operation) -> set[SSAValue]:
    """The arguments of functions that are weights in every call."""
    calls = [op for op in module.walk() if isinstance(op, CallOp)]
    functions = {op.sym_name.data: op for op in module.walk() if isinstance(op, FuncOp)}
    given = [
        pair for op in calls for pair in zip(functions[op.callee.root_reference.data].arguments, op.args, strict=True)
    ]
    found: set[SSAValue] = {argument for argument, _ in given}
    while computed := {argument for argument, value in given if argument in found and not is_known(value, found)}:
        found -= computed
    return found
