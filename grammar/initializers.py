"""How weights start, what training adds to the loss for them, and what it holds them to: Keras's tables of the three.

A parameter of a layer takes the name of an entry or a call of one, in any spelling Keras knows:

    "he_normal"   HeNormal(seed=1)   VarianceScaling(2.0, mode="fan_out")   L2(0.01)   MaxNorm(2, axis=[0, 1, 2])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from neuralc.grammar.binding import Given, bind
from neuralc.grammar.diagnostics import Diagnostic, suggest
from neuralc.grammar.parameters import (
    Converted,
    Identifier,
    Kind,
    OneOf,
    Optional,
    Parameter,
    Parameters,
    Real,
    Several,
    Unfit,
    Whole,
)
from neuralc.grammar.values import Applied, Evaluated, Word, describe, plain

Shape: TypeAlias = tuple[int, ...]
Check: TypeAlias = Callable[[Mapping[str, Any], Shape], str | None]
"""Says why an entry, with all its arguments, is not for weights of a shape."""


@dataclass(frozen=True)
class Config:
    """An entry of a table and the arguments that differ from its defaults: `random_normal(stddev=0.02)`."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def _any_shape(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    return None


@dataclass(frozen=True)
class Entry:
    """One initializer, regularizer or constraint."""

    name: str
    doc: str
    parameters: Parameters = ()
    aliases: tuple[str, ...] = ()
    check: Check = _any_shape


@dataclass(frozen=True)
class Table:
    """Entries of one noun, as a kind of parameter."""

    noun: str
    entries: tuple[Entry, ...]
    example: str

    @property
    def description(self) -> str:
        article = "an" if self.noun[0] in "aeiou" else "a"
        return f"{article} {self.noun}, by name or as a call: {self.example}"

    @cached_property
    def _spellings(self) -> Mapping[str, Entry]:
        return {_key(name): entry for entry in self.entries for name in (entry.name, *entry.aliases)}

    def find(self, name: str) -> Entry | None:
        """An entry by its name in any case, in snake_case or CamelCase."""
        return self._spellings.get(_key(name))

    def entry(self, config: Config) -> Entry:
        """Raises ValueError for a name that the table does not have."""
        found = self.find(config.name)
        if found is None:
            raise ValueError(f"unknown {self.noun} `{config.name}`")
        return found

    def arguments(self, config: Config) -> Mapping[str, Any]:
        """All arguments of a config, defaults included. Raises ValueError for one that the table does not have."""
        known = {parameter.name: parameter.default for parameter in self.entry(config).parameters}
        for name in config.arguments:
            if name not in known:
                raise ValueError(f"the {self.noun} `{config.name}` has no parameter `{name}`")
        return {**known, **config.arguments}

    def problem(self, config: Config, shape: Shape) -> str | None:
        """Why a config is not for a weight of a shape."""
        return self.entry(config).check(self.arguments(config), shape)

    def convert(self, value: Evaluated) -> Converted:
        value = plain(value)
        text = _name(value)
        if text is None:
            raise Unfit("E0305", f"is {self.description}, not {describe(value)}")
        entry = self.find(text)
        if entry is None:
            known = [entry.name for entry in self.entries]
            listed = f"known are {', '.join(known)}"
            message = f"unknown {self.noun} `{text}`"
            raise Unfit("E0202", message, suggest(text, known), whole=True, notes=(listed,))
        return _called(entry, value) if isinstance(value, Applied) else Converted(Config(entry.name))


def _called(entry: Entry, call: Applied) -> Converted:
    messages: list[Diagnostic] = []
    given = [Given(name, value, span) for name, value, span in call.arguments]
    bound = bind(f"`{call.name}`", entry.parameters, (), given, call.span, messages.append)
    if bound is None:
        raise Unfit.of(next(found for found in messages if found.severity == "error"))
    defaults = {parameter.name: parameter.default for parameter in entry.parameters}
    arguments = {name: bound[name] for name in bound.spans if bound[name] != defaults[name]}
    warning = next((found.message for found in messages), None)
    return Converted(Config(entry.name, arguments), warning)


