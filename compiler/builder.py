"""`neuralc.Network`: models made from Python, the same ones that the language writes.

    from neuralc import Network, layers
    net = Network("Classifier")
    x = net.input("image", (28, 28, 1))
    x = layers.Conv2D(32, 3, activation="relu")(x)
    x = layers.Flatten()(x)
    net.output(layers.Output(10, activation="softmax")(x))
    print(net)                      # the program
    model = net.compile(opt=2)      # as neuralc.compile

A network is written as a program of the language and goes the way of every program: what Python can say, `.nr` can say,
and errors show its lines. Layers are those of the signature table and of installed plugins (`neuralc.layers`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from neuralc.grammar.diagnostics import Source, usage_error
from neuralc.layers import Layer
from neuralc.search import Search

if TYPE_CHECKING:
    from neuralc.interpreted import InterpretedModel
    from neuralc.runtime import Model

Size: TypeAlias = "int | str | Search | None"


@dataclass(frozen=True, eq=False)
class Value:
    """A value of a network: one of its inputs, or what a layer gives."""

    network: Network
    name: str

    def __repr__(self) -> str:
        return f"<value {self.name} of {self.network.name}>"


@dataclass(eq=False)
class _Step:
    """A layer applied to values, and the names of its results."""

    layer: Layer
    inputs: tuple[Value, ...]
    named: Mapping[str, tuple[Value, ...]]
    results: tuple[Value, ...]


@dataclass(eq=False)
class Network:
    """A network under construction; `layers` makes it a chain on one input of the shape `input`.

    `clauses` are those of the language: `loss="mse"`, `optimizer=call("Adam", learning_rate=0.001)`,
    `train={"epochs": 3}`.
    """

    name: str
    inputs: list[tuple[Value, tuple[Size, ...], str | None]] = field(default_factory=list)
    clauses: dict[str, Any] = field(default_factory=dict)
    _steps: list[_Step] = field(default_factory=list)
    _outputs: list[Value] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    @classmethod
    def chain(cls, name: str, input: Sequence[Size], layers: Sequence[Layer], **clauses: Any) -> Network:
        """Layers one after another on one input."""
        network = cls(name, clauses=dict(clauses))
        value = network.input("input", input)
        for layer in layers:
            value = layer(value)
        network.output(value)
        return network

    # --- parts -------------------------------------------------------------------------------------------------------
    def input(self, name: str, shape: Sequence[Size], dtype: str | None = None) -> Value:
        """An input without its batch; sizes are numbers or names."""
        value = Value(self, self._free(name))
        self.inputs.append((value, tuple(shape), dtype))
        return value

    def layer(self) -> Layer:
        """This network as a layer of another one."""
        return Layer(self.name, network=self)

    def output(self, *values: Value) -> None:
        """What the network gives, in this order; further calls add to it."""
        self._outputs += [self._own(value) for value in values]

    def apply(self, layer: Layer, inputs: Sequence[Value], named: Mapping[str, Any], count: int) -> tuple[Value, ...]:
        """A layer applied to values of this network; `count` results."""
        values = tuple(self._own(value) for value in inputs)
        given = {name: tuple(map(self._own, _several(value))) for name, value in named.items()}
        results = tuple(Value(self, self._free(layer.scope)) for _ in range(count))
        self._steps.append(_Step(layer, values, given, results))
        return results

    def _own(self, value: Value) -> Value:
        if not isinstance(value, Value) or value.network is not self:
            raise usage_error("E0813", f"{value!r} is no value of the network `{self.name}`")
        return value

    def _free(self, base: str) -> str:
        name, count = base, 0
        while name in self._names:
            count += 1
            name = f"{base}_{count}"
        self._names.add(name)
        return name

    # --- the program -------------------------------------------------------------------------------------------------
    def source(self) -> Source:
        """The program, with the networks it uses, in the layout of `neuralc fmt`."""
        from neuralc.grammar.format import format_source

        text = "\n".join(network._text() for network in self._all())
        return Source(f"<{self.name}>", format_source(Source(f"<{self.name}>", text)))

    def __str__(self) -> str:
        return self.source().text

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program to a `.nr` file."""
        Path(path).write_text(str(self), encoding="utf-8")

    def compile(self, **options: Any) -> Model | InterpretedModel:
        """As neuralc.compile, of this program."""
        from neuralc.api import compile

        return compile(self.source(), network=self.name, **options)

    def _all(self) -> Iterator[Network]:
        """The networks that this one uses as layers, each once, and this one last."""
        seen: dict[int, Network] = {}

        def visit(network: Network) -> None:
            for step in network._steps:
                for inner in step.layer.networks():
                    if id(inner) not in seen:
                        visit(inner)
            seen[id(network)] = network

        visit(self)
        return iter(seen.values())

    def _text(self) -> str:
        lines = [f"network {self.name} {{", f"  input: {self._inputs_text()}", "  layers:"]
        lines += [f"    {line}" for line in _Writer(self).lines()]
        named = [value.name for value in self._outputs]
        if self._outputs and (len(named) > 1 or not self._ends_in(self._outputs[0])):
            lines.append(f"  outputs: ({', '.join(named)})")
        for name, value in self.clauses.items():
            lines.append(f"  {_clause(name, value)}")
        return "\n".join([*lines, "}"])

    def _ends_in(self, value: Value) -> bool:
        return bool(self._steps) and self._steps[-1].results == (value,)

    def _inputs_text(self) -> str:
        ports = [
            f"{value.name}: ({', '.join(map(_size, shape))}){'' if dtype is None else f' {dtype}'}"
            for value, shape, dtype in self.inputs
        ]
        return ports[0].removeprefix("input: ") if len(ports) == 1 else f"{{ {', '.join(ports)} }}"


