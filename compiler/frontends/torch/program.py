"""A torch program as the importer reads it: calls of ops on named tensors, the same from memory and from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from neuralc.frontends.refusals import Refused
from neuralc.grammar.diagnostics import NeuralcError

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Name:
    """A use of a tensor by its name."""

    text: str


@dataclass(frozen=True)
class Expression:
    """A size that a run decides, in sympy's form: `Mul(Integer(2), Symbol('s77'))`."""

    text: str


@dataclass(frozen=True)
class DType:
    """An element type by torch's name of it: `float32`."""

    text: str


Extent: TypeAlias = int | Expression

Argument: TypeAlias = "bool | int | float | str | complex | Name | Expression | DType | Sequence[Argument] | None"


@dataclass(frozen=True)
class Spec:
    """Element type and shape of a tensor, as torch found them."""

    dtype: str
    shape: tuple[Extent, ...]


@dataclass(frozen=True)
class Result:
    """A tensor that a call makes; None of a spec where torch does not say."""

    name: str
    spec: Spec | None


@dataclass(frozen=True)
class Frame:
    """A call of a module that ops stand in."""

    key: str
    """One for each call: a module that is called twice has two."""
    path: str
    """Of the module in the whole: `encoder.layers.0`."""
    kind: str
    """Its class, with the Python module in front."""


@dataclass(frozen=True)
class Call:
    """One call of an op. A result nobody uses may be None."""

    name: str
    op: str
    """`aten.add.Tensor`: library, name, overload."""
    args: tuple[Argument, ...]
    kwargs: Mapping[str, Argument]
    results: tuple[Result | None, ...]
    frames: tuple[Frame, ...] = ()
    """The modules around it, outermost first."""
    place: str = ""
    """`model.py:12`: the line of the user's program."""

    @property
    def base(self) -> str:
        """The name of the op without library and overload, library in front where it is not ATen."""
        library, _, rest = self.op.partition(".")
        name = rest.partition(".")[0]
        return name if library == "aten" else f"{library}.{name}"

    @property
    def overload(self) -> str:
        """The base with its overload behind a dot."""
        return f"{self.base}.{self.op.rpartition('.')[2]}"

    @property
    def path(self) -> str:
        return self.frames[-1].path if self.frames else ""

    def used(self) -> Iterator[str]:
        """Names of the tensors that the call reads."""
        yield from names((*self.args, *self.kwargs.values()))


def names(arguments: Sequence[Argument]) -> Iterator[str]:
    for argument in arguments:
        if isinstance(argument, Name):
            yield argument.text
        elif isinstance(argument, list | tuple):
            yield from names(argument)


@dataclass(frozen=True)
class Held:
    """A tensor that the program holds: a parameter, a buffer, or a constant of its text."""

    name: str
    kind: Literal["parameter", "buffer", "constant"]
    target: str
    """Its name in the state dict."""


@dataclass(frozen=True)
class Port:
    """An input or output. An output's source is a tensor, or a number that is the same in every run."""

    name: str
    source: Argument
    spec: Spec | None = None


@dataclass
class Program:
    """Everything that torch knows of a program."""

    name: str
    inputs: list[Port]
    held: list[Held]
    calls: list[Call]
    outputs: list[Port]
    ranges: Mapping[str, tuple[int, int | None]]
    """Smallest and largest value of each symbol."""
    arrays: Mapping[str, Callable[[], Array]]
    """The values of what the program holds, by name in the state dict."""
    written: dict[str, Argument] = field(default_factory=dict)
    """Buffers that a run changes, by name in the state dict, with what they become."""
    guards: Sequence[str] = ()
    """What torch has assumed of sizes, as Python: `L['x'].size()[1] % 4 == 0`."""
    symbols: Mapping[str, str] = field(default_factory=dict)
    """The user's own names of symbols."""


def needed(program: Program) -> list[Call]:
    """The calls that outputs and written buffers depend on."""
    live = set(names([*(port.source for port in program.outputs), *program.written.values()]))
    found: list[Call] = []
    for call in reversed(program.calls):
        if any(result is not None and result.name in live for result in call.results) or call.base in EFFECTS:
            live.update(call.used())
            found.append(call)
    return found[::-1]


EFFECTS = ("_assert_scalar",)
"""Calls without results that say something about sizes."""


def shared_names(arrays: Mapping[str, Callable[[], Array]]) -> Mapping[str, str]:
    """For tensors that are the same memory as an earlier one, the name of that: a parameter that two modules share."""
    first: dict[Any, str] = {}
    found: dict[str, str] = {}
    for name, read in arrays.items():
        try:
            array = read()
        except (ValueError, KeyError, Refused, NeuralcError):  # told where it is used
            continue
        place = array.__array_interface__["data"][0]
        if array.size:
            found[name] = first.setdefault((place, array.dtype, array.shape, array.strides), name)
    return found
