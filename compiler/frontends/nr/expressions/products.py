"""Products of matrices and sums over letters: `@`, matmul, dot, einsum."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, format_shape, shape_of
from neuralc.frontends.nr.expressions.builder import Builder, is_kind
from neuralc.frontends.nr.expressions.promotion import common_type
from neuralc.frontends.nr.expressions.values import Value, tensor_of
from neuralc.frontends.sizes import Size


def _operands(b: Builder, values: Sequence[Value]) -> list[SSAValue]:
    if not values:
        raise ShapeError("a product is of values, and none is given")
    tensors = [tensor_of(value, "a product") for value in values]
    found = [b.cast(value, common_type(tensors)) for value in tensors]
    if is_kind(found[0], "b"):
        raise ShapeError("a product of truth values is `any(x & y)`; numbers have products of matrices")
    return found


def matmul(b: Builder, x1: Value, x2: Value) -> SSAValue:
    lhs, rhs = _operands(b, (x1, x2))
    n, m = shape_of(lhs.type), shape_of(rhs.type)
    if not n or not m:
        raise ShapeError("a number has no product of matrices: write `*`")
    wrong = f"the shapes {format_shape(n)} and {format_shape(m)} have no product of matrices"
    b.equal(n[-1], m[-2 if len(m) > 1 else 0], wrong)
    for left, right in zip(n[-3::-1], m[-3::-1], strict=False):
        if 1 not in (left, right):
            b.equal(left, right, wrong)
    return b.add(graph.MatmulOp.of(lhs, rhs))


def dot(b: Builder, a: Value, other: Value) -> Value:
    """numpy.dot: over the last axis of a and the last but one of the other; all axes stay apart."""
    from neuralc.frontends.nr.expressions.elementwise import UFUNCS

    if not (isinstance(a, SSAValue) and isinstance(other, SSAValue)):
        return UFUNCS["multiply"](b, a, other)
    n, m = shape_of(a.type), shape_of(other.type)
    if not n or not m:
        return UFUNCS["multiply"](b, a, other)
    if len(m) == 1 or (len(n) <= 2 and len(m) == 2):
        return matmul(b, a, other)
    left, right = ascii_letters[: len(n)], ascii_letters[len(n) : len(n) + len(m)]
    summed = left[-1]
    right = right[:-2] + summed + right[-1]
    return einsum(b, f"{left},{right}->{left[:-1]}{right[:-2]}{right[-1]}", a, other)


def einsum(b: Builder, subscripts: Value, *operands: Value) -> SSAValue:
    if not isinstance(subscripts, str):
        raise ShapeError('an einsum starts with its letters: einsum("ij,jk->ik", x, y)')
    tensors = _operands(b, operands)
    words, result = _letters(subscripts, tensors)
    sizes: dict[str, Size] = {}
    for word, tensor in zip(words, tensors, strict=True):
        shape = shape_of(tensor.type)
        if len(word) != len(shape):
            raise ShapeError(f'"{word}" does not fit the shape {format_shape(shape)}')
        for letter, size in zip(word, shape, strict=True):
            if sizes.get(letter, 1) != 1 and size != 1:
                b.equal(sizes[letter], size, f"the letter `{letter}` has the sizes {sizes[letter]} and {size}")
            elif size != 1 or letter not in sizes:
                sizes[letter] = size
    return b.add(graph.EinsumOp.of(*tensors, spec=f"{','.join(words)}->{result}"))


def _letters(subscripts: str, tensors: Sequence[SSAValue]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with `...` written out and an implicit result made explicit."""
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    words = left.split(",")
    if len(words) != len(tensors):
        raise ShapeError(f'"{subscripts}" has {len(words)} operands, {len(tensors)} are given')
    free = [letter for letter in ascii_letters if letter not in subscripts]
    counts = [
        len(shape_of(tensor.type)) - len(word.replace("...", ""))
        for word, tensor in zip(words, tensors, strict=True)
        if "..." in word
    ]
    if any(count < 0 for count in counts):
        raise ShapeError(f'"{subscripts}" has more letters than an operand has axes')
    beside = "".join(free[: max(counts, default=0)])
    for index, (word, tensor) in enumerate(zip(words, tensors, strict=True)):
        own = len(shape_of(tensor.type)) - len(word.replace("...", ""))
        words[index] = word.replace("...", beside[len(beside) - own :] if own else "")
    if arrow:
        return words, result.replace("...", beside)
    once = sorted(
        letter for letter in set("".join(words)) if "".join(words).count(letter) == 1 and letter not in beside
    )
    return words, beside + "".join(once)