def _name(value: Evaluated) -> str | None:
    match value:
        case Applied():
            return value.name
        case Word():
            return value.text
        case str():
            return value
        case _:
            return None


def _key(name: str) -> str:
    return name.replace("_", "").lower()


def _p(name: str, kind: Kind, default: Any, doc: str) -> Parameter:
    return Parameter(name, kind, default, doc)


# --- initializers ----------------------------------------------------------------------------------------------------
_SEED = _p("seed", Optional(Whole(0)), None, "makes the values depend on it and the shape alone")
_FANS: Parameters = (
    _p("input_axes", Optional(Several(Whole())), None, "axes whose sizes make the fan-in"),
    _p("output_axes", Optional(Several(Whole())), None, "axes whose sizes make the fan-out"),
)
_NORMAL: Parameters = (
    _p("mean", Real(), 0.0, "mean of the values"),
    _p("stddev", Real(0), 0.05, "standard deviation of the values"),
    _SEED,
)


def _fan_axes(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    if (arguments["input_axes"] is None) != (arguments["output_axes"] is None):
        return "`input_axes` and `output_axes` are given together"
    return _axes_within((*(arguments["input_axes"] or ()), *(arguments["output_axes"] or ())), shape)


def _axes_within(axes: tuple[int, ...], shape: Shape) -> str | None:
    for axis in axes:
        if not -len(shape) <= axis < len(shape):
            return f"axis {axis} is outside the weight {shape}"
    return None


def _matrix(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    return None if len(shape) == 2 else f"it is for matrices, the weight is {shape}"


def _at_least_a_matrix(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    return None if len(shape) >= 2 else f"it needs two axes, the weight is {shape}"


def _quarters(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    if INITIALIZER.find(arguments["others"]) is None:
        return f"there is no initializer `{arguments['others']}`"
    return None if shape and shape[-1] % 4 == 0 else f"it is for four gates, the weight is {shape}"


def _scaled(name: str, doc: str) -> Entry:
    return Entry(name, doc, (_SEED, *_FANS), check=_fan_axes)


INITIALIZER = Table(
    "initializer",
    (
        _scaled("glorot_uniform", "uniform within sqrt(6 / (fan_in + fan_out)) of 0"),
        _scaled("glorot_normal", "normal with variance 2 / (fan_in + fan_out), cut at two deviations"),
        _scaled("he_uniform", "uniform within sqrt(6 / fan_in) of 0"),
        _scaled("he_normal", "normal with variance 2 / fan_in, cut at two deviations"),
        _scaled("lecun_uniform", "uniform within sqrt(3 / fan_in) of 0"),
        _scaled("lecun_normal", "normal with variance 1 / fan_in, cut at two deviations"),
        Entry(
            "variance_scaling",
            "values of variance scale / fan",
            (
                _p("scale", Real(0, open_low=True), 1.0, "the variance times the fan"),
                _p("mode", OneOf(("fan_in", "fan_out", "fan_avg")), "fan_in", "the fan that is meant"),
                _p(
                    "distribution",
                    OneOf(("truncated_normal", "untruncated_normal", "uniform", "normal")),
                    "truncated_normal",
                    "`normal` is another name of `truncated_normal`",
                ),
                _SEED,
                *_FANS,
            ),
            check=_fan_axes,
        ),
        Entry("random_normal", "normal values", _NORMAL, ("normal",)),
        Entry("truncated_normal", "normal values, cut at two deviations", _NORMAL),
        Entry(
            "random_uniform",
            "values between two bounds, all equally likely",
            (_p("minval", Real(), -0.05, "the lower bound"), _p("maxval", Real(), 0.05, "the upper bound"), _SEED),
            ("uniform",),
        ),
        Entry(
            "orthogonal",
            "a matrix of orthogonal rows or columns; all axes but the last count as one",
            (_p("gain", Real(), 1.0, "factor of the matrix"), _SEED),
            ("orthogonal_initializer",),
            _at_least_a_matrix,
        ),
        Entry(
            "identity",
            "the identity matrix",
            (_p("gain", Real(), 1.0, "factor of the matrix"),),
            ("identity_initializer",),
            _matrix,
        ),
        Entry(
            "unit_forget",
            "1 for the second quarter of a bias, the forget gate of an LSTM (Jozefowicz et al. 2015)",
            (_p("others", Identifier(), "zeros", "the initializer of the other gates, by its name"),),
            check=_quarters,
        ),
        Entry("constant", "one value", (_p("value", Real(), 0.0, "the value"),)),
        Entry("zeros", "0", aliases=("zero",)),
        Entry("ones", "1", aliases=("one",)),
    ),
    '"he_normal", RandomNormal(stddev=0.02)',
)
"""`keras.initializers`: fan_in and fan_out are the inputs and outputs of a unit."""

# --- regularizers ----------------------------------------------------------------------------------------------------
_L1, _L2 = "factor of the sum of |w|", "factor of the sum of w ** 2"

REGULARIZER = Table(
    "regularizer",
    (
        Entry("l1", "l1 * sum(|w|)", (_p("l1", Real(0), 0.01, _L1),)),
        Entry("l2", "l2 * sum(w ** 2)", (_p("l2", Real(0), 0.01, _L2),)),
        Entry(
            "l1_l2",
            "l1 * sum(|w|) + l2 * sum(w ** 2)",
            (_p("l1", Real(0), 0.0, _L1), _p("l2", Real(0), 0.0, _L2)),
        ),
        Entry(
            "orthogonal_regularizer",
            "factor * mean of |cosine| over pairs of rows or columns",
            (
                _p("factor", Real(0), 0.01, "factor of the mean"),
                _p("mode", OneOf(("rows", "columns")), "rows", "what should be orthogonal"),
            ),
            check=_matrix,
        ),
    ),
    '"l2", L1L2(l1=0.01, l2=0.001)',
)
"""`keras.regularizers`: what training adds to the loss for a weight w."""

# --- constraints -----------------------------------------------------------------------------------------------------
_AXIS = _p("axis", Several(Whole()), (0,), "axes over which a norm is taken")


def _norm_axes(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    return _axes_within(arguments["axis"], shape)


CONSTRAINT = Table(
    "constraint",
    (
        Entry(
            "max_norm",
            "norms of at most max_value",
            (_p("max_value", Real(0), 2.0, "the largest norm"), _AXIS),
            check=_norm_axes,
        ),
        Entry("non_neg", "values of at least 0"),
        Entry("unit_norm", "norms of 1", (_AXIS,), check=_norm_axes),
        Entry(
            "min_max_norm",
            "norms from min_value to max_value",
            (
                _p("min_value", Real(0), 0.0, "the smallest norm"),
                _p("max_value", Real(0), 1.0, "the largest norm"),
                _p("rate", Real(0, 1), 1.0, "how far each step goes to the nearest norm allowed"),
                _AXIS,
            ),
            check=_norm_axes,
        ),
    ),
    '"non_neg", MaxNorm(2, axis=0)',
)
"""`keras.constraints`: what a weight is brought to after each step of training."""


def fans(
    shape: Shape, inputs: tuple[int, ...] | None = None, outputs: tuple[int, ...] | None = None
) -> tuple[int, int]:
    """Inputs and outputs of a unit, as `keras.initializers` counts them: of a convolution, over its window."""
    if inputs is not None and outputs is not None:
        return math.prod(shape[axis] for axis in inputs), math.prod(shape[axis] for axis in outputs)
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    taps = math.prod(shape[:-2])
    return shape[-2] * taps, shape[-1] * taps
