"""The layers of the language as Python objects: `neuralc.layers.Dense(64, activation="relu")`.

Every layer of the signature table is here under its name, with its parameters as arguments, and those of installed
plugins. Called with values of a network it is applied; called again it is applied again, with the same weights.

    dense = layers.Dense(8)
    a, b = dense(x), dense(y)                                         # one set of weights
    y, h, c = layers.LSTM(8, return_state=True)(x, results=3)
    layers.ResidualConnection(block=[layers.Dense(8), layers.ReLU()])(x)
    layers.Dense(8) * 3                                               # three in a row
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from neuralc.grammar.binding import Given, bind
from neuralc.grammar.configured import Configured
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source, Span, usage_error
from neuralc.grammar.parameters import REQUIRED
from neuralc.grammar.plugins import layer_plugin
from neuralc.grammar.signatures import COMMON, SIGNATURES, Signature, find, layer_names, snake_case
from neuralc.search import Call, Search

if TYPE_CHECKING:
    from neuralc.builder import Network, Value


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer with its arguments, not applied yet."""

    name: str
    positional: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    block: Sequence[Layer] | Mapping[str, Sequence[Layer]] | None = None
    count: int | None = None
    network: Network | None = None
    """A network that is used as a layer."""

    def __call__(self, *values: Any, results: int = 1, **named: Any) -> Any:
        """Its result for values of a network; a tuple for several `results`."""
        given = [*values, *(part for value in named.values() for part in _flat(value))]
        if not given:
            raise usage_error("E0813", f"`{self.name}` is applied to nothing", help="give it a value: `layer(x)`")
        network = given[0].network
        found: tuple[Value, ...] = network.apply(self, values, named, results)
        return found[0] if results == 1 else found

    def __mul__(self, count: int) -> Layer:
        """The layer several times in a row, each with weights of its own."""
        return replace(self, count=count)

    @property
    def scope(self) -> str:
        return snake_case(self.name)

    def networks(self) -> Iterator[Network]:
        """The networks that it and its block are made of."""
        if self.network is not None:
            yield self.network
        inner = self.block.values() if isinstance(self.block, Mapping) else [self.block or ()]
        for layers in inner:
            for layer in layers:
                yield from layer.networks()

    def text(self, applied: str = "") -> str:
        """As the language writes it."""
        arguments = [*map(written, self.positional), *(f"{key}={written(value)}" for key, value in self.named.items())]
        block = "" if self.block is None else f" {_block_text(self.block)}"
        repeat = "" if self.count is None else f" * {self.count}"
        return f"{self.name}({', '.join(arguments)}){applied}{block}{repeat}"


def written(value: Any) -> str:
    """A Python value as the language writes it. Raises UsageError for one that it has no words for."""
    match value:
        case None:
            return "None"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            quote = "'" if '"' in value else '"'
            return f"{quote}{value}{quote}"
        case tuple() | list():
            return f"({', '.join(map(written, value))}{',' if len(value) == 1 else ''})"
        case Layer():
            return value.text()
        case Configured():
            arguments = ", ".join(f"{name}={written(inner)}" for name, inner in value.arguments.items())
            return f"{value.name}({arguments})"
        case Search() | Call():
            return value.text
        case _:
            raise usage_error("E0813", f"{value!r} cannot be written in the language")


def make(name: str) -> Any:
    """What makes layers of a name; its signature and documentation are those of the table."""
    plugin = None if find(name) is not None else layer_plugin(name)
    signature = find(name) if plugin is None else plugin.signature
    if signature is None:
        raise AttributeError(f"neuralc has no layer {name!r}")

    def layer(*positional: Any, block: Any = None, **named: Any) -> Layer:
        _check(signature, positional, named)
        return Layer(signature.name, positional, named, block)

    layer.__name__ = layer.__qualname__ = signature.name
    layer.__doc__ = documentation(signature)
    setattr(layer, "__signature__", _signature(signature))  # noqa: B010 (functions do not declare it)
    return layer


def documentation(signature: Signature) -> str:
    """The text of `help(neuralc.layers.Dense)`."""
    lines = [f"{signature.doc}\n", f"{signature.shapes}\n" if signature.shapes else ""]
    for parameter in signature.all_parameters:
        default = "" if parameter.default is REQUIRED else f" (default {_python(parameter.default)})"
        lines.append(f"    {parameter.name}: {parameter.kind.description}{default}. {parameter.doc}".rstrip(". "))
    return "\n".join([*(line for line in lines if line), f"\nDefinition: {signature.source}"])


def _python(default: Any) -> str:
    return written(default) if isinstance(default, Configured) else repr(default)


def _signature(signature: Signature) -> inspect.Signature:
    def one(parameter: Any, kind: Any) -> inspect.Parameter:
        default = inspect.Parameter.empty if parameter.default is REQUIRED else parameter.default
        return inspect.Parameter(parameter.name, kind, default=default)

    ordinary = [one(p, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in signature.parameters]
    required = [p for p in ordinary if p.default is inspect.Parameter.empty]
    optional = [p for p in ordinary if p.default is not inspect.Parameter.empty]
    common = [one(p, inspect.Parameter.KEYWORD_ONLY) for p in COMMON]
    block = inspect.Parameter("block", inspect.Parameter.KEYWORD_ONLY, default=None)
    extra = [] if signature.block == "none" else [block]
    return inspect.Signature([*required, *optional, *common, *extra], return_annotation=Layer)


def _check(signature: Signature, positional: Sequence[Any], named: Mapping[str, Any]) -> None:
    """Tells wrong arguments where they are written, not when the program is compiled. Raises NeuralcError."""
    place = Span(Source("<python>", f"{signature.name}(...)"), 0, len(signature.name))
    given = [Given(None, value, place) for value in positional] + [Given(k, v, place) for k, v in named.items()]
    if any(isinstance(part, Layer | Search | Call) for each in given for part in _flat(each.value)):
        return  # what these stand for is known to the language, which checks it
    found: list[Diagnostic] = []
    plain = [replace(each, value=_evaluated(each.value)) for each in given]
    bind(f"`{signature.name}`", signature.parameters, COMMON, plain, place, found.append)
    errors = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    if errors:
        raise NeuralcError([replace(diagnostic, span=None) for diagnostic in errors])


def _evaluated(value: Any) -> Any:
    return tuple(map(_evaluated, value)) if isinstance(value, tuple | list) else value


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _block_text(block: Sequence[Layer] | Mapping[str, Sequence[Layer]]) -> str:
    if isinstance(block, Mapping):
        return f"{{ {' '.join(f'{name}: {_block_text(layers)}' for name, layers in block.items())} }}"
    return f"{{ {' '.join(layer.text() for layer in block)} }}"


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    return make(name)


def __dir__() -> list[str]:
    return sorted({signature.name for signature in SIGNATURES})


__all__ = ["Layer", "documentation", "layer_names", "written"]
