"""If, Loop and Scan: decided, unrolled, or regions of the graph."""

import numpy as np
from onnx import GraphProto
from support.onnx_graphs import agrees, code_of, graph, load, model, node, ops_of, port, run

X = np.linspace(-2, 2, 12).reshape(3, 4)
F64 = np.float64
TRUE = np.array(True)


def branch(op: str) -> GraphProto:
    return graph([node(op, ["x"], ["r"])], [], ["r"])


def choice() -> object:
    return node("If", ["c"], ["y"], then_branch=branch("Neg"), else_branch=branch("Exp"))


def test_a_computed_condition_makes_a_choice() -> None:
    proto = model([choice()], [port("x", X.shape, F64), port("c", [], bool)], ["y"])  # type: ignore[list-item]
    assert ops_of(load(proto)) == ["if"]
    for flag in (True, False):
        agrees(proto, X, np.array(flag))


def test_a_known_condition_takes_its_branch() -> None:
    proto = model([choice()], [port("x", X.shape, F64)], ["y"], {"c": np.array(False)})  # type: ignore[list-item]
    assert ops_of(load(proto)) == ["exp"]
    agrees(proto, X)


def test_branches_of_different_shapes_are_refused() -> None:
    other = graph([node("Flatten", ["x"], ["r"], axis=0)], [], ["r"])
    proto = model([node("If", ["c"], ["y"], then_branch=branch("Neg"), else_branch=other)],
                  [port("x", X.shape, F64), port("c", [], bool)], ["y"])  # fmt: skip
    assert code_of(proto) == "E0620"


def loop_body(nodes: list, carried: str, *scanned: str) -> GraphProto:  # type: ignore[type-arg]
    ports = [port("i", [], np.int64), port("again", [], bool), port("a", None, F64)]
    return graph([node("Identity", ["again"], ["next"]), *nodes], ports, ["next", carried, *scanned])


def test_a_known_number_of_rounds_is_a_loop_with_stacked_results() -> None:
    body = loop_body([node("Add", ["a", "x"], ["b"]), node("ReduceSum", ["b"], ["s"], keepdims=0)], "b", "s")
    nodes = [node("Loop", ["n", "true", "x"], ["y", "sums"], body=body)]
    proto = model(nodes, [port("x", X.shape, F64)], ["y", "sums"], {"n": np.array(5), "true": TRUE})
    assert ops_of(load(proto)) == ["loop"]
    y, sums = run(proto, X + 1)
    np.testing.assert_allclose(y, 6 * (X + 1), atol=1e-12)
    np.testing.assert_allclose(sums, [rounds * (X + 1).sum() for rounds in (2, 3, 4, 5, 6)], atol=1e-12)


def test_a_computed_number_of_rounds() -> None:
    body = loop_body([node("Add", ["a", "x"], ["b"])], "b")
    ports = [port("x", X.shape, F64), port("n", [], np.int64)]
    proto = model([node("Loop", ["n", "true", "x"], ["y"], body=body)], ports, ["y"], {"true": TRUE})
    for rounds in (0, 1, 4):
        agrees(proto, X, np.array(rounds))


def test_a_condition_ends_a_loop() -> None:
    nodes = [
        node("Add", ["a", "x"], ["b"]),
        node("ReduceMax", ["b"], ["m"], keepdims=0),
        node("Less", ["m", "limit"], ["go"]),
    ]
    ports = [port("i", [], np.int64), port("again", [], bool), port("a", None, F64)]
    body = graph(nodes, ports, ["go", "b"])
    proto = model([node("Loop", ["", "c", "x"], ["y"], body=body)], [port("x", X.shape, F64)], ["y"],
                  {"c": np.array(True), "limit": np.array(20.0)})  # fmt: skip
    assert "loop" in ops_of(load(proto))
    agrees(proto, X)


def test_values_that_grow_are_unrolled() -> None:
    body = loop_body([node("Concat", ["a", "x"], ["b"], axis=0)], "b")
    proto = model(
        [node("Loop", ["n", "true", "x"], ["y"], body=body)],
        [port("x", X.shape, F64)],
        ["y"],
        {"n": np.array(3), "true": TRUE},
    )
    assert ops_of(load(proto)) == ["concat"] * 3
    agrees(proto, X)


def test_loops_within_loops_that_would_be_unrolled_without_measure() -> None:
    body = loop_body([node("Concat", ["a", "x"], ["b"], axis=0)], "b")
    for _ in range(6):
        body = loop_body([node("Loop", ["n", "", "a"], ["b"], body=body)], "b")
    proto = model(
        [node("Loop", ["n", "true", "x"], ["y"], body=body)],
        [port("x", X.shape, F64)],
        ["y"],
        {"n": np.array(30), "true": TRUE},
    )
    assert code_of(proto) == "E0620"


def test_scans_walk_along_any_axis_and_backwards() -> None:
    nodes = [node("Add", ["s", "v"], ["t"]), node("Mul", ["t", "v"], ["u"])]
    body = graph(nodes, [port("s", (3,), F64), port("v", (3,), F64)], ["t", "u"])
    scan = node("Scan", ["start", "x"], ["last", "y"], body=body, num_scan_inputs=1, scan_input_axes=[1],
                scan_output_axes=[1], scan_input_directions=[1], scan_output_directions=[1])  # fmt: skip
    proto = model([scan], [port("start", (3,), F64), port("x", X.shape, F64)], ["last", "y"])
    assert "scan" in ops_of(load(proto))
    total, outputs = np.ones(3), []
    for column in X.T[::-1]:
        total = total + column
        outputs.append(total * column)
    last, y = run(proto, np.ones(3), X)
    np.testing.assert_allclose(last, total, atol=1e-12)
    np.testing.assert_allclose(y, np.stack(outputs[::-1], 1), atol=1e-12)


def test_a_scan_along_a_symbolic_length() -> None:
    body = graph([node("Add", ["s", "v"], ["t"])], [port("s", (4,), F64), port("v", (4,), F64)], ["t"])
    scan = node("Scan", ["start", "x"], ["last"], body=body, num_scan_inputs=1)
    agrees(model([scan], [port("start", (4,), F64), port("x", ["T", 4], F64)], ["last"]), np.ones(4), X)


def test_a_body_with_the_wrong_number_of_inputs() -> None:
    body = graph([node("Identity", ["c"], ["next"])], [port("c", [], bool)], ["next"])
    proto = model(
        [node("Loop", ["n", "true", "x"], ["y"], body=body)],
        [port("x", X.shape, F64)],
        ["y"],
        {"n": np.array(3), "true": TRUE},
    )
    assert code_of(proto) == "E0612"
