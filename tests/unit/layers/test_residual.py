"""Residual blocks that change the shape, against Keras: a 1x1 convolution of the input (He et al. 2016, eq. 2)."""

from typing import Any

import pytest
from support.keras_reference import agrees, layers, program_of

from neuralc.frontends.nr import LoadedProgram
from neuralc.grammar.diagnostics import NeuralcError

pytestmark = pytest.mark.thorough


def loaded(text: str, shape: str) -> LoadedProgram:
    return program_of(text, {"x": f"{shape} float32"})


def strided(x: Any) -> Any:
    """Windows end at even places: of 8 places the shortcut reads 0, 2, 4, 6."""
    return layers.Add()(
        [layers.Conv2D(5, 3, 2, "same")(x), layers.Conv2D(5, 1, 2, use_bias=False)(x)],
    )


def of_the_center(x: Any) -> Any:
    center = layers.Cropping2D(((1, 1), (2, 2)))(x)
    return layers.Add()([layers.Conv2D(5, (3, 5))(x), layers.Conv2D(5, 1, use_bias=False)(center)])


def of_the_centers_of_windows(x: Any) -> Any:
    """A window of 3 places in steps of 2 over 12 places has its centers at 1, 3, 5, 7, 9."""
    center = layers.Cropping1D((1, 2))(x)
    return layers.Add()([layers.Conv1D(5, 3, 2)(x), layers.Conv1D(5, 1, 2, use_bias=False)(center)])


def linear(x: Any) -> Any:
    return layers.Add()([layers.Dense(5)(x), layers.Dense(5, use_bias=False)(x)])


@pytest.mark.parametrize(
    ("text", "shape", "build", "sizes"),
    [
        ('Residual { Conv2D(5, 3, strides=2, padding="same") }', (8, 7, 3), strided, None),
        ('Residual { Conv2D(5, 3, strides=2, padding="same") }', (8, 7, 3), strided, "(S, T, 3)"),
        ("Residual { Conv2D(5, (3, 5)) }", (8, 10, 3), of_the_center, None),
        ("Residual { Conv2D(5, (3, 5)) }", (8, 10, 3), of_the_center, "(S, 10, 3)"),
        ("Residual { Conv1D(5, 3, strides=2) }", (12, 3), of_the_centers_of_windows, None),
        ("Residual { Conv1D(5, 3, strides=2) }", (12, 3), of_the_centers_of_windows, "(S, 3)"),
        ("Residual { Dense(5) }", (4,), linear, None),
    ],
)
def test_the_input_is_brought_to_the_shape_of_the_result(
    text: str, shape: tuple[int, ...], build: Any, sizes: str | None
) -> None:
    agrees(text, shape, build, sizes={} if sizes is None else {"x": sizes})


@pytest.mark.parametrize("text", ["ResidualConnection { Dense(4) ReLU() }", "Residual { Dense(4) ReLU() }"])
def test_the_input_is_added_to_what_the_block_gives(text: str) -> None:
    agrees(text, (6, 4), lambda x: layers.Add()([layers.ReLU()(layers.Dense(4)(x)), x]))


@pytest.mark.parametrize(
    ("text", "shape", "warned"),
    [
        ("Residual { Conv2D(5, 3) }", "(8, 8, 3)", "its input joins by a 1x1 convolution of its center"),
        ('Residual { Conv2D(5, 3, padding="same") }', "(8, 8, 3)", "its input joins by a 1x1 convolution"),
        ("Residual { Dense(5) }", "(4)", "its input joins by a linear map"),
    ],
)
def test_a_change_of_the_shape_is_told(text: str, shape: str, warned: str) -> None:
    (warning,) = loaded(text, shape).warnings
    assert warning.code == "W0405"
    assert warning.message.endswith(warned)


def test_a_block_that_keeps_the_shape_has_no_shortcut() -> None:
    program = loaded("Residual { Dense(4) }", "(4)")
    assert program.warnings == ()
    assert [weight.name for weight in program.weights] == ["residual.dense.kernel", "residual.dense.bias"]


def test_a_projection_that_was_asked_for_is_not_told() -> None:
    assert loaded('Residual(shortcut="projection") { Dense(5) }', "(4)").warnings == ()


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ('Residual(shortcut="identity") { Dense(5) }', "(4)", "so its input cannot be added"),
        ('ResidualConnection(shortcut="auto") { Dense(5) }', "(4)", '"identity" or "projection", not "auto"'),
        ('Residual(shortcut="projection") { Conv2D(3, 4) }', "(8, 8, 3)", "no stride leads from 8 to 5 places"),
        ("Residual { UpSampling2D(2) }", "(8, 8, 3)", "no stride leads from 8 to 16 places"),
        ("Residual { Flatten() }", "(8, 8, 3)", "no projection leads from (batch, 8, 8, 3) to (batch, 192)"),
    ],
)
def test_what_no_map_leads_to_is_refused(text: str, shape: str, message: str) -> None:
    with pytest.raises(NeuralcError) as caught:
        loaded(text, shape)
    (found,) = caught.value.diagnostics
    assert message in found.message
