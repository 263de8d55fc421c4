"""graph.lstm, graph.gru and graph.rnn against torch, ONNX's reference and ONNX Runtime, then on every level."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from support.compare import Array
from support.graph_modules import GraphModule, tensor
from support.pipelines import NATIVE, assert_same
from support.regions import assert_everywhere
from support.tables import few_of
from xdsl.dialects.builtin import ModuleOp, i1
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import PARAMETERS, parse_activations
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import ShapeError
from neuralc.dialects.weights import WeightStore
from neuralc.passes.verifier import verify_module

FRAMEWORK = 1e-10
OPS: dict[str, Any] = {"lstm": graph.LstmOp, "gru": graph.GruOp, "rnn": graph.RnnOp}
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
TO_ONNX = {"lstm": (0, 3, 1, 2), "gru": (0, 1, 2), "rnn": (0,)}
"""ONNX's gates in ours: i o f c, and z r h."""
NAMES = {
    "affine": "Affine",
    "elu": "Elu",
    "hard_sigmoid": "HardSigmoid",
    "leaky_relu": "LeakyRelu",
    "relu": "Relu",
    "scaled_tanh": "ScaledTanh",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "tanh": "Tanh",
    "thresholded_relu": "ThresholdedRelu",
}


@dataclass
class Layer:
    """A recurrent layer with weights and inputs, in the forms of this compiler and of ONNX."""

    kind: str
    seed: int = 0
    time: int = 5
    batch: int = 3
    depth: int = 6
    units: int = 8
    two_biases: bool = False
    lengths: Array | None = None
    peepholes: bool = False
    properties: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        flags = [name for name, value in (("two biases", self.two_biases), ("peepholes", self.peepholes)) if value]
        flags += ["lengths"] * (self.lengths is not None)
        return " ".join([self.kind, *flags, *(f"{name}={value}" for name, value in self.properties.items())])

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        width = GATES[self.kind] * self.units

        def make(*shape: int) -> Array:
            return (rng.standard_normal(shape) * 0.5).astype(np.float32)

        self.kernel, self.recurrent = make(self.depth, width), make(self.units, width)
        self.bias = make(2, width) if self.two_biases else make(width)
        self.looks = make(3 * self.units)
        self.inputs = {"x": make(self.time, self.batch, self.depth), "h": make(self.batch, self.units)}
        if self.kind == "lstm":
            self.inputs["c"] = make(self.batch, self.units)
        if self.lengths is not None:
            self.inputs["mask"] = np.arange(self.time)[:, None] < self.lengths

    def module(self, time: int | str = "S", batch: int | str | None = None) -> tuple[ModuleOp, WeightStore]:
        builder = GraphModule()
        rows = batch or self.batch

        def body(x: SSAValue, *rest: SSAValue) -> list[SSAValue]:
            weights = [builder.weight(f"l.{name}", getattr(self, name)) for name in ("kernel", "recurrent", "bias")]
            looks = [builder.weight("l.peepholes", self.looks)] if self.peepholes else []
            return list(OPS[self.kind].of(x, *weights, *rest, *looks, **self.properties).results)

        types = {"x": tensor(time, rows, self.depth), "h": tensor(rows, self.units)}
        if self.kind == "lstm":
            types["c"] = tensor(rows, self.units)
        if "mask" in self.inputs:
            types["mask"] = tensor(time, rows, element=i1)
        return builder.model(types, body), builder.weights

    def reference(self) -> list[Array]:
        module, weights = self.module()
        verify_module(module)
        return run_module(module, self.inputs, weights)

    def reference_as_onnx_gives_it(self) -> list[Array]:
        """With outputs of 0 behind the end of a sequence."""
        y, *states = self.reference()
        return [y * self.inputs["mask"][..., None] if self.lengths is not None else y, *states]

    # -- ONNX --------------------------------------------------------------------------------------------------------

    def onnx(self, dtype: type[np.generic]) -> tuple[onnx.ModelProto, dict[str, Array]]:
        properties = dict(self.properties)
        attributes: dict[str, Any] = {"hidden_size": self.units}
        if properties.get("reverse"):
            attributes["direction"] = "reverse"
        if properties.get("clip"):
            attributes["clip"] = properties["clip"]
        if properties.get("input_forget"):
            attributes["input_forget"] = 1
        if properties.get("reset_after"):
            attributes["linear_before_reset"] = 1
        if "activations" in properties:
            functions = parse_activations(properties["activations"], {"lstm": 3, "gru": 2, "rnn": 1}[self.kind])
            attributes["activations"] = [NAMES[each.name] for each in functions]
            # Values are consumed in the order of the functions that take one.
            alphas = [each.numbers[0] for each in functions if each.numbers]
            betas = [each.numbers[1] for each in functions if len(each.numbers) > 1]
            attributes |= {"activation_alpha": alphas} if alphas else {}
            attributes |= {"activation_beta": betas} if betas else {}
        bias = self.bias if self.two_biases else np.stack([self.bias, np.zeros_like(self.bias)])
        feeds = {
            "X": self.inputs["x"],
            "W": self._gates(self.kernel).T[None],
            "R": self._gates(self.recurrent).T[None],
            "B": np.concatenate([self._gates(row[None])[0] for row in bias])[None],
            "L": np.asarray([self.time] * self.batch if self.lengths is None else self.lengths, np.int32),
            "H": self.inputs["h"][None],
        }
        if self.kind == "lstm":
            i, f, o = np.split(self.looks, 3)
            feeds["C"] = self.inputs["c"][None]
            feeds["P"] = np.concatenate([i, o, f])[None] * self.peepholes
        feeds = {name: value if value.dtype == np.int32 else value.astype(dtype) for name, value in feeds.items()}
        outputs = ["Y", "Yh", "Yc"][: 3 if self.kind == "lstm" else 2]
        node = helper.make_node(self.kind.upper(), list(feeds), outputs, **attributes)
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        ports = [
            helper.make_tensor_value_info(name, TensorProto.INT32 if name == "L" else kind, value.shape)
            for name, value in feeds.items()
        ]
        results = [helper.make_tensor_value_info(name, kind, None) for name in outputs]
        model = helper.make_model(
            helper.make_graph([node], "g", ports, results), opset_imports=[helper.make_opsetid("", 14)], ir_version=8
        )
        return model, feeds

    def _gates(self, matrix: Array) -> Array:
        blocks = np.split(matrix, GATES[self.kind], axis=-1)
        return np.concatenate([blocks[i] for i in TO_ONNX[self.kind]], axis=-1)

    def in_onnx_runtime(self) -> list[Array]:
        model, feeds = self.onnx(np.float32)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return self._ours(session.run(None, feeds))

    def in_onnx_reference(self) -> list[Array]:
        model, feeds = self.onnx(np.float64)
        return self._ours(ReferenceEvaluator(model).run(None, feeds))

    def _ours(self, results: list[Array]) -> list[Array]:
        y, *states = (np.asarray(result) for result in results)
        return [y[:, 0], *(state[0] for state in states)]


