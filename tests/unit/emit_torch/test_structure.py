"""What becomes a class, an attribute, a loop or a parameter of a class: the shape of the emitted code."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from support.graph_modules import GraphModule, tensor
from support.torch_code import loaded_model, python_module
from xdsl.dialects.builtin import Float16Type, Float64Type, f16, f64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.emit.torch import emit
from neuralc.emit.torch.lowering import LOWERINGS, WITHOUT_CODE
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import Source
from neuralc.tables.places import ops


def emitted(text: str) -> str:
    return emit(load(Source("test.nr", text)).module)


def classes(source: str) -> list[str]:
    return re.findall(r"^class (\w+)", source, re.MULTILINE)


def forward(source: str, name: str) -> list[str]:
    """The lines of a class's `forward`, without comments."""
    body = source.split(f"class {name}(nn.Module)")[1].split("def forward")[1].split("\n\n\n")[0]
    return [line.partition("  #")[0].strip() for line in body.splitlines()[1:]]


def test_uses_of_a_macro_share_a_class_whose_sizes_are_parameters() -> None:
    source = emitted(
        "define Block(units) { Dense(units) ReLU() } network Net { input: (8) layers: Block(16) Block(16) Block(4) }"
    )
    assert classes(source) == ["Block", "Net"]
    assert "def __init__(self, in_features: int, out_features: int) -> None:" in source
    for line in ("self.block = Block(8, 16)", "self.block_1 = Block(16, 16)", "self.block_2 = Block(16, 4)"):
        assert line in source


@pytest.mark.parametrize(
    ("layer", "shape", "made"),
    [
        ("Conv2DTranspose(n, 2)", "(4, 4, 3)", "nn.ConvTranspose2d(in_channels, out_channels, kernel_size=2)"),
        ("Conv1D(n, 2)", "(4, 3)", "nn.Conv1d(in_channels, out_channels, kernel_size=2)"),
        ("Conv3D(n, 2)", "(4, 4, 4, 3)", "nn.Conv3d(in_channels, out_channels, kernel_size=2)"),
    ],
)
def test_sizes_of_any_convolution_may_be_parameters(layer: str, shape: str, made: str) -> None:
    source = emitted(f"define Block(n) {{ {layer} }} network Net {{ input: {shape} layers: Block(5) Block(6) }}")
    assert classes(source) == ["Block", "Net"]
    assert made in re.sub(r"\(\s+|\s+\)", lambda found: found[0].strip(), source)
    python_module(source).Net()


@pytest.mark.parametrize(("layer", "made"), [("SpatialDropout2D", "Dropout2d"), ("AlphaDropout", "AlphaDropout")])
def test_rates_of_any_dropout_may_be_parameters(layer: str, made: str) -> None:
    layers = "Conv2D(3, 1) Block(0.25) Block(0.5) Conv2D(3, 1)"
    source = emitted(f"define Block(p) {{ {layer}(p) }} network Net {{ input: (4, 4, 3) layers: {layers} }}")
    assert f"nn.{made}(p)" in source
    python_module(source).Net()


def test_an_option_that_some_uses_leave_out_has_a_default() -> None:
    text = """
    define C(n, stride=1, padding="valid") { Conv2D(n, 3, strides=stride, padding=padding) }
    network N { input: (9, 9, 3) layers: C(4) C(5, 2) C(6, 1, "same") }
    """
    code = emitted(text)
    assert code.count("class C(nn.Module)") == 1
    assert "stride: int = 1" in code
    assert "padding: int = 0" in code
    assert "self.c_1 = C(4, 5, stride=2)" in code
    assert "self.c_2 = C(5, 6, padding=1)" in code


def test_how_often_a_part_is_repeated_may_be_a_parameter() -> None:
    text = """
    define B(n) { Dense(n, "relu") }
    define Stage(n, blocks) { Dense(n) B(n) * blocks }
    network N { input: (4) layers: Stage(6, 2) Stage(8, 3) }
    """
    code = emitted(text)
    assert code.count("class Stage(nn.Module)") == 1
    assert "self.b = nn.ModuleList(B(out_features) for _ in range(num_b))" in code
    assert "self.stage_1 = Stage(6, 8, num_b=3)" in code


def test_sizes_in_a_docstring_are_parameters_or_letters() -> None:
    text = """
    define C(n, stride) { Conv2D(n, 1, strides=stride) }
    network N { input: (9, 9, 3) layers: C(4, 1) C(5, 2) C(6, 1) }
    """
    code = emitted(text)
    assert '"""Block `c`: (batch, in_channels, S, S) -> (batch, out_channels, T, T)."""' in code


def test_a_class_that_differs_in_its_code_stays_apart() -> None:
    # The second use needs padding that torch's layer cannot do.
    source = emitted(
        'define Block(size) { Conv2D(2, size, padding="same") } '
        "network Net { input: (8, 8, 2) layers: Block(3) Block(2) }"
    )
    assert classes(source) == ["Block", "Block1", "Net"]


