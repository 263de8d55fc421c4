"""How a network becomes a module: names, functions, places, attributes, and what is said about shapes."""

from pathlib import Path

import pytest
from xdsl.dialects.builtin import FileLineColLoc

from neuralc.dialects.graph import CallOp, DimOp, FuncOp, GetWeightOp, WeightOp, the_model
from neuralc.dialects.types import format_shape, shape_of
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module
from neuralc.passes.verifier import verify_module


def loaded(layers: str, shape: str = "(8)", *, before: str = "", clauses: str = "") -> LoadedProgram:
    program = load(Source("m.nr", f"{before} network M {{ input: {shape} layers: {layers} {clauses} }}"))
    verify_module(program.module)
    return program


def error_of(layers: str, shape: str = "(8)", *, before: str = "") -> Diagnostic:
    with pytest.raises(NeuralcError) as caught:
        loaded(layers, shape, before=before)
    (found,) = caught.value.diagnostics
    return found


def names(program: LoadedProgram) -> list[str]:
    return [weight.name for weight in program.weights]


def kernels(program: LoadedProgram) -> list[str]:
    return [name.removesuffix(".kernel") for name in names(program) if name.endswith(".kernel")]


def result_of(program: LoadedProgram) -> str:
    (result,) = the_model(program.module).returns
    return format_shape(shape_of(result))


def functions(program: LoadedProgram) -> list[FuncOp]:
    return [op for op in program.module.body.block.ops if isinstance(op, FuncOp)]


def calls(program: LoadedProgram) -> list[tuple[str, str]]:
    return [
        (op.callee.root_reference.data, op.path.data if op.path else "")
        for op in the_model(program.module).block.ops
        if isinstance(op, CallOp)
    ]


# --- weights ---------------------------------------------------------------------------------------------------------
def test_weights_have_the_names_of_keras() -> None:
    program = loaded("Conv2D(4, 3) BatchNormalization() DepthwiseConv2D(3) PReLU() Flatten() Dense(3)", "(8, 8, 3)")
    assert names(program) == [
        "conv2d.kernel", "conv2d.bias",
        "batch_normalization.gamma", "batch_normalization.beta",
        "batch_normalization.moving_mean", "batch_normalization.moving_variance",
        "depthwise_conv2d.kernel", "depthwise_conv2d.bias",
        "p_re_lu.alpha",
        "dense.kernel", "dense.bias",
    ]  # fmt: skip
    assert [weight.name for weight in program.weights if not weight.trainable] == [
        "batch_normalization.moving_mean", "batch_normalization.moving_variance",
    ]  # fmt: skip


def test_layers_of_one_kind_are_numbered_within_their_scope() -> None:
    before = "define Block(n) { Dense(n) Dense(n) }"
    program = loaded("Dense(8) Dense(8) Block(8) Residual { Dense(8) } Block(8) Dense(8)", before=before)
    assert kernels(program) == [
        "dense", "dense_1", "block.dense", "block.dense_1", "residual.dense",
        "block_1.dense", "block_1.dense_1", "dense_2",
    ]  # fmt: skip


def test_repetitions_are_path_components() -> None:
    before = "define Block(n) { Residual { Dense(n) } * 2 }"
    program = loaded("Dense(8) * 2 Dense(8) Block(8) * 2", before=before)
    assert kernels(program) == [
        "dense.0", "dense.1", "dense_1",
        "block.0.residual.0.dense", "block.0.residual.1.dense",
        "block.1.residual.0.dense", "block.1.residual.1.dense",
    ]  # fmt: skip


def test_a_name_given_to_a_layer_names_its_weights() -> None:
    assert kernels(loaded('Dense(8, name="stem") Dense(8)')) == ["stem", "dense"]
    found = error_of('Dense(8, name="stem") Dense(8, name=stem)')
    assert (found.code, found.message) == ("E0208", "another layer here is already named `stem`")


@pytest.mark.parametrize(("macro", "function"), [("Batch", "batch_1"), ("m", "m"), ("M2", "m2")])
def test_functions_are_named_apart_from_the_batch_and_the_model(macro: str, function: str) -> None:
    program = loaded(f"{macro}()", before=f"define {macro} {{ Dense(8) }}")
    assert [op.sym_name.data for op in functions(program)] == [function]