def assert_agrees(found: list[Array], expected: list[Array], tolerance: float) -> None:
    assert_same(found, [np.asarray(each, np.float64) for each in expected], tolerance)


# -- definitions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_layers_are_those_of_torch(kind: str) -> None:
    layer = Layer(kind, two_biases=kind == "gru", properties={"reset_after": True} if kind == "gru" else {})
    net = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[kind](layer.depth, layer.units).double()
    order = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2), "rnn": (0,)}[kind]  # torch's GRU has r before z

    def turned(matrix: Array) -> torch.Tensor:
        blocks = np.split(matrix, GATES[kind], axis=-1)
        return torch.tensor(np.concatenate([blocks[i] for i in order], axis=-1).T.astype(np.float64))

    bias = layer.bias if layer.two_biases else np.stack([layer.bias, np.zeros_like(layer.bias)])
    with torch.no_grad():
        net.weight_ih_l0.copy_(turned(layer.kernel))
        net.weight_hh_l0.copy_(turned(layer.recurrent))
        net.bias_ih_l0.copy_(turned(bias[0]))
        net.bias_hh_l0.copy_(turned(bias[1]))
        states = [
            torch.tensor(layer.inputs[name][None].astype(np.float64)) for name in ("h", "c") if name in layer.inputs
        ]
        y, last = net(
            torch.tensor(layer.inputs["x"].astype(np.float64)), tuple(states) if kind == "lstm" else states[0]
        )
    lasts = last if kind == "lstm" else (last,)
    assert_agrees(layer.reference(), [y.numpy(), *(each[0].numpy() for each in lasts)], FRAMEWORK)


