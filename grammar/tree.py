"""The syntax tree of the `.nr` language: what was written and where, with no meaning yet.

Every node is immutable and has `span`, the characters it was read from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from neuralc.grammar.diagnostics import Span


@dataclass(frozen=True)
class Text:
    """`"relu"`; a backslash stands for itself."""

    value: str
    span: Span


@dataclass(frozen=True)
class Number:
    """`32` is an int, `32.0` and `1e3` are floats."""

    value: int | float
    span: Span


@dataclass(frozen=True)
class Name:
    """A bare word: `true`, `None`, a size, a macro's parameter, a value of the graph."""

    value: str
    span: Span


@dataclass(frozen=True)
class Sequence:
    """`(3, 3)` or `["accuracy"]`."""

    items: tuple[Value, ...]
    brackets: Literal["()", "[]"]
    span: Span


@dataclass(frozen=True)
class Call:
    """`Adam(learning_rate=0.001)`; as the value of a wrapper it may have a block."""

    name: Name
    arguments: tuple[Argument, ...]
    block: Block | None
    span: Span


@dataclass(frozen=True)
class Hpo:
    """A value to be searched for: `HPO(choice(32, 64))`, `HPO(range(0.1, 0.5, step=0.1))`, `HPO(log_range(a, b))`."""

    kind: Literal["choice", "range", "log_range"]
    values: tuple[Value, ...]
    step: Value | None
    span: Span


@dataclass(frozen=True)
class Calculation:
    """`4 * filters`, `1 / 255`; of `-rate` there is no `lhs`. `(a + b)` as an operand is a sequence of one item."""

    operator: Literal["+", "-", "*", "/", "%"]
    lhs: Value | None
    rhs: Value
    span: Span

    @property
    def operands(self) -> tuple[Value, ...]:
        return (self.rhs,) if self.lhs is None else (self.lhs, self.rhs)


Value: TypeAlias = Text | Number | Name | Sequence | Call | Hpo | Calculation


@dataclass(frozen=True)
class Argument:
    """One entry between parentheses; `name` is None for a positional one."""

    name: Name | None
    value: Value
    span: Span


@dataclass(frozen=True)
class Layer:
    """`targets = Conv2D(arguments)(applied) @ "device" { block } * repeat`.

    A search over layers, `HPO(choice(Dense(8), LSTM(8)))`, has `search` and the name `HPO`.
    """

    targets: tuple[Name, ...]
    name: Name
    search: Hpo | None
    arguments: tuple[Argument, ...]
    applied: tuple[Argument, ...] | None
    device: Text | None
    block: Block | None
    repeat: Value | None
    span: Span


@dataclass(frozen=True)
class Branch:
    """`image: { ... }`."""

    name: Name
    block: Block
    span: Span


Item: TypeAlias = Layer | Branch


@dataclass(frozen=True)
class Block:
    items: tuple[Item, ...]
    span: Span


@dataclass(frozen=True)
class Input:
    """One input: its name if it has one, its sizes as written, its element type if it was said."""

    name: Name | None
    shape: Sequence
    dtype: Name | None
    span: Span


Operator: TypeAlias = Literal["+", "-", "*", "%"]


@dataclass(frozen=True)
class Arithmetic:
    """`2 * S + 1` in a constraint."""

    operator: Operator
    lhs: Size
    rhs: Size
    span: Span


Size: TypeAlias = Name | Number | Arithmetic


@dataclass(frozen=True)
class Constraint:
    """`S <= 2048`, `H % 16 == 0`."""

    lhs: Size
    comparison: str
    rhs: Size
    span: Span


@dataclass(frozen=True)
class InputClause:
    inputs: tuple[Input, ...]
    constraints: tuple[Constraint, ...]
    span: Span


@dataclass(frozen=True)
class LayersClause:
    items: tuple[Item, ...]
    keyword: Span
    span: Span


@dataclass(frozen=True)
class Setting:
    """`loss: "mse"`; several values are separated by commas."""

    name: Name
    values: tuple[Value, ...]
    span: Span


@dataclass(frozen=True)
class Section:
    """`train { epochs: 15 }`."""

    name: Name
    settings: tuple[Setting, ...]
    span: Span


@dataclass(frozen=True)
class Parameter:
    """A parameter of a macro or a network: `size=3`."""

    name: Name
    default: Value | None
    span: Span


Clause: TypeAlias = InputClause | LayersClause | Setting | Section


@dataclass(frozen=True)
class Network:
    """`network Name(parameters) { clauses }`."""

    name: Name
    parameters: tuple[Parameter, ...]
    clauses: tuple[Clause, ...]
    span: Span


@dataclass(frozen=True)
class Macro:
    """`define Name(parameters) { ... }`."""

    name: Name
    parameters: tuple[Parameter, ...]
    block: Block
    span: Span


@dataclass(frozen=True)
class Import:
    """`from "blocks.nr" import ConvBlock, Encoder`."""

    path: Text
    names: tuple[Name, ...]
    span: Span


@dataclass(frozen=True)
class Research:
    """Notes of a `.rnr` file: numbers reached and papers; they do not change a model."""

    name: Name | None
    metrics: tuple[Setting, ...]
    references: tuple[Setting, ...]
    span: Span


@dataclass(frozen=True)
class File:
    imports: tuple[Import, ...]
    macros: tuple[Macro, ...]
    networks: tuple[Network, ...]
    research: tuple[Research, ...]
    span: Span
