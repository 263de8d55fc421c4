"""Views of the tensor level as references: the same memory under other sizes and strides, without a copy."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim, as_dim, product, typical
from neuralc.dialects.kernel import RefType
from neuralc.dialects.types import Shape, element_of, shape_of


def in_memory(value: SSAValue) -> RefType:
    """How a value will lie in memory, as far as views say: what is computed lies without gaps."""
    match value.owner:
        case tensor.TransposeOp() as op:
            return transpose(op, in_memory(op.x))
        case tensor.WindowOp() as op:
            return window(op, in_memory(op.x))
        case tensor.SliceOp() as op:
            return slice_of(op, in_memory(op.x))
        case tensor.ReshapeOp() as op:
            found = reshape(in_memory(op.x), shape_of(op.result.type))
            if found is not None:
                return found
    return RefType.of(shape_of(value.type), element_of(value.type))


def order(ref: RefType) -> tuple[int, ...]:
    """The dims of a reference by how far apart their neighbours lie, the widest first; equal ones as they stand.

    A dim of size 1 has no neighbours: it stands in front of the next dim behind it.
    """
    strides = [typical(stride) for stride in ref.strides]
    found: list[int] = sorted((dim for dim, size in enumerate(ref.shape) if size != 1), key=lambda dim: -strides[dim])
    for dim in (dim for dim, size in enumerate(ref.shape) if size == 1):
        found.insert(next((at for at, other in enumerate(found) if other > dim), len(found)), dim)
    return tuple(found)


def transpose(op: tensor.TransposeOp, ref: RefType) -> RefType:
    perm = op.literal("perm")
    return RefType.of([ref.shape[axis] for axis in perm], ref.element_type, [ref.strides[axis] for axis in perm])


def window(op: tensor.WindowOp, ref: RefType) -> RefType:
    """Positions advance by stride * step, places inside a window by dilation * step."""
    strides, inner = list(ref.strides), []
    for dim, stride, dilation in zip(op.literal("dims"), op.literal("strides"), op.literal("dilations"), strict=True):
        inner.append(as_dim(ref.strides[dim]) * dilation)
        strides[dim] = as_dim(ref.strides[dim]) * stride
    at = op.literal("dims")[-1] + 1
    return RefType.of(shape_of(op.result.type), ref.element_type, [*strides[:at], *inner, *strides[at:]])


def slice_(op: tensor.SliceOp, ref: RefType) -> tuple[RefType, Dim]:
    """Larger steps, from a place further on: the reference, and how many elements on it begins."""
    offset, strides = Dim.constant(0), []
    for start, step, stride in zip(op.starts.data, op.literal("strides"), ref.strides, strict=True):
        offset += start * stride
        strides.append(as_dim(stride) * step)
    return RefType.of(shape_of(op.result.type), ref.element_type, strides), offset


def slice_of(op: tensor.SliceOp, ref: RefType) -> RefType:
    """Longer strides; the start is an offset of its own."""
    strides = [as_dim(stride) * step for stride, step in zip(ref.strides, op.literal("strides"), strict=True)]
    return RefType.of(shape_of(op.result.type), ref.element_type, strides)


def reshape(ref: RefType, shape: Shape) -> RefType | None:
    """The reference under a new shape, or None where its strides do not allow it.

    Both shapes are cut into the smallest runs of equal size; each run must be contiguous, as strided by its last dim.
    """
    if ref.is_dense:
        return RefType.of(shape, ref.element_type)
    strides: list[int | Dim] = []
    old = list(zip(ref.shape, ref.strides, strict=True))
    new = list(shape)
    while new or old:
        take_old, take_new = _run([size for size, _ in old], new)
        if take_old is None or take_new is None:
            return None
        run, old = old[:take_old], old[take_old:]
        sizes, new = new[:take_new], new[take_new:]
        moving = [(size, stride) for size, stride in run if size != 1]
        if any(as_dim(moving[i][1]) != as_dim(moving[i + 1][1]) * moving[i + 1][0] for i in range(len(moving) - 1)):
            return None
        base = as_dim(moving[-1][1]) if moving else Dim.constant(1)
        strides += [base * product(tuple(sizes[i + 1 :])) for i in range(len(sizes))]
    return RefType.of(shape, ref.element_type, strides)


def _run(old: Sequence[int | Dim], new: Sequence[int | Dim]) -> tuple[int | None, int | None]:
    """The shortest non-empty prefixes of two shapes that hold equally many values."""
    if not old or not new:
        rest = [*old, *new]
        return (len(old), len(new)) if all(size == 1 for size in rest) else (None, None)
    for i in range(1, len(old) + 1):
        for j in range(1, len(new) + 1):
            if product(tuple(old[:i])) == product(tuple(new[:j])):
                return i, j
    return None, None
