"""How weights start, what training adds to the loss for them, and what it holds them to: Keras's tables of the three.

A parameter of a layer takes the name of an entry or a call of one, in any spelling Keras knows:

    "he_normal"   HeNormal(seed=1)   VarianceScaling(2.0, mode="fan_out")   L2(0.01)   MaxNorm(2, axis=[0, 1, 2])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from neuralc.grammar.binding import Given, bind
from neuralc.grammar.configured import Configured
from neuralc.grammar.diagnostics import Diagnostic
from neuralc.grammar.parameters import (
    Converted,
    Flag,
    Identifier,
    OneOf,
    Optional,
    Parameter,
    Parameters,
    Real,
    Several,
    Unfit,
    Whole,
)
from neuralc.grammar.training.table import Entry, Table, p
from neuralc.grammar.values import Applied, Evaluated, Word, describe, plain

Shape: TypeAlias = tuple[int, ...]
Check: TypeAlias = Callable[[Mapping[str, Any], Shape], str | None]
"""Says why an entry, with all its arguments, is not for weights of a shape."""


@dataclass(frozen=True)
class AnEntry:
    """An entry of a table, by name or as a call; the value holds the arguments that differ from its defaults."""

    table: Table
    example: str

    @property
    def noun(self) -> str:
        return self.table.noun

    @property
    def description(self) -> str:
        article = "an" if self.noun[0] in "aeiou" else "a"
        return f"{article} {self.noun}, by name or as a call: {self.example}"

    def arguments(self, config: Configured) -> Mapping[str, Any]:
        """All arguments, defaults included. Raises ValueError for a name that the table does not have."""
        entry = self.table.find(config.name)
        if entry is None:
            raise ValueError(f"no {self.noun} is called {config.name}")
        return {**{parameter.name: parameter.default for parameter in entry.parameters}, **config.arguments}

    def problem(self, config: Configured, shape: Shape) -> str | None:
        """Why it is not for a weight of a shape."""
        check = FITS.get(config.name)
        return None if check is None else check(self.arguments(config), shape)

    def convert(self, value: Evaluated) -> Converted:
        value = plain(value)
        name = _name(value)
        if name is None:
            raise Unfit("E0305", f"is {self.description}, not {describe(value)}")
        entry = self.table.find(name)
        if entry is None:
            raise Unfit.of(self.table.unknown(name, None))
        return _called(entry, value) if isinstance(value, Applied) else Converted(Configured(entry.name))


def _called(entry: Entry, call: Applied) -> Converted:
    messages: list[Diagnostic] = []
    given = [Given(name, value, span) for name, value, span in call.arguments]
    bound = bind(f"`{call.name}`", entry.parameters, (), given, call.span, messages.append)
    if bound is None:
        raise Unfit.of(next(found for found in messages if found.severity == "error"))
    defaults = {parameter.name: parameter.default for parameter in entry.parameters}
    arguments = {name: bound[name] for name in bound.spans if bound[name] != defaults[name]}
    warning = next((found.message for found in messages), None)
    return Converted(Configured(entry.name, arguments, call.span), warning)


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


# --- shapes of weights -----------------------------------------------------------------------------------------------
def _axes_within(axes: tuple[int, ...], shape: Shape) -> str | None:
    for axis in axes:
        if not -len(shape) <= axis < len(shape):
            return f"axis {axis} is outside the weight {shape}"
    if len({axis % len(shape) for axis in axes}) < len(axes):
        return f"the axes {', '.join(map(str, axes))} name one twice"
    return None


def _norm_axes(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    return _axes_within(arguments["axis"], shape)


def _fan_axes(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    if (arguments["input_axes"] is None) != (arguments["output_axes"] is None):
        return "`input_axes` and `output_axes` are given together"
    return _axes_within(arguments["input_axes"] or (), shape) or _axes_within(arguments["output_axes"] or (), shape)


def _matrix(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    return None if len(shape) == 2 else f"it is for matrices, the weight is {shape}"


def _waves(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    if len(shape) == 3 and shape[1] == 1 and shape[2] > 1:
        return None
    return f"it is for a kernel [steps, 1, frequencies], the weight is {shape}"


def _at_least_a_matrix(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    return None if len(shape) >= 2 else f"it needs two axes, the weight is {shape}"


def _quarters(arguments: Mapping[str, Any], shape: Shape) -> str | None:
    if INITIALIZERS.find(arguments["others"]) is None:
        return f"there is no initializer `{arguments['others']}`"
    return None if shape and shape[-1] % 4 == 0 else f"it is for four gates, the weight is {shape}"


SCALED: Mapping[str, Mapping[str, Any]] = {
    "glorot_uniform": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform"},
    "glorot_normal": {"scale": 1.0, "mode": "fan_avg", "distribution": "truncated_normal"},
    "he_uniform": {"scale": 2.0, "mode": "fan_in", "distribution": "uniform"},
    "he_normal": {"scale": 2.0, "mode": "fan_in", "distribution": "truncated_normal"},
    "lecun_uniform": {"scale": 1.0, "mode": "fan_in", "distribution": "uniform"},
    "lecun_normal": {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"},
}
"""Names of variance scaling with fixed arguments."""

FITS: Mapping[str, Check] = {
    **dict.fromkeys((*SCALED, "variance_scaling"), _fan_axes),
    **dict.fromkeys(("max_norm", "unit_norm", "min_max_norm"), _norm_axes),
    **dict.fromkeys(("identity", "orthogonal_regularizer"), _matrix),
    "orthogonal": _at_least_a_matrix,
    "stft": _waves,
    "unit_forget": _quarters,
}
"""Entries that are not for weights of every shape."""


# --- initializers ----------------------------------------------------------------------------------------------------
_SEED = p("seed", Optional(Whole(0)), None, "makes the values depend on it and the shape alone")
_FANS: Parameters = (
    p("input_axes", Optional(Several(Whole())), None, "axes whose sizes make the fan-in"),
    p("output_axes", Optional(Several(Whole())), None, "axes whose sizes make the fan-out"),
)
_NORMAL: Parameters = (
    p("mean", Real(), 0.0, "mean of the values"),
    p("stddev", Real(0), 0.05, "standard deviation of the values"),
    _SEED,
)
_DISTRIBUTION = OneOf(("truncated_normal", "untruncated_normal", "uniform", "normal"))
_GAIN = p("gain", Real(), 1.0, "factor of the matrix")


def _initializer(name: str, keras: str, doc: str, *parameters: Parameter, aliases: tuple[str, ...] = ()) -> Entry:
    return Entry(name, parameters, f"keras.initializers.{keras}", doc, aliases)


INITIALIZERS = Table(
    "initializer",
    "E0202",
    (
        _initializer("glorot_uniform", "GlorotUniform", "within sqrt(6 / (fan_in + fan_out)) of 0", _SEED, *_FANS),
        _initializer(
            "glorot_normal",
            "GlorotNormal",
            "normal, variance 2 / (fan_in + fan_out), cut at 2 deviations",
            _SEED,
            *_FANS,
        ),
        _initializer("he_uniform", "HeUniform", "within sqrt(6 / fan_in) of 0", _SEED, *_FANS),
        _initializer("he_normal", "HeNormal", "normal, variance 2 / fan_in, cut at 2 deviations", _SEED, *_FANS),
        _initializer("lecun_uniform", "LecunUniform", "within sqrt(3 / fan_in) of 0", _SEED, *_FANS),
        _initializer("lecun_normal", "LecunNormal", "normal, variance 1 / fan_in, cut at 2 deviations", _SEED, *_FANS),
        _initializer(
            "variance_scaling",
            "VarianceScaling",
            "values of variance scale / fan",
            p("scale", Real(0, open_low=True), 1.0, "the variance times the fan"),
            p("mode", OneOf(("fan_in", "fan_out", "fan_avg")), "fan_in", "the fan that is meant"),
            p("distribution", _DISTRIBUTION, "truncated_normal", "`normal` is another name of `truncated_normal`"),
            _SEED,
            *_FANS,
        ),
        _initializer("random_normal", "RandomNormal", "normal", *_NORMAL, aliases=("normal",)),
        _initializer("truncated_normal", "TruncatedNormal", "normal, cut at 2 deviations", *_NORMAL),
        _initializer(
            "random_uniform",
            "RandomUniform",
            "between two bounds, all values equally likely",
            p("minval", Real(), -0.05, "the lower bound"),
            p("maxval", Real(), 0.05, "the upper bound"),
            _SEED,
            aliases=("uniform",),
        ),
        _initializer(
            "orthogonal",
            "Orthogonal",
            "a matrix of orthogonal rows or columns; all axes but the last count as one (Saxe et al. 2014)",
            _GAIN,
            _SEED,
            aliases=("orthogonal_initializer",),
        ),
        _initializer("identity", "Identity", "the identity matrix", _GAIN, aliases=("identity_initializer",)),
        Entry(
            "unit_forget",
            (p("others", Identifier(), "zeros", "the initializer of the other gates, by its name"),),
            "Jozefowicz et al. 2015",
            "1 for the second quarter of a bias, the forget gate of an LSTM",
        ),
        _initializer("constant", "Constant", "one value", p("value", Real(), 0.0, "the value")),
        _initializer("zeros", "Zeros", "0", aliases=("zero",)),
        _initializer("ones", "Ones", "1", aliases=("one",)),
        _initializer(
            "stft",
            "STFT",
            "waves under a window: the kernel of a Conv1D that is a short-time Fourier transform",
            p("side", OneOf(("real", "imag")), "real", "cosines or sines"),
            p("window", Optional(OneOf(("hann", "hamming", "blackman"))), "hann", "what weighs the steps"),
            p(
                "scaling",
                Optional(OneOf(("density", "spectrum"))),
                "density",
                "divide by the norm of the window, L2 or L1",
            ),
            p("periodic", Flag(), False, "the window goes on behind its end"),
            aliases=("stft_initializer",),
        ),
    ),
)
"""How weights start; fan_in and fan_out are inputs and outputs of a unit."""

# --- regularizers ----------------------------------------------------------------------------------------------------
_L1, _L2 = "factor of the sum of |w|", "factor of the sum of w ** 2"


def _regularizer(name: str, keras: str, doc: str, *parameters: Parameter) -> Entry:
    return Entry(name, parameters, f"keras.regularizers.{keras}", doc)


REGULARIZERS = Table(
    "regularizer",
    "E0202",
    (
        _regularizer("l1", "L1", "l1 * sum(|w|)", p("l1", Real(0), 0.01, _L1)),
        _regularizer("l2", "L2", "l2 * sum(w ** 2)", p("l2", Real(0), 0.01, _L2)),
        _regularizer(
            "l1_l2",
            "L1L2",
            "l1 * sum(|w|) + l2 * sum(w ** 2)",
            p("l1", Real(0), 0.0, _L1),
            p("l2", Real(0), 0.0, _L2),
        ),
        _regularizer(
            "orthogonal_regularizer",
            "OrthogonalRegularizer",
            "factor * mean of |cosine| over pairs of rows or columns",
            p("factor", Real(0), 0.01, "factor of the mean"),
            p("mode", OneOf(("rows", "columns")), "rows", "what should be orthogonal"),
        ),
    ),
)
"""What training adds to the loss for a weight w."""

# --- constraints -----------------------------------------------------------------------------------------------------
_AXIS = p("axis", Several(Whole()), (0,), "axes over which a norm is taken")


def _constraint(name: str, keras: str, doc: str, *parameters: Parameter) -> Entry:
    return Entry(name, parameters, f"keras.constraints.{keras}", doc)


CONSTRAINTS = Table(
    "constraint",
    "E0202",
    (
        _constraint(
            "max_norm", "MaxNorm", "norms of at most max_value", p("max_value", Real(0), 2.0, "the largest norm"), _AXIS
        ),
        _constraint("non_neg", "NonNeg", "values of at least 0"),
        _constraint("unit_norm", "UnitNorm", "norms of 1", _AXIS),
        _constraint(
            "min_max_norm",
            "MinMaxNorm",
            "norms from min_value to max_value",
            p("min_value", Real(0), 0.0, "the smallest norm"),
            p("max_value", Real(0), 1.0, "the largest norm"),
            p("rate", Real(0, 1), 1.0, "how far each step goes to the nearest norm allowed"),
            _AXIS,
        ),
    ),
)
"""What a weight is brought to after each step of training."""

INITIALIZER = AnEntry(INITIALIZERS, '"he_normal", RandomNormal(stddev=0.02)')
REGULARIZER = AnEntry(REGULARIZERS, '"l2", L1L2(l1=0.01, l2=0.001)')
CONSTRAINT = AnEntry(CONSTRAINTS, '"non_neg", MaxNorm(2, axis=0)')
