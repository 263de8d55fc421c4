"""What the import computes itself: sizes, what follows from them, and what is decided by their bounds."""

import numpy as np
import pytest
from support.onnx_graphs import agrees, code_of, error_of, graph, load, model, node, ops_of, port, run

from neuralc.dialects.graph import declared_dims, the_model
from neuralc.dialects.types import shape_of
from neuralc.frontends.onnx.load import Fixed
from neuralc.grammar.diagnostics import NeuralcError


def result_shape(found) -> str:  # type: ignore[no-untyped-def]
    (type_,) = the_model(found.module).returns.data
    return ", ".join(map(str, shape_of(type_)))


def test_a_named_size_is_one_symbol_and_an_unnamed_one_is_its_own() -> None:
    ports = [port("x", ["N", "T", None]), port("y", ["N", None])]
    found = load(model([node("Identity", ["x"], ["a"]), node("Identity", ["y"], ["b"])], ports, ["a", "b"]))
    assert list(declared_dims(found.module)) == ["N", "T", "x_d2", "y_d1"]


@pytest.mark.parametrize("text", ["", "?", "None"])
def test_the_first_open_size_is_the_batch(text: str) -> None:
    found = load(model([node("Relu", ["x"], ["y"])], [port("x", [text or None, 3])], ["y"]))
    assert list(declared_dims(found.module)) == ["batch"]


def test_names_of_sizes_become_identifiers() -> None:
    found = load(model([node("Relu", ["x"], ["y"])], [port("x", ["DynamicDimension.0", "1st dim", "max"])], ["y"]))
    assert list(declared_dims(found.module)) == ["DynamicDimension_0", "n1st_dim", "max_1"]


def test_a_chain_of_shape_ops_leaves_no_op() -> None:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Unsqueeze", ["n", "axis"], ["n1"]),
        node("Mul", ["n1", "two"], ["n2"]),
        node("Div", ["n2", "two"], ["n3"]),
        node("Concat", ["n3", "rest"], ["shape"], axis=0),
        node("Reshape", ["x", "shape"], ["y"]),
    ]
    weights = {"zero": np.array(0), "axis": np.array([0]), "two": np.array([2]), "rest": np.array([-1])}
    found = load(model(nodes, [port("x", ["N", 3, 4])], ["y"], weights))
    assert ops_of(found) == ["reshape"]
    assert result_shape(found) == "N, 12"


def test_expanding_by_where_equal_is_decided_by_bounds() -> None:
    """How torch exports `expand`: -1 stands for what a dim has, and no size is -1."""
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Equal", ["s", "minus"], ["keep"]),
        node("ConstantOfShape", ["two"], ["ones"], value=_tensor(1)),
        node("Where", ["keep", "ones", "s"], ["shape"]),
        node("Expand", ["row", "shape"], ["y"]),
    ]
    weights = {"minus": np.array(-1), "two": np.array([2]), "row": np.ones((1, 3), np.float32)}
    found = load(model(nodes, [port("x", ["N", 3])], ["y"], weights))
    assert "expand" in ops_of(found)
    assert "where" not in ops_of(found)
    assert result_shape(found) == "N, 3"


@pytest.mark.parametrize(("op", "size"), [("ReduceProd", "N * M * 3"), ("ReduceSum", "M + N + 3"), ("ReduceMin", "1")])
def test_sizes_are_summed_up(op: str, size: str) -> None:
    nodes = [node("Shape", ["x"], ["s"]), node(op, ["s"], ["n"], keepdims=1)]
    nodes += [node("Min", ["n", "s1"], ["y"])] if op == "ReduceMin" else []
    found = load(model([*nodes, node("ConstantOfShape", ["y" if op == "ReduceMin" else "n"], ["z"])],
                       [port("x", ["N", "M", 3])], ["z"], {"s1": np.array([1])}))  # fmt: skip
    assert sorted(result_shape(found)) == sorted(size)


def test_a_size_that_is_needed_as_data_is_read_at_run_time() -> None:
    nodes = [node("Shape", ["x"], ["s"]), node("Cast", ["s"], ["y"], to=1)]
    x = np.zeros((5, 3), np.float32)
    proto = model(nodes, [port("x", ["N", 3])], ["y"])
    assert "size" in ops_of(load(proto))
    np.testing.assert_array_equal(run(proto, x)[0], [5.0, 3.0])


