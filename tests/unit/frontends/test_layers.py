"""What each layer computes, against PyTorch in float64 with the definitions of Keras 3 written out."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.compare import assert_close

from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.frontends.nr.activations import APPLY
from neuralc.frontends.nr.layers import LOWERINGS
from neuralc.grammar.diagnostics import Source
from neuralc.grammar.signatures import ACTIVATIONS, SIGNATURES

Weights = Mapping[str, torch.Tensor]
Reference = Callable[[torch.Tensor, Weights], torch.Tensor]


def loaded(layers: str, shape: str) -> LoadedProgram:
    return load(Source("m.nr", f"network M {{ input: {shape} layers: {layers} }}"))


def random_weights(program: LoadedProgram) -> WeightStore:
    """Values around 1 for variances and scales, around 0 for the rest: nothing cancels by chance."""
    generator = np.random.default_rng(1)
    center = {"moving_variance": 2.0, "gamma": 1.0}
    return WeightStore(
        {
            weight.name: (
                center.get(weight.name.split(".")[-1], 0.0) + 0.3 * generator.normal(size=weight.shape)
            ).astype("float32")
            for weight in program.weights
        }
    )


def check(layers: str, shape: tuple[int, ...], reference: Reference) -> None:
    program = loaded(layers, str(shape))
    store = random_weights(program)
    x = np.random.default_rng(0).normal(size=(2, *shape)) * 3
    (actual,) = run_module(program.module, [x], store)
    weights = {name: torch.from_numpy(array.astype(np.float64)) for name, array in store.items()}
    assert_close(actual, reference(torch.from_numpy(x), weights).numpy(), 1e-10)


def first(x: torch.Tensor) -> torch.Tensor:
    """Channels to where PyTorch has them."""
    return x.permute(0, 3, 1, 2)


def last(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1)


def conv(pads: tuple[int, int, int, int] = (0, 0, 0, 0), **options: Any) -> Reference:
    """`pads` are left, right, top, bottom as F.pad takes them."""

    def reference(x: torch.Tensor, w: Weights) -> torch.Tensor:
        kernel = w["conv2d.kernel"].permute(3, 2, 0, 1)
        return last(F.conv2d(F.pad(first(x), pads), kernel, w["conv2d.bias"], **options))

    return reference


# --- convolution -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("layer", "shape", "reference"),
    [
        ("Conv2D(4, 3)", (7, 8, 3), conv()),
        ("Conv2D(4, (2, 3), strides=(2, 1))", (7, 8, 3), conv(stride=(2, 1))),
        ('Conv2D(4, 3, padding="same")', (7, 8, 3), conv((1, 1, 1, 1))),
        ('Conv2D(4, 2, padding="same")', (7, 8, 3), conv((0, 1, 0, 1))),
        ('Conv2D(4, 3, padding="same", strides=2)', (7, 8, 3), conv((0, 1, 1, 1), stride=2)),
        ('Conv2D(4, 1, padding="same", strides=2)', (7, 8, 3), conv(stride=2)),
        ('Conv2D(4, 3, padding="same", dilation_rate=2)', (7, 8, 3), conv((2, 2, 2, 2), dilation=2)),
        ("Conv2D(4, 3, groups=2)", (7, 8, 6), conv(groups=2)),
        ("Conv2D(4, 3, dilation_rate=(1, 2))", (7, 8, 3), conv(dilation=(1, 2))),
        ('Conv2D(4, 3, "relu")', (7, 8, 3), lambda x, w: torch.relu(conv()(x, w))),
    ],
)
def test_conv2d(layer: str, shape: tuple[int, ...], reference: Reference) -> None:
    check(layer, shape, reference)


def test_conv2d_without_bias() -> None:
    check(
        "Conv2D(4, 3, use_bias=false)", (7, 8, 3), lambda x, w: conv()(x, {**w, "conv2d.bias": torch.zeros(4).double()})
    )


def test_conv2d_channels_first() -> None:
    def reference(x: torch.Tensor, w: Weights) -> torch.Tensor:
        return F.conv2d(F.pad(x, (0, 1, 1, 1)), w["conv2d.kernel"].permute(3, 2, 0, 1), w["conv2d.bias"], stride=2)

    check('Conv2D(4, 3, padding="same", strides=2, data_format="channels_first")', (3, 7, 8), reference)


@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_conv2d_keeps_the_results_of_a_channel_together(multiplier: int) -> None:
    def reference(x: torch.Tensor, w: Weights) -> torch.Tensor:
        kernel, bias = w["depthwise_conv2d.kernel"], w["depthwise_conv2d.bias"]
        channels = [
            F.conv2d(first(x)[:, c : c + 1], kernel[:, :, c : c + 1, m : m + 1].permute(3, 2, 0, 1))
            for c in range(3)
            for m in range(multiplier)
        ]
        return last(torch.cat(channels, 1)) + bias

    check(f"DepthwiseConv2D(3, depth_multiplier={multiplier})", (7, 8, 3), reference)


# --- pooling ---------------------------------------------------------------------------------------------------------
def pool(function: Callable[..., torch.Tensor], *arguments: Any, **options: Any) -> Reference:
    return lambda x, w: last(function(first(x), *arguments, **options))


def average_inside(x: torch.Tensor, w: Weights) -> torch.Tensor:
    """3x3 windows with step 2 over 7x8: one place of padding all around but left; padding does not count."""
    padded, ones = (F.pad(value, (0, 1, 1, 1)) for value in (first(x), torch.ones_like(first(x))))
    return last(F.avg_pool2d(padded, 3, 2) / F.avg_pool2d(ones, 3, 2))


@pytest.mark.parametrize(
    ("layer", "reference"),
    [
        ("MaxPooling2D()", pool(F.max_pool2d, 2)),
        ("MaxPooling2D((3, 2), 1)", pool(F.max_pool2d, (3, 2), 1)),
        (
            'MaxPooling2D(3, 2, "same")',
            lambda x, w: last(F.max_pool2d(F.pad(first(x), (0, 1, 1, 1), value=-1e9), 3, 2)),
        ),
        ("AveragePooling2D(3)", pool(F.avg_pool2d, 3)),
        ('AveragePooling2D(3, 2, "same")', average_inside),
        ("GlobalAveragePooling2D()", lambda x, w: x.mean((1, 2))),
        ("GlobalMaxPooling2D(keepdims=true)", lambda x, w: x.amax((1, 2), keepdim=True)),
        ('GlobalMaxPooling2D(data_format="channels_first")', lambda x, w: x.amax((2, 3))),
        ('MaxPooling2D(data_format="channels_first")', lambda x, w: F.max_pool2d(x, 2)),
    ],
)
def test_pooling(layer: str, reference: Reference) -> None:
    check(layer, (7, 8, 3), reference)


# --- dense, shapes, normalization ------------------------------------------------------------------------------------
def dense(x: torch.Tensor, w: Weights) -> torch.Tensor:
    return x @ w["dense.kernel"] + w["dense.bias"]


def batch_norm(axis: int, **fixed: float) -> Reference:
    def reference(x: torch.Tensor, w: Weights) -> torch.Tensor:
        sizes = [-1 if i == axis else 1 for i in range(x.ndim)]

        def value(name: str) -> torch.Tensor | float:
            return fixed[name] if name in fixed else w[f"batch_normalization.{name}"].reshape(sizes)

        scaled = (x - value("moving_mean")) / torch.sqrt(torch.as_tensor(value("moving_variance") + 0.001))
        return scaled * value("gamma") + value("beta")

    return reference


@pytest.mark.parametrize(
    ("layer", "shape", "reference"),
    [
        ("Dense(5)", (4,), dense),
        ("Dense(5)", (3, 4), dense),
        ('Dense(5, "gelu")', (4,), lambda x, w: F.gelu(dense(x, w))),
        ("Dense(5, use_bias=false)", (4,), lambda x, w: x @ w["dense.kernel"]),
        ('Output(5, "softmax")', (4,), lambda x, w: torch.softmax(x @ w["output.kernel"] + w["output.bias"], -1)),
        ("Flatten()", (3, 4, 2), lambda x, w: x.reshape(2, 24)),
        ("Flatten()", (), lambda x, w: x.reshape(2, 1)),
        ('Flatten(data_format="channels_first")', (2, 3, 4), lambda x, w: last(x).reshape(2, 24)),
        ("Identity()", (4,), lambda x, w: x),
        ("Dropout(0.5)", (4,), lambda x, w: x),
        ("BatchNormalization()", (3, 4, 2), batch_norm(3)),
        ("BatchNormalization(axis=1)", (3, 4, 2), batch_norm(1)),
        ("BatchNormalization(center=false)", (4,), batch_norm(1, beta=0.0)),
        ("BatchNormalization(scale=false)", (4,), batch_norm(1, gamma=1.0)),
    ],
)
def test_dense_shapes_and_normalization(layer: str, shape: tuple[int, ...], reference: Reference) -> None:
    check(layer, shape, reference)


def test_a_residual_connection_adds_its_input() -> None:
    check("ResidualConnection { Dense(4) }", (4,), lambda x, w: (
        x @ w["residual_connection.dense.kernel"] + w["residual_connection.dense.bias"] + x
    ))  # fmt: skip


def test_a_projection_shortcut_is_a_strided_1x1_convolution() -> None:
    def reference(x: torch.Tensor, w: Weights) -> torch.Tensor:
        inner = {name.removeprefix("residual."): value for name, value in w.items()}
        shortcut = F.conv2d(first(x), inner["shortcut.kernel"].permute(3, 2, 0, 1), stride=2)
        return conv((0, 1, 1, 1), stride=2)(x, inner) + last(shortcut)

    check('Residual(shortcut="projection") { Conv2D(5, 3, padding="same", strides=2) }', (7, 8, 3), reference)


# --- activations -----------------------------------------------------------------------------------------------------
def sparsemax(x: torch.Tensor) -> torch.Tensor:
    """The point of the simplex nearest to x (Martins and Astudillo 2016), by bisection over the threshold."""
    low, high = x.min(-1, keepdim=True).values - 1, x.max(-1, keepdim=True).values
    for _ in range(100):
        middle = (low + high) / 2
        above = (x - middle).clamp_min(0).sum(-1, keepdim=True) > 1
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    return (x - low).clamp_min(0)


FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": torch.relu,
    "relu6": F.relu6,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, -1),
    "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "softsign": F.softsign,
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "celu": F.celu,
    "sparse_sigmoid": lambda x: ((x + 1) / 2).clamp(0, 1),
    "log_sigmoid": F.logsigmoid,
    "hard_tanh": F.hardtanh,
    "tanh_shrink": F.tanhshrink,
    "soft_shrink": F.softshrink,
    "hard_shrink": F.hardshrink,
    "sparsemax": lambda x: sparsemax(x),
    "sparse_plus": lambda x: torch.where(x < 1, (x.clamp_min(-1) + 1) ** 2 / 4, x),
    "squareplus": lambda x: (x + (x * x + 4).sqrt()) / 2,
    "glu": F.glu,
    "exponential": torch.exp,
    "linear": lambda x: x,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_by_name(name: str) -> None:
    check(f'Activation("{name}")', (3, 4), lambda x, w: FUNCTIONS[name](x))


@pytest.mark.parametrize(
    ("layer", "reference"),
    [
        ("ReLU()", torch.relu),
        ("ReLU(max_value=6)", F.relu6),
        ("ReLU(max_value=2.5)", lambda x: x.clamp(0, 2.5)),
        ("ReLU(negative_slope=0.1)", lambda x: F.leaky_relu(x, 0.1)),
        ("ReLU(max_value=6, negative_slope=0.1)", lambda x: F.leaky_relu(x, 0.1).clamp(max=6)),
        ("LeakyReLU()", lambda x: F.leaky_relu(x, 0.3)),
        ("LeakyReLU(0.05)", lambda x: F.leaky_relu(x, 0.05)),
        ("ELU(0.5)", lambda x: F.elu(x, 0.5)),
        ("SELU()", F.selu),
        ("GELU()", F.gelu),
        ("GELU(approximate=true)", lambda x: F.gelu(x, approximate="tanh")),
        ("SiLU()", F.silu),
        ("Swish()", F.silu),
        ("Mish()", F.mish),
        ("Sigmoid()", torch.sigmoid),
        ("Tanh()", torch.tanh),
        ("Softmax()", lambda x: torch.softmax(x, -1)),
        ("Softmax(axis=1)", lambda x: torch.softmax(x, 1)),
        ("LogSoftmax(axis=1)", lambda x: torch.log_softmax(x, 1)),
        ("Softplus()", FUNCTIONS["softplus"]),
        ("Softsign()", F.softsign),
        ("HardSigmoid()", F.hardsigmoid),
        ("HardSwish()", F.hardswish),
        ("Exponential()", torch.exp),
        ("Linear()", lambda x: x),
    ],
)
def test_an_activation_layer(layer: str, reference: Callable[[torch.Tensor], torch.Tensor]) -> None:
    check(layer, (3, 4), lambda x, w: reference(x))


@pytest.mark.parametrize(("shared", "shape"), [("None", (3, 4)), ("[1]", (1, 4)), ("2", (3, 1))])
def test_prelu_has_one_slope_per_place_unless_axes_share_it(shared: str, shape: tuple[int, int]) -> None:
    (weight,) = loaded(f"PReLU(shared_axes={shared})", "(3, 4)").weights
    assert weight.shape == shape
    check(f"PReLU(shared_axes={shared})", (3, 4), lambda x, w: torch.where(x >= 0, x, w["p_re_lu.alpha"] * x))


# --- completeness ----------------------------------------------------------------------------------------------------
def test_every_layer_of_the_table_is_lowered() -> None:
    assert set(LOWERINGS) == {signature.name for signature in SIGNATURES}


def test_every_activation_has_an_op_and_a_reference() -> None:
    assert set(APPLY) == set(ACTIVATIONS) == set(FUNCTIONS)