@pytest.mark.parametrize(
    "layer",
    [
        Layer("lstm"),
        Layer("lstm", peepholes=True),
        Layer("gru"),
        Layer("gru", two_biases=True),
        Layer("gru", two_biases=True, properties={"reset_after": True}),
        Layer("rnn"),
    ],
    ids=str,
)
def test_layers_are_those_of_the_onnx_reference(layer: Layer) -> None:
    assert_agrees(layer.reference(), layer.in_onnx_reference(), FRAMEWORK)


VARIANTS = [
    Layer("lstm", properties={"reverse": True}),
    Layer("lstm", peepholes=True, properties={"input_forget": True}),
    Layer("lstm", lengths=np.asarray([5, 2, 4])),
    Layer("lstm", lengths=np.asarray([1, 5, 3]), peepholes=True, properties={"reverse": True}),
    Layer("gru", lengths=np.asarray([5, 2, 4])),
    Layer("gru", lengths=np.asarray([1, 5, 3]), two_biases=True, properties={"reverse": True, "reset_after": True}),
    Layer("rnn", lengths=np.asarray([4, 5, 1]), properties={"reverse": True}),
    Layer("lstm", batch=1, units=5, properties={"activations": "hard_sigmoid(0.2, 0.5) softsign relu"}),
    Layer("gru", properties={"clip": 0.3}),
    Layer("gru", properties={"activations": "sigmoid leaky_relu(0.1)"}),
    Layer("rnn", properties={"clip": 0.4, "activations": "affine(0.7, 0.1)"}),
]


@pytest.mark.parametrize("layer", VARIANTS, ids=str)
def test_attributes_mean_what_they_mean_to_onnx_runtime(layer: Layer) -> None:
    assert_agrees(layer.reference_as_onnx_gives_it(), layer.in_onnx_runtime(), NATIVE)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("reverse", [False, True])
def test_times_that_a_mask_leaves_out_are_as_if_they_were_not_there(kind: str, reverse: bool) -> None:
    layer = Layer(kind, properties={"reverse": reverse})
    mask = np.array([[0, 1, 1, 0, 1], [1, 0, 0, 0, 1], [0, 0, 0, 0, 0]], bool)
    layer.inputs["mask"] = mask.T
    y, *states = layer.reference()
    for row in (0, 1):
        times = np.flatnonzero(mask[row])
        alone = Layer(kind, properties={"reverse": reverse})
        alone.inputs["x"] = layer.inputs["x"][times]
        short_y, *short_states = alone.reference()
        assert_agrees([y[times, row], *(s[row] for s in states)], [short_y[:, row], *(s[row] for s in short_states)], 0)
    h = layer.inputs["h"]
    np.testing.assert_array_equal(y[0, 0], states[0][0] if reverse else h[0])
    np.testing.assert_array_equal(y[:, 2], np.broadcast_to(h[2], (5, 8)))
    np.testing.assert_array_equal(states[0][2], h[2])


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_activation_of_onnx_is_known(name: str) -> None:
    numbers = ", ".join(str(0.3 + 0.2 * i) for i in range(len(PARAMETERS[name])))
    text = f"{name}({numbers})" if numbers else name
    layer = Layer("rnn", properties={"activations": text})
    assert_agrees(layer.reference(), layer.in_onnx_runtime(), NATIVE)


