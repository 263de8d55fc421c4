"""Which loop of a contraction does what on a GPU, and in which type it is accumulated."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerType, bf16, f16, f32, i32
from xdsl.ir import Attribute

from neuralc.dialects.dims import product, simplest
from neuralc.passes.lower.nest import Nest, Operand, Size


@dataclass(frozen=True)
class Roles:
    """`left` and `right` are the places of the operands among the nest's inputs."""

    left: int
    right: int
    rows: str
    """Loops of the left operand and the output."""
    columns: str
    """Loops of the right operand and the output."""
    shared: str
    """Loops of both operands and the output."""
    reduced: str
    """Loops that the output does not have."""

    def operands(self, nest: Nest) -> tuple[Operand, Operand]:
        return nest.inputs[self.left], nest.inputs[self.right]


def find_roles(nest: Nest) -> Roles:
    """Rows and columns by operand; the last loop of the output is one of the columns, or shared."""
    left, right = (source.input or 0 for source in nest.stages[0].sources)
    word = nest.output.word
    if word and word[-1] not in nest.inputs[right].word:
        left, right = right, left
    lhs, rhs = nest.inputs[left].word, nest.inputs[right].word
    # In the order in which the right operand (the weights, as a rule) lies in memory.
    reduced = "".join(dict.fromkeys(letter for letter in rhs + lhs if letter not in word))
    return Roles(
        left,
        right,
        "".join(letter for letter in word if letter not in rhs),
        "".join(letter for letter in word if letter not in lhs),
        "".join(letter for letter in word if letter in lhs and letter in rhs),
        reduced,
    )


def size_of(nest: Nest, letters: str) -> Size:
    """The extent of some loops together."""
    return simplest(product([nest.sizes[letter] for letter in letters]))


def accumulator(element: Attribute) -> Attribute:
    """The type in which products of a type are added: 32 bits at least."""
    if element in (f16, bf16):
        return f32
    return i32 if isinstance(element, IntegerType) and element.width.data < 32 else element