def test_every_weight_is_declared_with_its_initializer_and_read_once() -> None:
    program = loaded('Dense(8, kernel_initializer="he_normal") BatchNormalization()')
    declared = {op.sym_name.data: op for op in program.module.body.block.ops if isinstance(op, WeightOp)}
    read = [op.weight_name for op in the_model(program.module).block.ops if isinstance(op, GetWeightOp)]
    assert list(declared) == read == names(program)
    kernel = declared["dense.kernel"]
    assert kernel.init is not None
    assert kernel.init.called.data == "he_normal"
    assert "trainable" in declared["batch_normalization.moving_mean"].attributes


def test_weights_follow_the_type_of_the_input() -> None:
    (kernel, _) = loaded("Dense(3)", "(8) float64").weights
    assert str(kernel.type) == "tensor<8x3xf64>"


# --- functions -------------------------------------------------------------------------------------------------------
def test_equal_uses_of_a_macro_share_a_function() -> None:
    program = loaded("A(8) A(8) A(4) A(8)", before="define A(n) { Dense(n) ReLU() }")
    assert calls(program) == [("a", "a"), ("a", "a_1"), ("a_1", "a_2"), ("a_2", "a_3")]
    assert len(functions(program)) == 3


def test_a_repeated_block_is_a_function_and_a_single_one_is_not() -> None:
    program = loaded("Residual { Dense(8) } Residual { Dense(8) ReLU() } * 3")
    assert calls(program) == [("residual", f"residual_1.{i}") for i in range(3)]
    assert len(functions(program)) == 1


def test_functions_take_the_weights_of_the_functions_they_call() -> None:
    program = loaded("Outer()", before="define Inner { Dense(8) } define Outer { Inner() Inner() }")
    inner, outer = functions(program)
    assert (inner.sym_name.data, outer.sym_name.data) == ("inner", "outer")
    assert len(outer.arguments) == 5
    assert kernels(program) == ["outer.inner.dense", "outer.inner_1.dense"]


def test_the_deepest_nesting_is_lowered() -> None:
    before = "define A { " + "Residual { " * 45 + "ReLU " + "} " * 45 + "} "
    program = loaded("Residual { " * 45 + "A() * 2 " + "} " * 45, before=before)
    assert result_of(program) == "(batch, 8)"


def test_a_module_prints_and_parses_back() -> None:
    before = 'define Block(n) { Conv2D(n, 3, padding="same") BatchNormalization() ReLU(max_value=2) }'
    layers = "Block(4) Block(4) * 2 MaxPooling2D() Flatten() Dropout(0.5) Output(3, softmax)"
    program = loaded(layers, "(8, 8, 1)", before=before, clauses="loss: mse optimizer: Adam(0.01) train { epochs: 3 }")
    text = print_module(program.module)
    assert print_module(parse_module(text, "m.mlir")) == text


# --- places and attributes -------------------------------------------------------------------------------------------
def test_every_op_knows_the_line_and_column_of_its_layer() -> None:
    text = "define A {\n  Dense(8,\n    relu)\n}\nnetwork M {\n  input: (8)\n  layers:\n    A()\n    Softmax()\n}"
    module = load(Source("m.nr", text)).module
    places = {}
    for op in module.walk():
        if op.name in ("graph.dense", "graph.relu", "graph.call", "graph.softmax", "graph.func", "graph.model"):
            place = op.location
            assert isinstance(place, FileLineColLoc)
            assert place.filename.data == "m.nr"
            places[op.name] = (place.line.data, place.column.data)
    assert places == {
        "graph.dense": (2, 3),
        "graph.relu": (2, 3),
        "graph.func": (8, 5),
        "graph.call": (8, 5),
        "graph.softmax": (9, 5),
        "graph.model": (5, 9),
    }


def test_the_batch_is_a_declared_dim_with_its_origin() -> None:
    (dim,) = [op for op in loaded("Dense(3)", "(None, 8)").module.body.block.ops if isinstance(op, DimOp)]
    assert (dim.sym_name.data, dim.minimum.data.value, dim.origin.data if dim.origin else "") == (
        "batch",
        1,
        "m.nr:1:22",
    )


def test_inputs_and_outputs_are_named() -> None:
    model = the_model(loaded('Dense(3) Output(4, "softmax")', "image: (8)").module)
    assert (model.inputs, model.outputs) == (("image",), ("output",))
    model = the_model(loaded("Dense(3) Dense(4) * 2").module)
    assert (model.inputs, model.outputs) == (("input",), ("dense_1",))


