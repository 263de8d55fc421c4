"""Operators defined by graphs of others: functions of the model, and those of the standard."""

import numpy as np
import pytest
from onnx import AttributeProto, FunctionProto, ModelProto, helper
from support.onnx_graphs import code_of, load, model, node, ops_of, port, run

OPSETS = [helper.make_opsetid("", 22)]
X = np.linspace(-2, 2, 12).reshape(3, 4)


def with_functions(functions: list[FunctionProto], nodes: list, outputs: list[str]) -> ModelProto:  # type: ignore[type-arg]
    opsets = [helper.make_opsetid("own", 1)]
    return model(nodes, [port("x", X.shape, np.float64)], outputs, opset=22, opsets=opsets, functions=functions)


def referring(name: str, attribute: str, to: str, kind: int, inputs: list[str], outputs: list[str]):  # type: ignore[no-untyped-def]
    found = node(name, inputs, outputs)
    found.attribute.append(AttributeProto(name=attribute, ref_attr_name=to, type=kind))
    return found


def leaky() -> FunctionProto:
    body = [referring("LeakyRelu", "alpha", "slope", AttributeProto.FLOAT, ["a"], ["b"]), node("Neg", ["b"], ["c"])]
    return helper.make_function("own", "Leaky", ["a"], ["c"], body, OPSETS, ["slope"])


def test_a_function_is_expanded_with_its_attributes() -> None:
    proto = with_functions([leaky()], [node("Leaky", ["x"], ["y"], domain="own", slope=0.25)], ["y"])
    assert ops_of(load(proto)) == ["leaky_relu", "neg"]
    np.testing.assert_allclose(run(proto, X)[0], -np.where(X < 0, 0.25 * X, X), atol=1e-12)


def test_functions_use_functions() -> None:
    outer = helper.make_function(
        "own", "Twice", ["a"], ["c"],
        [node("Leaky", ["a"], ["b"], domain="own", slope=0.5), node("Leaky", ["b"], ["c"], domain="own", slope=0.25)],
        [*OPSETS, helper.make_opsetid("own", 1)],
    )  # fmt: skip
    (found,) = run(with_functions([leaky(), outer], [node("Twice", ["x"], ["y"], domain="own")], ["y"]), X)
    np.testing.assert_allclose(found, np.where(X < 0, 0.5 * X, 0.25 * X), atol=1e-12)


def test_a_function_of_a_known_name_replaces_the_operator() -> None:
    own = helper.make_function("", "Relu", ["a"], ["b"], [node("Neg", ["a"], ["b"])], OPSETS)
    assert ops_of(load(with_functions([own], [node("Relu", ["x"], ["y"])], ["y"]))) == ["neg"]


def test_inputs_that_are_left_out_are_left_out_inside() -> None:
    body = [node("Clip", ["a", "low", "high"], ["b"])]
    clip = helper.make_function("own", "Cut", ["a", "low", "high"], ["b"], body, OPSETS)
    zero = node("Constant", [], ["z"], value_float=0.0)
    cast = node("CastLike", ["z", "x"], ["zero"])
    proto = with_functions([clip], [zero, cast, node("Cut", ["x", "", "zero"], ["y"], domain="own")], ["y"])
    assert ops_of(load(proto)) == ["constant", "minimum"]


def test_a_function_that_uses_itself() -> None:
    own = helper.make_function("own", "F", ["a"], ["b"], [node("F", ["a"], ["b"], domain="own")], OPSETS)
    assert code_of(with_functions([own], [node("F", ["x"], ["y"], domain="own")], ["y"])) == "E0612"


def test_functions_that_expand_without_measure() -> None:
    """Thirty functions, each of which uses the one before it twice: a thousand million nodes."""
    own = helper.make_opsetid("own", 1)
    functions = [helper.make_function("own", "F0", ["a"], ["b"], [node("Neg", ["a"], ["b"])], OPSETS)]
    for i in range(1, 30):
        body = [node(f"F{i - 1}", ["a"], ["m"], domain="own"), node(f"F{i - 1}", ["m"], ["b"], domain="own")]
        functions.append(helper.make_function("own", f"F{i}", ["a"], ["b"], body, [*OPSETS, own]))
    assert code_of(with_functions(functions, [node("F29", ["x"], ["y"], domain="own")], ["y"])) == "E0612"


def test_an_operator_without_handler_is_expanded_by_the_standard() -> None:
    mvn = model([node("MeanVarianceNormalization", ["x"], ["y"])], [port("x", (2, 3, 4, 5))], ["y"])
    assert "reduce" in ops_of(load(mvn))


@pytest.mark.parametrize("op", ["SwiGLU", "RotaryEmbedding", "AffineGrid"])
def test_functions_of_the_standard_have_no_operator_left_out(op: str) -> None:
    from onnx.defs import get_schema

    from neuralc.frontends.onnx.functions import has_body
    from neuralc.frontends.onnx.registry import operators

    assert ("", op) in operators() or has_body(op, "", get_schema(op).since_version)
