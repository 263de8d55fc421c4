"""Initializers: the distributions of Keras, by their moments and bounds, and what they depend on."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from neuralc.frontends.nr import load
from neuralc.grammar.configured import Configured
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source
from neuralc.grammar.initializers import CONSTRAINT, INITIALIZER, INITIALIZERS, REGULARIZER, AnEntry
from neuralc.grammar.values import Word
from neuralc.initial_values import DRAWN, initial_value
from neuralc.weights_file import initial_weights


def value(shape: tuple[int, ...], config: str, **arguments: Any) -> np.ndarray[Any, Any]:
    return initial_value("w", shape, Configured(config, arguments), 0)


def weights_of(arguments: str) -> Mapping[str, np.ndarray[Any, Any]]:
    program = load(Source("m.nr", f"network M {{ input: (300) layers: Dense(200, {arguments}) }}"))
    return initial_weights(program.weights)


def error_of(arguments: str) -> Diagnostic:
    with pytest.raises(NeuralcError) as caught:
        weights_of(arguments)
    (found,) = caught.value.diagnostics
    return found


# --- distributions ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "arguments", "deviation", "bound"),
    [
        ("glorot_uniform", {}, math.sqrt(2 / 500), math.sqrt(6 / 500)),
        ("glorot_normal", {}, math.sqrt(2 / 500), 2 * math.sqrt(2 / 500) / 0.8796),
        ("he_uniform", {}, math.sqrt(2 / 300), math.sqrt(6 / 300)),
        ("he_normal", {}, math.sqrt(2 / 300), 2 * math.sqrt(2 / 300) / 0.8796),
        ("lecun_uniform", {}, math.sqrt(1 / 300), math.sqrt(3 / 300)),
        ("lecun_normal", {}, math.sqrt(1 / 300), 2 * math.sqrt(1 / 300) / 0.8796),
        ("random_normal", {}, 0.05, math.inf),
        ("random_normal", {"stddev": 0.2}, 0.2, math.inf),
        ("random_uniform", {}, 0.1 / math.sqrt(12), 0.05),
        ("random_uniform", {"minval": -1.0, "maxval": 1.0}, 2 / math.sqrt(12), 1.0),
        ("truncated_normal", {}, 0.05 * 0.8796, 0.1),
        ("variance_scaling", {}, math.sqrt(1 / 300), 2 * math.sqrt(1 / 300) / 0.8796),
        ("variance_scaling", {"scale": 3.0, "mode": "fan_out"}, math.sqrt(3 / 200), math.inf),
        ("variance_scaling", {"mode": "fan_avg", "distribution": "uniform"}, math.sqrt(1 / 250), math.sqrt(3 / 250)),
        ("variance_scaling", {"distribution": "normal"}, math.sqrt(1 / 300), 2 * math.sqrt(1 / 300) / 0.8796),
        ("variance_scaling", {"input_axes": (1,), "output_axes": (0,)}, math.sqrt(1 / 200), math.inf),
        ("orthogonal", {}, math.sqrt(1 / 300), math.inf),
    ],
)
def test_initializers_have_the_spread_of_keras(
    config: str, arguments: Mapping[str, Any], deviation: float, bound: float
) -> None:
    values = value((300, 200), config, **arguments)
    assert abs(values.mean()) < 0.02 * deviation
    assert abs(values.std() / deviation - 1) < 0.02
    assert np.abs(values).max() <= bound * 1.0001


def test_an_untruncated_normal_goes_beyond_two_deviations() -> None:
    values = value((300, 200), "variance_scaling", distribution="untruncated_normal") * math.sqrt(300)
    assert abs(values.std() - 1) < 0.02
    assert 0.04 < (np.abs(values) > 2).mean() < 0.05


def test_the_bias_of_a_forget_gate_starts_at_one() -> None:
    values = value((12,), "unit_forget", others="random_normal")
    np.testing.assert_array_equal(values == 1.0, [False] * 3 + [True] * 3 + [False] * 6)
    np.testing.assert_array_equal(value((8,), "unit_forget"), [0, 0, 1, 1, 0, 0, 0, 0])


def test_a_mean_moves_the_values() -> None:
    assert abs(value((300, 200), "truncated_normal", mean=3.0).mean() - 3) < 0.001


def test_the_fans_of_a_convolution_count_its_taps() -> None:
    values = value((3, 3, 16, 64), "he_uniform")
    assert np.abs(values).max() == pytest.approx(math.sqrt(6 / (3 * 3 * 16)), rel=0.01)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (3, 3, 2, 4)])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    flat = value(shape, "orthogonal", gain=2.0).reshape(-1, shape[-1]) / 2.0
    short = flat @ flat.T if flat.shape[0] < flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(short, np.eye(min(flat.shape)), atol=1e-12)


def test_the_values_that_are_no_chance() -> None:
    np.testing.assert_array_equal(value((2, 3), "identity", gain=4.0), [[4, 0, 0], [0, 4, 0]])
    np.testing.assert_array_equal(value((2,), "constant", value=0.1), [0.1, 0.1])
    np.testing.assert_array_equal(value((2,), "zeros"), [0, 0])
    np.testing.assert_array_equal(value((2,), "ones"), [1, 1])


def test_every_entry_draws() -> None:
    assert set(DRAWN) == set(INITIALIZERS.names)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("scaling", ["density", "spectrum", None])
@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", None])
@pytest.mark.thorough
def test_a_kernel_of_waves_is_a_fourier_transform(window: str | None, scaling: str | None, periodic: bool) -> None:
    """Against numpy's FFT of a windowed frame, and scipy's windows."""
    signal = pytest.importorskip("scipy.signal")
    frame = np.random.default_rng(0).normal(size=16)
    weights = np.ones(16) if window is None else signal.get_window(window, 16, periodic)
    norm = {"density": np.sqrt((weights**2).sum()), "spectrum": weights.sum(), None: 1.0}[scaling if window else None]
    expected = np.fft.rfft(frame * weights / norm)
    options = {"window": window, "scaling": scaling, "periodic": periodic}
    real, imaginary = (value((16, 1, 9), "stft", side=side, **options)[:, 0] for side in ("real", "imag"))
    np.testing.assert_allclose(frame @ real + 1j * (frame @ imaginary), expected, atol=1e-12)


# --- seeds -----------------------------------------------------------------------------------------------------------
def test_values_follow_the_seed_of_the_model_and_the_name_unless_they_have_a_seed_of_their_own() -> None:
    plain, seeded = Configured("he_normal"), Configured("he_normal", {"seed": 1})
    first = initial_value("a", (4, 4), plain, 0)
    assert (first != initial_value("b", (4, 4), plain, 0)).any()
    assert (first != initial_value("a", (4, 4), plain, 1)).any()
    np.testing.assert_array_equal(initial_value("a", (4, 4), seeded, 0), initial_value("b", (4, 4), seeded, 1))


# --- how they are written --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "config"),
    [
        ('"he_normal"', Configured("he_normal")),
        ("HeNormal", Configured("he_normal")),
        ("HeNormal()", Configured("he_normal")),
        ("he_normal(seed=3)", Configured("he_normal", {"seed": 3})),
        ("RandomNormal(0.0, 0.05)", Configured("random_normal")),
        ("RandomNormal(stddev=0.02)", Configured("random_normal", {"stddev": 0.02})),
        ('"uniform"', Configured("random_uniform")),
        ("HPO(choice(HeNormal(seed=2), Zeros()))", Configured("he_normal", {"seed": 2})),
    ],
)
def test_an_initializer_by_name_or_as_a_call(written: str, config: Configured) -> None:
    program = load(Source("m.nr", f"network M {{ input: (4) layers: Dense(2, kernel_initializer={written}) }}"))
    assert program.weights[0].initializer == config


def test_regularizers_and_constraints_stay_with_the_weight() -> None:
    arguments = 'kernel_regularizer=L1L2(l2=0.1), bias_regularizer="l2", kernel_constraint=MaxNorm(3, axis=[0, 1])'
    program = load(Source("m.nr", f"network M {{ input: (4) layers: Dense(2, {arguments}) }}"))
    kernel, bias = program.weights
    assert (kernel.regularizer, bias.regularizer) == (Configured("l1_l2", {"l2": 0.1}), Configured("l2"))
    assert (kernel.constraint, bias.constraint) == (Configured("max_norm", {"max_value": 3.0, "axis": (0, 1)}), None)


@pytest.mark.parametrize("kind", [INITIALIZER, REGULARIZER, CONSTRAINT])
def test_names_of_keras_are_found_in_any_spelling(kind: AnEntry) -> None:
    for entry in kind.table.entries:
        if not entry.source.startswith("keras."):
            continue
        camel = entry.source.rpartition(".")[2]
        assert kind.convert(entry.name).value == kind.convert(Word(camel)).value == Configured(entry.name)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ('kernel_initializer="hee_normal"', "E0202", "unknown initializer `hee_normal`"),
        ('kernel_regularizer="l3"', "E0202", "unknown regularizer `l3`"),
        ("kernel_constraint=maxnorms", "E0202", "unknown constraint `maxnorms`"),
        ("kernel_initializer=3", "E0305", "is an initializer, by name or as a call"),
        ("kernel_initializer=HeNormal(sed=1)", "E0302", "`HeNormal` has no parameter `sed`"),
        ("kernel_initializer=RandomNormal(stddev=-1)", "E0306", "`RandomNormal`: `stddev` is a number from 0, not -1"),
        ("bias_initializer=Identity()", "E0401", "the initializer `identity` of its bias: it is for matrices"),
        ("bias_constraint=UnitNorm(1)", "E0401", "the constraint `unit_norm` of its bias: axis 1 is outside"),
        ("kernel_constraint=UnitNorm([0, -2])", "E0401", "the axes 0, -2 name one twice"),
        ("kernel_initializer=HeNormal(input_axes=0)", "E0401", "are given together"),
    ],
)
def test_what_does_not_fit_is_an_error(arguments: str, code: str, message: str) -> None:
    found = error_of(arguments)
    assert found.code == code
    assert message in found.message


def test_an_error_in_a_call_points_at_its_argument() -> None:
    found = error_of("kernel_initializer=RandomNormal(stddev=-1)")
    assert found.span is not None
    assert found.span.text == "stddev=-1"