def test_the_weights_file_is_relative_to_the_model(tmp_path: Path) -> None:
    (tmp_path / "m.nr").write_text('network M { input: (8) layers: Dense(3) weights: "w/a.safetensors" init: seed(3) }')
    program = load(tmp_path / "m.nr")
    assert (program.weights_path, program.seed) == (tmp_path / "w" / "a.safetensors", 3)


# --- shapes ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("layers", "shape", "result"),
    [
        ('Conv2D(4, 3, padding="same", strides=2)', "(7, 8, 3)", "(batch, 4, 4, 4)"),
        ("Conv2D(4, 3, strides=2)", "(7, 8, 3)", "(batch, 3, 3, 4)"),
        ("MaxPooling2D(3)", "(7, 8, 3)", "(batch, 2, 2, 3)"),
        ("Flatten()", "(7, 8, 3)", "(batch, 168)"),
        ("Dense(5)", "(7, 8, 3)", "(batch, 7, 8, 5)"),
        ('Residual(shortcut="projection") { Dense(5) }', "(8)", "(batch, 5)"),
    ],
)
def test_shapes_of_results(layers: str, shape: str, result: str) -> None:
    assert result_of(loaded(layers, shape)) == result


def test_a_shape_error_names_the_layer_its_input_and_who_made_it() -> None:
    found = error_of("Flatten() Conv2D(3, 3)", "(8, 8, 1)")
    assert found.code == "E0401"
    assert found.message == "`Conv2D`: it takes images (batch, height, width, channels), its input is (batch, 64)"
    assert found.notes == (
        "its input (batch, 64) comes from `Flatten` in line 1",
        "`Flatten` in line 1 made it of (batch, 8, 8, 1), which is the input `input` in line 1",
    )
    assert found.span is not None
    assert found.span.text == "Conv2D"


def test_a_shape_error_inside_a_macro_tells_where_the_macro_is_used() -> None:
    found = error_of("B(3)", before="define A(n) { Conv2D(n, 3) } define B(n) { A(n) }")
    assert found.notes[1:] == ("in `a`, used in line 1", "in `b`, used in line 1")


@pytest.mark.parametrize(
    ("layers", "shape", "words"),
    [
        ("Conv2D(4, 3, groups=2)", "(8, 8, 3)", "3 input channels cannot be divided into 2 groups"),
        ("Conv2D(3, 3, groups=2)", "(8, 8, 4)", "3 filters cannot be divided into 2 groups"),
        ("Dense(3)", "()", "it needs an axis besides the batch, its input is (batch,)"),
        ("BatchNormalization(axis=4)", "(8)", "axis 4 is outside a rank of 2"),
        ("Softmax(axis=2)", "(8)", "axis 2 is outside a rank of 2"),
        ("MaxPooling2D()", "(8)", "it takes images"),
        ("GlobalAveragePooling2D()", "(8)", "it takes images"),
        ("Dense(3)", "(8) int32", "floats"),
        ("Softmax()", "(8) int32", "floats"),
        ("PReLU(shared_axes=2)", "(8)", "shared axis 2 is outside"),
    ],
)
def test_shapes_and_types_that_do_not_fit(layers: str, shape: str, words: str) -> None:
    found = error_of(layers, shape)
    assert found.code == "E0401"
    assert words in found.message


def test_a_residual_block_that_changes_the_shape_offers_a_projection() -> None:
    found = error_of("ResidualConnection { Conv2D(8, 3) }", "(8, 8, 3)")
    assert found.code == "E0404"
    assert "turns (batch, 8, 8, 3) into (batch, 6, 6, 8)" in found.message
    assert found.help is not None
    assert 'shortcut="projection"' in found.help


@pytest.mark.parametrize(
    ("layers", "shape", "words"),
    [
        ('Residual(shortcut="projection") { Flatten() }', "(8, 8, 3)", "no projection leads from"),
        ('Residual(shortcut="projection") { Conv2D(3, 4) }', "(8, 8, 3)", "no stride leads from 8 to 5 places"),
    ],
)
def test_a_projection_that_does_not_exist_is_an_error(layers: str, shape: str, words: str) -> None:
    found = error_of(layers, shape)
    assert found.code == "E0404"
    assert words in found.message


def test_dense_on_an_image_warns_once() -> None:
    program = loaded("Dense(3) Dense(3)", "(8, 8, 3)")
    assert [(d.code, d.span.text if d.span else "") for d in program.warnings] == [("W0401", "Dense")]
    assert not loaded("Flatten() Dense(3)", "(8, 8, 3)").warnings
