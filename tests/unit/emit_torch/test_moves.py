"""Padding, slices, resizing and transposed convolutions as torch writes them."""

import numpy as np
import pytest
from support.compare import assert_close
from support.torch_code import run_torch_code

from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.emit.torch import emit
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import Source


def code_of(layers: str, shape: str) -> str:
    return emit(load(Source("m.nr", f"network M {{ input: {shape} layers: {layers} }}")).module)


def check(layers: str, shape: tuple[int, ...]) -> None:
    """The emitted code computes what the reference does, in float64."""
    program = load(Source("m.nr", f"network M {{ input: x: {shape} layers: {layers} }}"))
    generator = np.random.default_rng(0)
    store = WeightStore({w.name: generator.normal(size=w.shape).astype("float32") for w in program.weights})
    x = generator.normal(size=(2, *shape))
    (expected,) = run_module(program.module, [x], store)
    (found,) = run_torch_code(program.module, {"x": x}, store)
    assert_close(found, expected, 1e-10)


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ("ZeroPadding2D(((1, 0), (2, 3)))", (4, 5, 3)),
        ("ZeroPadding1D((0, 2))", (4, 3)),
        ("ZeroPadding3D(1) Conv3D(2, 3)", (3, 4, 5, 2)),
        ("Cropping2D(((1, 0), (0, 2)))", (4, 5, 3)),
        ("Conv2D(3, 1) Cropping2D(1) Conv2D(2, 1)", (4, 5, 3)),
        ("Cropping1D(1)", (4, 3)),
        ("UpSampling1D(3)", (4, 3)),
        ('UpSampling2D((2, 3), data_format="channels_first")', (3, 4, 5)),
        ('UpSampling2D(2, interpolation="bilinear")', (4, 5, 3)),
        ('UpSampling2D((2, 3), interpolation="bicubic") Conv2D(2, 1)', (4, 5, 3)),
        ("UpSampling3D(2)", (2, 3, 4, 2)),
        ('UpSampling2D(2, interpolation="lanczos3")', (4, 5, 3)),
        ('UpSampling2D(2, interpolation="bilinear") UpSampling2D(2, interpolation="lanczos5")', (4, 5, 3)),
        ("Residual { Conv2D(4, 3, strides=2) }", (9, 9, 3)),
        *(
            (f'Conv1DTranspose(2, {k}, strides=3, padding="{p}")', (5, 3))
            for k in (1, 2, 3, 4)
            for p in ("same", "valid")
        ),
        ('Conv2DTranspose(2, (3, 2), strides=(2, 3), padding="same", output_padding=(0, 1))', (5, 4, 3)),
        ("Conv3DTranspose(2, 2, dilation_rate=2, use_bias=false)", (3, 4, 5, 2)),
    ],
)
def test_the_code_agrees_with_the_reference(layers: str, shape: tuple[int, ...]) -> None:
    check(layers, shape)


@pytest.mark.parametrize(
    ("layers", "shape", "line"),
    [
        ("ZeroPadding2D(((1, 0), (2, 3)))", "(4, 5, 3)", "F.pad(x, (0, 0, 2, 3, 1, 0))"),
        ("Cropping2D(((1, 0), (0, 2)))", "(4, 5, 3)", "x[:, 1:, :-2]"),
        ("Cropping1D(1)", "(S, 3)", "x[:, 1:-1]"),
        ("UpSampling2D(2)", "(4, 5, 3)", "F.interpolate(x, scale_factor=2)"),
        (
            'Conv1DTranspose(2, 3, strides=2, padding="same", data_format="channels_first")',
            "(3, 4)",
            "return self.conv1d_transpose(x)[:, :, :-1]",
        ),
    ],
)
def test_it_reads_as_one_writes_it(layers: str, shape: str, line: str) -> None:
    assert line in code_of(layers, shape)