def test_an_if_by_a_size_takes_its_branch() -> None:
    then, other = (graph([node(op, ["x"], ["r"])], [], ["r"]) for op in ("Relu", "StringNormalizer"))
    nodes = [
        node("Size", ["x"], ["n"]),
        node("Greater", ["n", "zero"], ["c"]),
        node("If", ["c"], ["y"], then_branch=then, else_branch=other),
    ]
    assert ops_of(load(model(nodes, [port("x", ["N", 3])], ["y"], {"zero": np.array(0)}))) == ["relu"]


def test_symbols_that_are_added_become_one_and_a_run_checks_it() -> None:
    proto = model([node("Add", ["a", "b"], ["y"])], [port("a", ["N", 3]), port("b", ["M", 3])], ["y"])
    assert list(declared_dims(load(proto).module)) == ["N"]
    with pytest.raises(NeuralcError, match="dim 0 of input `b` is 4, the model takes N = 2"):
        run(proto, np.zeros((2, 3), np.float32), np.zeros((4, 3), np.float32))


def test_equal_symbols_are_equal_in_what_was_computed_before() -> None:
    nodes = [
        node("Shape", ["b"], ["s"]),
        node("Concat", ["a", "b"], ["c"], axis=1),
        node("Reshape", ["c", "s2"], ["y"]),
    ]
    nodes.insert(1, node("Add", ["s", "grow"], ["s2"]))
    ports = [port("a", ["N", 3]), port("b", ["M", 3])]
    assert result_shape(load(model(nodes, ports, ["y"], {"grow": np.array([0, 3])}))) == "N, 6"


def test_a_table_bounds_the_length_of_what_it_is_added_to() -> None:
    """Position embeddings: x + table[:length] has a meaning for lengths up to the table's."""
    nodes = [
        node("Shape", ["x"], ["s"], start=0, end=1),
        node("Slice", ["table", "zero", "s"], ["rows"]),
        node("Add", ["x", "rows"], ["y"]),
    ]
    weights = {"table": np.ones((64, 3), np.float32), "zero": np.array([0])}
    dims = declared_dims(load(model(nodes, [port("x", ["T", 3])], ["y"], weights)).module)
    assert str(dims["T"].maximum.data) == "64"  # type: ignore[union-attr]


def test_pinned_sizes_are_numbers() -> None:
    proto = model([node("Relu", ["x"], ["y"])], [port("x", ["N", "T"])], ["y"])
    found = load(proto, Fixed({"N": 2}))
    assert result_shape(found) == "2, T"
    assert list(declared_dims(found.module)) == ["T"]


def test_a_pinned_size_that_the_model_does_not_have_is_refused() -> None:
    proto = model([node("Relu", ["x"], ["y"])], [port("x", ["batch"])], ["y"])
    with pytest.raises(NeuralcError, match="did you mean `batch`"):
        load(proto, Fixed({"bach": 2}))


def test_an_input_given_beforehand_makes_sizes_known() -> None:
    proto = model([node("Range", ["a", "b", "c"], ["y"])], [port(n, [], np.int64) for n in "abc"], ["y"])
    assert code_of(proto) == "E0620"
    given = dict(zip("abc", map(np.array, (0, 5, 2)), strict=True))
    assert result_shape(load(proto, Fixed(inputs=given))) == "3"


def test_a_shape_that_is_data_is_refused_with_the_reason() -> None:
    proto = model([node("Reshape", ["x", "s"], ["y"], name="r")], [port("x", [6]), port("s", [2], np.int64)], ["y"])
    assert error_of(proto).notes == ("Reshape, once, first `r`: its sizes are computed when the model runs",)


def test_slices_by_symbolic_places_have_symbolic_sizes() -> None:
    nodes = [node("Shape", ["x"], ["s"]), node("Slice", ["x", "one", "s", "axis", "step"], ["y"])]
    weights = {"one": np.array([1]), "axis": np.array([0]), "step": np.array([2])}
    found = load(model(nodes, [port("x", ["N"])], ["y"], weights))
    assert result_shape(found) == "floordiv(N, 2)"
    agrees(model(nodes, [port("x", ["N"], np.float64)], ["y"], weights), np.arange(7.0))


def test_ones_of_a_symbolic_size_give_a_range_by_non_zero() -> None:
    """How ranges were exported before there was Range."""
    nodes = [node("Shape", ["x"], ["s"]), node("ConstantOfShape", ["s"], ["ones"], value=_tensor(1))]
    nodes.append(node("NonZero", ["ones"], ["y"]))
    agrees(model(nodes, [port("x", ["N"], np.float64)], ["y"]), np.zeros(5))


def _tensor(value: int):  # type: ignore[no-untyped-def]
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array([value]))