class _Writer:
    """The items of a network: chains where a layer takes what runs, names elsewhere."""

    def __init__(self, network: Network) -> None:
        self.network = network
        uses = [step.layer for step in network._steps]
        self.shared = {id(layer) for layer in uses if uses.count(layer) > 1}
        self.written: set[int] = set()

    def lines(self) -> Iterator[str]:
        ports = [value for value, _, _ in self.network.inputs]
        running: Value | None = ports[0] if len(ports) == 1 else None
        for step in self.network._steps:
            layer = step.layer
            if id(layer) in self.shared and id(layer) not in self.written:
                self.written.add(id(layer))
                yield f"{self._handle(layer)} = {layer.text()}"
            yield self._line(step, running)
            running = step.results[0]

    def _line(self, step: _Step, running: Value | None) -> str:
        layer = step.layer
        in_chain = step.inputs == (running,) and not step.named
        arguments = [value.name for value in step.inputs]
        for name, values in step.named.items():
            shown = ", ".join(value.name for value in values)
            arguments.append(f"{name}={shown if len(values) == 1 else f'({shown})'}")
        applied = f"({', '.join(arguments)})"
        if id(layer) in self.shared:
            text = f"{self._handle(layer)}{applied}"
        else:
            text = layer.text() if in_chain else layer.text(applied)
        names = [value.name for value in step.results]
        return f"{', '.join(names)} = {text}" if self._needs_names(step) else text

    def _needs_names(self, step: _Step) -> bool:
        """Whether a result is used other than by the next layer of the chain, or as the last value."""
        steps = self.network._steps
        place = steps.index(step)
        for result in step.results:
            for index, other in enumerate(steps):
                values = [*other.inputs, *(value for named in other.named.values() for value in named)]
                if result in values and (index != place + 1 or other.inputs != (result,) or other.named):
                    return True
            if result in self.network._outputs and not (len(self.network._outputs) == 1 and place == len(steps) - 1):
                return True
        return len(step.results) > 1

    def _handle(self, layer: Layer) -> str:
        """The name under which a shared layer is applied."""
        known = self.network.__dict__.setdefault("_handles", {})
        if id(layer) not in known:
            known[id(layer)] = self.network._free(f"{layer.scope}_layer")
        return str(known[id(layer)])


# --- text ------------------------------------------------------------------------------------------------------------
def _several(value: Any) -> tuple[Value, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _size(size: Size) -> str:
    return "None" if size is None else str(size)


def _clause(name: str, value: Any) -> str:
    from neuralc.layers import written

    if isinstance(value, Mapping):
        return f"{name} {{ {' '.join(f'{key}: {written(inner)}' for key, inner in value.items())} }}"
    return f"{name}: {written(value)}"
