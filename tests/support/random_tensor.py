"""Random programs of the tensor level, over its primitives and element types, with one symbolic size.

program = random_program(np.random.default_rng(7))
check(program.body, program.types, program.results, program.runs, symbols=["n"])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from support.compare import Array

Size = int | str
Shape = tuple[Size, ...]

DTYPES = {
    "f32": np.float32, "f64": np.float64, "i8": np.int8, "i32": np.int32, "i64": np.int64, "ui8": np.uint8,
}  # fmt: skip
LETTERS = "abcdef"
SIZES = (1, 2, 3, 5, 8, 17, 20)
RUNS = (6, 1, 0, 35)
"""The symbolic size in each run."""


@dataclass(frozen=True)
class Value:
    name: str
    shape: Shape
    element: str

    @property
    def type(self) -> str:
        return type_of(self.shape, self.element)


def type_of(shape: Shape, element: str) -> str:
    names = [size for size in shape if isinstance(size, str)]
    encoding = f", #graph.dims<{', '.join(names)}>" if names else ""
    return (
        "tensor<" + "".join("?x" if isinstance(size, str) else f"{size}x" for size in shape) + element + encoding + ">"
    )


@dataclass
class Program:
    """The text so far and the values that it makes."""

    rng: np.random.Generator
    lines: list[str] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)

    @property
    def body(self) -> str:
        ends = [f"%y{i} = tensor.reshape {value.name} -> {value.type}" for i, value in enumerate(self.outputs)]
        text = "\n".join([*self.lines, *ends])
        return text.replace("%y0 =", "%y =") if len(ends) == 1 else text

    @property
    def types(self) -> list[str]:
        return [value.type for value in self.inputs]

    @property
    def results(self) -> list[str]:
        return [value.type for value in self.outputs]

    @property
    def runs(self) -> list[list[Array]]:
        return [[self._array(value, size) for value in self.inputs] for size in RUNS]

    def _array(self, value: Value, size: int) -> Array:
        shape = [size if isinstance(each, str) else each for each in value.shape]
        drawn = self.rng.standard_normal(shape) * (1 if value.element[0] == "f" else 3)
        return np.asarray(np.abs(drawn) if value.element[0] == "u" else drawn).astype(DTYPES[value.element])

    # -- helpers -----------------------------------------------------------------------------------------------------

    def new(self, text: str, shape: Shape, element: str) -> Value:
        value = Value(f"%v{len(self.values) + len(self.lines)}", shape, element)
        self.lines.append(f"{value.name} = {text.replace('RESULT', value.type)}")
        self.values.append(value)
        return value

    def pick(self) -> Value:
        return self.values[int(self.rng.integers(len(self.values)))]

    def choose(self, *options: str) -> str:
        return str(self.rng.choice(options))

    def dim(self, x: Value) -> int:
        return int(self.rng.integers(len(x.shape)))

    def input(self, shape: Shape, element: str) -> Value:
        value = Value(f"%x{len(self.inputs)}", shape, element)
        self.inputs.append(value)
        self.values.append(value)
        return value

    # -- ops ---------------------------------------------------------------------------------------------------------

    def binary(self, x: Value) -> None:
        letters = LETTERS[: len(x.shape)]
        kept = "".join(letter for letter in letters if self.rng.random() < 0.6)
        other = self.input(tuple(x.shape[letters.index(letter)] for letter in kept), x.element)
        function = self.choose("add", "sub", "maximum", "minimum")
        self.new(
            f'tensor.map "{letters},{kept}->{letters}" {x.name}, {other.name} -> RESULT {{\n'
            f"^bb0(%0: {x.element}, %1: {x.element}):\n%2 = tensor.scalar {function} %0, %1 -> {x.element}\n"
            "tensor.yield %2\n}",
            x.shape,
            x.element,
        )

    def turn(self, x: Value) -> None:
        """Reads a dim backwards, or one place off with another value outside."""
        letters, dim = LETTERS[: len(x.shape)], self.dim(x)
        lines = [f'%p{i} = tensor.position "{letter}" -> i64' for i, letter in enumerate(letters)]
        backwards = self.rng.random() < 0.5
        lines.append(f"%n = tensor.size {{dim = #graph.size<{x.shape[dim]} - 1>}} -> i64")
        lines.append("%one = tensor.number 1 -> i64")
        lhs, rhs = ("%n", f"%p{dim}") if backwards else (f"%p{dim}", "%one")
        lines.append(f"%q = tensor.scalar sub {lhs}, {rhs} -> i64")
        indices = ", ".join("%q" if i == dim else f"%p{i}" for i in range(len(letters)))
        option = self.choose("{checked = true} ", "") if backwards else "{other = 1} "
        option = option.replace("1}", "1.0}") if x.element[0] == "f" else option
        lines.append(f"%v = tensor.at %0, {indices} {option}-> {x.element}")
        region = "\n".join(lines)
        self.new(
            f'tensor.map "*->{letters}" {x.name} -> RESULT {{\n^bb0(%0: {x.type}):\n{region}\ntensor.yield %v\n}}',
            x.shape,
            x.element,
        )

    def reduce(self, x: Value) -> None:
        dims = [i for i in range(len(x.shape)) if self.rng.random() < 0.5] or [len(x.shape) - 1]
        kind = "add" if "n" in x.shape else self.choose("add", "maximum", "minimum")
        shape = tuple(size for i, size in enumerate(x.shape) if i not in dims)
        self.new(f"tensor.reduce {kind} {x.name} {{dims = {dims}}} -> RESULT", shape, x.element)

    def contract(self, x: Value) -> None:
        letters = LETTERS[: len(x.shape)]
        shared = self.dim(x)
        size = int(self.rng.choice(SIZES))
        batch = letters[0] if shared and self.rng.random() < 0.4 else ""
        word = batch + (letters[shared] + "k" if self.rng.random() < 0.5 else "k" + letters[shared])
        sizes = dict(zip(letters, x.shape, strict=True)) | {"k": size}
        other = self.input(tuple(sizes[letter] for letter in word), x.element)
        result = (
            letters.replace(letters[shared], "k")
            if self.rng.random() < 0.7
            else "k" + letters.replace(letters[shared], "")
        )
        pair = [f"{letters}", word] if self.rng.random() < 0.5 else [word, f"{letters}"]
        names = [x.name, other.name] if pair[0] == letters else [other.name, x.name]
        shape = tuple(sizes[letter] for letter in result)
        self.new(f'tensor.contract "{",".join(pair)}->{result}" {", ".join(names)} -> RESULT', shape, x.element)

    def transpose(self, x: Value) -> None:
        perm = [int(axis) for axis in self.rng.permutation(len(x.shape))]
        shape = tuple(x.shape[axis] for axis in perm)
        self.new(f"tensor.transpose {x.name} {{perm = {perm}}} -> RESULT", shape, x.element)

    def slice(self, x: Value) -> None:
        starts, strides, shape = [0] * len(x.shape), [1] * len(x.shape), list(x.shape)
        dim = self.dim(x)
        size = shape[dim]
        if isinstance(size, int) and size > 1:
            starts[dim], strides[dim] = int(self.rng.integers(0, size)), int(self.rng.integers(1, 4))
            shape[dim] = -(-(size - starts[dim]) // strides[dim])
        places = ", ".join(map(str, starts))
        text = f"tensor.slice {x.name} {{starts = #graph.dims<{places}>, strides = {strides}}} -> RESULT"
        self.new(text, tuple(shape), x.element)

    def concat(self, x: Value) -> None:
        dims = [i for i, size in enumerate(x.shape) if isinstance(size, int)]
        if not dims:
            return
        dim = int(self.rng.choice(dims))
        shape = list(x.shape)
        shape[dim] = int(self.rng.choice(SIZES))
        other = self.input(tuple(shape), x.element)
        operands = [x.name, other.name, x.name] if self.rng.random() < 0.3 else [other.name, x.name]
        sizes = {x.name: x.shape[dim], other.name: shape[dim]}
        shape[dim] = sum(int(sizes[name]) for name in operands)
        self.new(f"tensor.concat {', '.join(operands)} {{dim = {dim}}} -> RESULT", tuple(shape), x.element)

    def pad(self, x: Value) -> None:
        low = [int(self.rng.integers(0, 3)) if isinstance(size, int) else 0 for size in x.shape]
        high = [int(self.rng.integers(0, 3)) if isinstance(size, int) else 0 for size in x.shape]
        shape = tuple(
            a + size + b if isinstance(size, int) else size for a, size, b in zip(low, x.shape, high, strict=True)
        )
        value = "1.5" if x.element[0] == "f" else "3"
        self.new(f"tensor.pad {x.name} {{low = {low}, high = {high}, value = {value}}} -> RESULT", shape, x.element)

    def cumulate(self, x: Value) -> None:
        options = (
            f"dim = {self.dim(x)}, exclusive = {self.choose('true', 'false')}, reverse = {self.choose('true', 'false')}"
        )
        self.new(
            f"tensor.cumulate {self.choose('add', 'maximum')} {x.name} {{{options}}} -> RESULT", x.shape, x.element
        )
        if "exclusive = true" in options and x.element[0] == "f":
            # The identity of maximum is infinite: the sums of later ops would be no numbers.
            self.lines[-1] = self.lines[-1].replace("cumulate maximum", "cumulate add")

    def sort(self, x: Value) -> None:
        dim = self.dim(x)
        size = x.shape[dim]
        k = size if isinstance(size, str) else int(self.rng.integers(1, size + 1))
        shape = tuple(k if i == dim else each for i, each in enumerate(x.shape))
        value = Value(f"%v{len(self.values) + len(self.lines)}", shape, x.element)
        options = f"k = #graph.dims<{k}>, dim = {dim}, largest = {self.choose('true', 'false')}"
        types = f"{value.type}, {type_of(shape, 'i64')}"
        self.lines.append(f"{value.name}, {value.name}p = tensor.top_k {x.name} {{{options}}} -> {types}")
        self.values.append(value)


OPS: list[Callable[[Program, Value], None]] = [
    Program.binary, Program.turn, Program.reduce, Program.contract, Program.transpose, Program.slice, Program.concat,
    Program.pad, Program.cumulate, Program.sort,
]  # fmt: skip
MOST = 20_000
"""Elements of a value, at the largest symbolic size."""


def random_program(rng: np.random.Generator, ops: int = 6) -> Program:
    """A program of about `ops` ops; its last value and one other are its results."""
    program = Program(rng)
    element = str(rng.choice(list(DTYPES)))
    shape: list[Size] = [int(rng.choice(SIZES)) for _ in range(int(rng.integers(1, 4)))]
    if rng.random() < 0.6:
        shape[int(rng.integers(len(shape)))] = "n"
    program.input(tuple(shape), element)
    for _ in range(ops):
        candidates = [value for value in program.values if value.shape and _elements(value.shape) <= MOST]
        OPS[int(rng.integers(len(OPS)))](program, candidates[-1 - int(rng.integers(min(2, len(candidates))))])
    program.outputs = [program.values[-1], program.pick()]
    return program


def _elements(shape: Shape) -> int:
    total = 1
    for size in shape:
        total *= max(RUNS) if isinstance(size, str) else size
    return total
