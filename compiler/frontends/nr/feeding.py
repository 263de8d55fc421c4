"""Which values a layer is applied to: those it names, or the running ones, in the places its signature has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from xdsl.ir import SSAValue

from neuralc.frontends.nr.site import LayerError, Values
from neuralc.grammar.diagnostics import suggest
from neuralc.grammar.program import Fed, Use
from neuralc.grammar.signatures import Inputs

LookUp = Callable[[str], Values | None]


@dataclass(frozen=True)
class Applied:
    """The arguments of a lowering function: values by position and by name."""

    positional: Values
    named: Mapping[str, SSAValue | Values] = field(default_factory=dict)

    @property
    def all(self) -> Values:
        flat = list(self.positional)
        for value in self.named.values():
            flat += [value] if isinstance(value, SSAValue) else value
        return tuple(flat)


def feed(fed: Fed, inputs: Inputs, look_up: LookUp, running: Values | None) -> Applied | None:
    """None where a value is broken. Raises LayerError where there are too many, too few, or two for one place."""
    if not inputs.names:
        if fed.positional or fed.named:
            raise LayerError("it takes no value", "E0405", "leave out the second parentheses")
        return Applied(())
    named: dict[str, SSAValue | Values] = {}
    for name, uses in fed.named.items():
        if name not in inputs.names:
            known = inputs.optional if inputs.many else inputs.names
            raise LayerError(f"it takes no value `{name}`", "E0302", suggest(name, known))
        found = [look_up(use.name) for use in uses]
        if None in found:
            return None
        values = tuple(value for each in found if each is not None for value in each)
        if name not in inputs.several and len(values) != 1:
            raise LayerError(f"`{name}` is one value, `{uses[0].name}` holds {len(values)}", "E0405")
        named[name] = values if name in inputs.several else values[0]
    positional = _positional(fed, named, inputs, look_up, running)
    if positional is None:
        return None
    _check(positional, named, inputs)
    if inputs.required[0] in named and (inputs.many or not inputs.flexible):
        first = named.pop(inputs.required[0])
        positional = (*((first,) if isinstance(first, SSAValue) else first), *positional)
    return Applied(positional, named)


def _positional(
    fed: Fed, named: Mapping[str, SSAValue | Values], inputs: Inputs, look_up: LookUp, running: Values | None
) -> Values | None:
    if not fed.positional:
        return () if inputs.required[0] in named else running
    values: list[SSAValue] = []
    for use in fed.positional:
        found = look_up(use.name)
        if found is None:
            return None
        if len(found) != 1 and not inputs.many:
            raise _several(use, found)
        values += found
    return tuple(values)


def _several(use: Use, found: Values) -> LayerError:
    return LayerError(
        f"`{use.name}` holds {len(found)} values, one is needed",
        "E0405",
        "give each a name where they are made: `y, h, c = LSTM(8, return_state=true)`",
    )


def _check(positional: Values, named: Mapping[str, SSAValue | Values], inputs: Inputs) -> None:
    if inputs.many:
        return
    names = inputs.names
    if len(positional) > len(names) or (len(positional) > 1 and not inputs.flexible):
        raise LayerError(
            f"it takes {_takes(inputs)}, and {len(positional)} values come here",
            "E0405",
            "name the one it takes in a second pair of parentheses, or join them: `Concatenate()`",
        )
    for name in names[: len(positional)]:
        if name in inputs.several:
            raise LayerError(f"`{name}` may be several values, so it is named", "E0405", f"write `{name}=(a, b)`")
        if name in named:
            raise LayerError(f"`{name}` is given by position and by name", "E0405")
    missing = [name for name in inputs.required[len(positional) :] if name not in named]
    if missing:
        raise LayerError(
            f"it takes {_takes(inputs)}, and `{missing[0]}` is not given",
            "E0405",
            f"name a value: `{missing[0]}=...`",
        )


def _takes(inputs: Inputs) -> str:
    shown = ", ".join(f"`{name}`" for name in inputs.required)
    return "one value" if len(inputs.required) == 1 else shown
