"""Windows that do not fit: a result without elements, a warning, and errors that tell the cause."""

import numpy as np
import pytest

from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import format_shape, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source


def loaded(layers: str, shape: str) -> LoadedProgram:
    return load(Source("m.nr", f"network M {{ input: {shape} layers: {layers} }}"))


def error_of(layers: str, shape: str) -> Diagnostic:
    with pytest.raises(NeuralcError) as caught:
        loaded(layers, shape)
    (found,) = caught.value.diagnostics
    return found


def result_of(program: LoadedProgram) -> str:
    return format_shape(shape_of(the_model(program.module).returns.data[0]))


@pytest.mark.parametrize(
    ("layers", "shape", "result"),
    [
        ("Conv2D(999999, (9999, 9999))", "(28, 28, 3)", "(batch, 0, 0, 999999)"),
        ("Conv2D(4, (9, 3))", "(8, 8, 3)", "(batch, 0, 6, 4)"),
        ("Conv1D(4, 5, dilation_rate=2)", "(8, 3)", "(batch, 0, 4)"),
        ("Conv3D(4, 3, strides=2)", "(8, 2, 8, 3)", "(batch, 3, 0, 3, 4)"),
        ("Conv2D(4, 9)", "(S, 8, 3)", "(batch, S - 8, 0, 4)"),
        ("Conv2D(4, 9, data_format=channels_first)", "(3, 8, 8)", "(batch, 4, 0, 0)"),
        ("SeparableConv2D(4, 9)", "(8, 8, 3)", "(batch, 0, 0, 4)"),
        ("DepthwiseConv2D(9, depth_multiplier=2)", "(8, 8, 3)", "(batch, 0, 0, 6)"),
        ("MaxPooling2D(9)", "(8, 8, 3) int32", "(batch, 0, 0, 3)"),
        ("AveragePooling1D(9)", "(8, 3)", "(batch, 0, 3)"),
    ],
)
def test_a_window_larger_than_its_input_gives_no_elements_and_has_no_weights(
    layers: str, shape: str, result: str
) -> None:
    program = loaded(layers, shape)
    (warning,) = program.warnings
    assert (warning.code, warning.severity) == ("W0404", "warning")
    assert warning.message.endswith("the result has no elements")
    assert program.weights == ()
    assert result_of(program) == result


def test_the_warning_gives_both_sizes() -> None:
    (warning,) = loaded("Conv2D(4, (9, 3), dilation_rate=(1, 2))", "(8, 7, 3)").warnings
    assert warning.message.startswith("the window 9x5 is larger than its input 8x7")


def test_such_a_model_runs() -> None:
    (found,) = run_module(loaded("Conv2D(4, 9)", "(8, 8, 3)").module, [np.zeros((2, 8, 8, 3))], WeightStore())
    assert found.shape == (2, 0, 0, 4)


def test_a_layer_behind_it_tells_the_cause() -> None:
    found = error_of("Conv2D(4, 9) Flatten()", "(8, 8, 3)")
    assert found.message == "`Flatten`: its input (batch, 0, 0, 4) has no elements"
    assert "there the window 9x9 is larger than its input 8x8: the result has no elements" in found.notes


def test_same_padding_takes_any_window() -> None:
    assert result_of(loaded('Conv2D(4, 9, padding="same")', "(3, 3, 1)")) == "(batch, 3, 3, 4)"


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ("Conv2D(4, 3)", "(8, 8)", "it takes images (batch, height, width, channels), its input is (batch, 8, 8)"),
        ("Conv1D(4, 3, data_format=channels_first)", "(8)", "it takes sequences (batch, channels, steps)"),
        ("MaxPooling3D()", "(8, 8, 3)", "it takes volumes (batch, depth, height, width, channels)"),
        ("Conv2D(4, 3)", "(8, 8, C)", "the number of channels must be a number, it is C"),
        ("Conv2DTranspose(4, 3, output_padding=1)", "(8, 8, 3)", "an output padding of 1 is not below the stride 1"),
        ("Cropping1D((3, 5))", "(8, 3)", "without 3 and 5 of 8 places along the steps, nothing is left"),
        ('UpSampling2D(2, interpolation="bilinear")', "(8, 8, 3) uint8", "needs floats"),
    ],
)
def test_what_does_not_fit_is_an_error(layers: str, shape: str, message: str) -> None:
    found = error_of(layers, shape)
    assert found.code == "E0401"
    assert message in found.message


def test_a_missing_axis_of_channels_is_explained() -> None:
    assert "input: (28, 28, 1)" in str(error_of("Conv2D(4, 3)", "(28, 28)").help)


@pytest.mark.parametrize(
    ("layers", "code", "message"),
    [
        ("Conv2D(4, (3, 3, 3))", "E0305", "is a whole number of at least 1, or two of them, not (3, 3, 3)"),
        ("Conv3D(4, 0)", "E0306", "is a whole number of at least 1, or three of them, not 0"),
        ("Conv1D(4, (3, 3))", "E0305", "is a whole number of at least 1, not (3, 3)"),
        ("ZeroPadding1D((1, 2, 3))", "E0305", "is a whole number of at least 0, or two of them: before and behind"),
        ("ZeroPadding2D((1, 2, 3))", "E0305", "or two of them, or two pairs: before and behind, not (1, 2, 3)"),
        ("Cropping2D(-1)", "E0306", "is a whole number of at least 0"),
        ('Conv2D(4, 3, padding="causal")', "E0307", '"valid" or "same", not "causal"'),
    ],
)
def test_arguments_that_do_not_fit(layers: str, code: str, message: str) -> None:
    found = error_of(layers, "(8, 8, 3)")
    assert found.code == code
    assert message in found.message