def test_repeated_blocks_are_a_loop_over_a_module_list() -> None:
    source = emitted("network Net { input: (8) layers: ResidualConnection { Dense(8) } * 4 }")
    assert "self.residual_connection = nn.ModuleList(ResidualConnection() for _ in range(4))" in source
    assert forward(source, "Net") == [
        "for residual_connection in self.residual_connection:",
        "x = residual_connection(x)",
        "return x",
    ]


def test_blocks_of_two_shapes_are_applied_one_by_one() -> None:
    source = emitted("define Block() { Dense(4) ReLU() } network Net { input: (8) layers: Block() * 3 }")
    assert "nn.ModuleList([Block(8), Block(4), Block(4)])" in source
    assert forward(source, "Net")[0] == "x = self.block[0](x)"


def test_a_block_applied_twice_to_the_same_weights_is_one_submodule() -> None:
    build = GraphModule()

    def block(x: SSAValue, kernel: SSAValue) -> SSAValue:
        return graph.DenseOp.of(x, kernel).result

    def body(x: SSAValue) -> SSAValue:
        kernel = build.weight("enc.dense.kernel", np.eye(4, dtype=np.float32))
        name = build.function("encoder", [x.type, kernel.type], block)
        once = graph.CallOp(name, [x, kernel], [x.type], path="enc").res[0]
        return graph.CallOp(name, [once, kernel], [x.type], path="enc").res[0]

    source = emit(build.model({"x": tensor("batch", 4)}, body))
    assert len(list(python_module(source).M().parameters())) == 1
    assert forward(source, "M") == ["x = self.enc(x)", "return self.enc(x)"]


def test_a_value_needed_later_keeps_its_variable() -> None:
    source = emitted('network Net { input: (8) layers: Dense(8) ResidualConnection { Dense(8, "relu") Dense(8) } }')
    assert forward(source, "Net") == [
        "x = self.dense(x)",
        "y = F.relu(self.residual_connection_dense(x))",
        "return self.residual_connection_dense_1(y) + x",
    ]


def test_images_are_permuted_once_and_back_where_their_order_shows() -> None:
    source = emitted(
        "network Net { input: image: (8, 8, 2) "
        'layers: Conv2D(4, 3, "relu") Conv2D(4, 3) MaxPooling2D(2) Flatten() Dense(2) }'
    )
    assert forward(source, "Net") == [
        "x = image.permute(0, 3, 1, 2)",
        "x = F.relu(self.conv2d(x))",
        "x = self.conv2d_1(x)",
        "x = F.max_pool2d(x, 2)",
        "x = x.permute(0, 2, 3, 1).flatten(1)",
        "return self.dense(x)",
    ]


def test_pooling_to_one_place_needs_no_permute_back() -> None:
    source = emitted("network Net { input: (8, 8, 2) layers: Conv2D(4, 3) GlobalAveragePooling2D() Dense(2) }")
    assert "x = x.mean(dim=(2, 3))" in forward(source, "Net")
    assert source.count(".permute(") == 1


def test_names_that_python_or_torch_use_are_not_given_away() -> None:
    source = emitted(
        "network Tensor { input: self: (8) "
        'layers: Dense(8, name="forward") Dense(8, name="class") Dense(8, name="train") }'
    )
    model = python_module(source).Tensor_1()
    assert set(dict(model.named_children())) == {"forward_1", "class_", "train_1"}
    assert model(torch.zeros(2, 8)).shape == (2, 8)


@pytest.mark.parametrize(("element", "dtype"), [(f16, torch.float16), (f64, torch.float64)])
def test_parameters_have_the_models_precision(element: Float16Type | Float64Type, dtype: torch.dtype) -> None:
    build = GraphModule()
    numpy = {torch.float16: "float16", torch.float64: "float64"}[dtype]

    def body(x: SSAValue) -> SSAValue:
        return graph.DenseOp.of(x, build.weight("dense.kernel", np.eye(4, dtype=numpy))).result

    module = build.model({"x": tensor("batch", 4, element=element)}, body)
    model = loaded_model(module, build.weights)
    assert model(torch.ones(2, 4, dtype=dtype)).dtype == dtype


def test_every_graph_op_has_its_torch_code_or_is_listed_as_without() -> None:
    written = {op.name for op in LOWERINGS}
    computing = {op.name for op in ops() if op is not graph.CallOp}
    assert not written & WITHOUT_CODE.keys()
    assert written | WITHOUT_CODE.keys() == computing | {"graph.get_state", "graph.set_state"}


def test_emission_is_deterministic() -> None:
    text = "define B(n) { Dense(n) Dropout(0.1) } network Net { input: (8) layers: B(8) * 2 B(4) Output(2) }"
    assert emitted(text) == emitted(text)