# -- levels and native code ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", few_of([Layer(kind) for kind in OPS]), ids=lambda layer: layer.kind)
@pytest.mark.thorough
def test_layers_agree_on_every_level(layer: Layer) -> None:
    module, weights = layer.module()
    shorter = {**layer.inputs, "x": layer.inputs["x"][:1]}
    assert_everywhere(module, weights, [layer.inputs, shorter])


@pytest.mark.thorough
@pytest.mark.parametrize("layer", VARIANTS, ids=str)
def test_variants_agree_on_every_level(layer: Layer) -> None:
    module, weights = layer.module()
    assert_everywhere(module, weights, [layer.inputs])


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_activations_agree_on_every_level(name: str) -> None:
    layer = Layer("rnn", time=3, properties={"activations": name, "clip": 2.0})
    module, weights = layer.module(time=3)
    assert_everywhere(module, weights, [layer.inputs])


@pytest.mark.thorough
def test_time_and_batch_may_both_be_symbolic() -> None:
    layer = Layer("lstm", time=4, batch=20, units=16)
    module, weights = layer.module(time="S", batch="batch")
    few = {name: value[:, :2] if name == "x" else value[:2] for name, value in layer.inputs.items()}
    assert_everywhere(module, weights, [layer.inputs, few])


@pytest.mark.thorough
def test_two_directions_and_two_layers_make_a_deep_bidirectional_one() -> None:
    below, back, above = Layer("lstm", seed=1), Layer("lstm", seed=2), Layer("gru", seed=3, depth=16)
    builder = GraphModule()

    def apply(name: str, layer: Layer, x: SSAValue, *states: SSAValue, **properties: bool) -> SSAValue:
        weights = [builder.weight(f"{name}.{part}", getattr(layer, part)) for part in ("kernel", "recurrent", "bias")]
        result: SSAValue = OPS[layer.kind].of(x, *weights, *states, **properties).y
        return result

    def body(x: SSAValue, h: SSAValue, c: SSAValue) -> SSAValue:
        forward, backward = apply("forward", below, x, h, c), apply("backward", back, x, h, c, reverse=True)
        return apply("above", above, graph.ConcatOp.of(forward, backward, axis=-1).result, h)

    module = builder.model({"x": tensor("S", 3, 6), "h": tensor(3, 8), "c": tensor(3, 8)}, body)
    assert_everywhere(module, builder.weights, [below.inputs])


# -- refusals --------------------------------------------------------------------------------------------------------


def test_shapes_and_activations_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="the kernel is"):
        _wrong(kernel=(5, 8))
    with pytest.raises(ShapeError, match="the bias is"):
        _wrong(bias=(7,))
    with pytest.raises(ShapeError, match="a state is"):
        _wrong(state=(3, 9))
    with pytest.raises(ShapeError, match="`swish` is not an activation"):
        _wrong(activations="swish")
    with pytest.raises(ShapeError, match="1 activations are needed"):
        _wrong(activations="tanh tanh")
    with pytest.raises(ShapeError, match="takes 0 numbers"):
        _wrong(activations="tanh(1.0)")
    with pytest.raises(ShapeError, match="a mask is i1"):
        _wrong(mask=(3, 5))
    with pytest.raises(ShapeError, match="the rate of dropout"):
        _wrong(recurrent_dropout=1.0)
    with pytest.raises(ShapeError, match="clip"):
        _wrong(clip=-1.0)


def _wrong(
    kernel: tuple[int, int] = (6, 8),
    bias: tuple[int, ...] = (8,),
    state: tuple[int, int] = (3, 8),
    mask: tuple[int, ...] = (5, 3),
    **properties: Any,
) -> None:
    types = [
        tensor(5, 3, 6),
        tensor(*kernel),
        tensor(8, 8),
        tensor(*bias),
        tensor(*state),
        tensor(*mask, element=i1),
    ]
    values = {f"x{i}": type_ for i, type_ in enumerate(types)}
    GraphModule().model(values, lambda *args: graph.RnnOp.of(*args, **properties).y)
