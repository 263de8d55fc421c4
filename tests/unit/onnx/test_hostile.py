"""Damaged and hostile models: one error with a code, soon and in little memory, whatever is in the file."""

import random
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from support.onnx_graphs import graph, load, model, node, port
from support.tables import few_of

from neuralc.frontends.onnx.load import load_bytes
from neuralc.grammar.diagnostics import NeuralcError

SECONDS = 2.0
BYTES = 200 << 20


def outcome(data: bytes) -> str:
    """The code of the refusal, or the empty string where the bytes are a model. Nothing else may be raised."""
    started = time.process_time()
    code = ""
    try:
        load_bytes(data)
    except NeuralcError as refusal:
        code = refusal.diagnostics[0].code
    assert time.process_time() - started < SECONDS
    return code


def sample() -> ModelProto:
    """A model with a bit of everything."""
    then, other = (graph([node(op, ["h"], ["r"])], [], ["r"]) for op in ("Relu", "Neg"))
    nodes = [
        node("Conv", ["x", "k", "b"], ["c"], pads=[1, 1, 1, 1], name="conv"),
        node("Shape", ["c"], ["s"], start=0, end=1),
        node("Concat", ["s", "rest"], ["shape"], axis=0),
        node("Reshape", ["c", "shape"], ["f"]),
        node("Gemm", ["f", "w"], ["h"], transB=1, alpha=0.5),
        node("ReduceSum", ["h"], ["total"], keepdims=0),
        node("Greater", ["total", "zero"], ["flag"]),
        node("If", ["flag"], ["i"], then_branch=then, else_branch=other),
        node("Slice", ["i", "one", "three", "one"], ["part"]),
        node("Softmax", ["part"], ["y"]),
    ]
    weights = {
        "k": np.ones((2, 1, 3, 3), np.float32), "b": np.ones(2, np.float32), "w": np.ones((5, 32), np.float32),
        "rest": np.array([-1]), "zero": np.array(0.0, np.float32), "one": np.array([1]), "three": np.array([3]),
        "long": np.ones(600, np.float32),
    }  # fmt: skip
    return model([*nodes], [port("x", ["N", 1, 4, 4])], ["y"], weights, opset=17)


DATA = sample().SerializeToString()


def test_the_sample_is_a_model() -> None:
    assert outcome(DATA) == ""


@pytest.mark.parametrize("data", [b"", b"\0", b"not a model", b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x7f", b"PK\3\4"])
def test_what_is_no_protobuf(data: bytes) -> None:
    assert outcome(data).startswith("E06")


def test_every_truncation_is_refused_or_a_model() -> None:
    codes = {outcome(DATA[:length]) for length in range(0, len(DATA), 7)}
    assert codes <= {"", "E0610", "E0611", "E0612", "E0613", "E0620"}
    assert "E0610" in codes


def chain(count: int, op: Callable[[int, str], object]) -> ModelProto:
    nodes = [op(i, "x" if i == 0 else f"v{i}") for i in range(count)]
    return model(nodes, [port("x", ["N", "M"])], [f"v{count}"])  # type: ignore[arg-type]


def _huge_fill() -> ModelProto:
    nodes = [node("ConstantOfShape", ["s"], ["c"]), node("Add", ["c", "c"], ["y"])]
    return model(nodes, [], ["y"], {"s": np.array([1 << 40, 1 << 20])})


def _huge_range() -> ModelProto:
    return model([node("Range", ["a", "b", "c"], ["y"])], [], ["y"],
                 {"a": np.array(0), "b": np.array(1 << 60), "c": np.array(1)})  # fmt: skip


def _huge_tile() -> ModelProto:
    return model([node("Tile", ["x", "r"], ["y"])], [port("x", [3])], ["y"], {"r": np.array([1 << 50])})


def _huge_eye() -> ModelProto:
    return model([node("EyeLike", ["x"], ["y"])], [port("x", [1 << 30, 1 << 30])], ["y"])


def _huge_one_hot() -> ModelProto:
    return model([node("OneHot", ["x", "d", "v"], ["y"])], [port("x", [4], np.int64)], ["y"],
                 {"d": np.array(1 << 50), "v": np.array([0.0, 1.0])})  # fmt: skip


def _many_axes() -> ModelProto:
    return model([node("Unsqueeze", ["x", "a"], ["y"])], [port("x", [3])], ["y"], {"a": np.arange(5000)})


def _doubling() -> ModelProto:
    return chain(300, lambda i, v: node("Concat", [v, v], [f"v{i + 1}"], axis=0))


def _deep_sizes() -> ModelProto:
    pool = node("MaxPool", ["x"], ["v1"], kernel_shape=[2], strides=[2])
    nodes = [pool, *(node("MaxPool", [f"v{i}"], [f"v{i + 1}"], kernel_shape=[2], strides=[3]) for i in range(1, 500))]
    return model(nodes, [port("x", [1, 1, "N"])], ["v500"])


def _product_of_sums() -> ModelProto:
    pads = {"p": np.ones(60, np.int64)}
    nodes = [node("Pad", ["x", "p"], ["v"]), node("Flatten", ["v"], ["y"], axis=0)]
    return model(nodes, [port("x", [f"n{i}" for i in range(30)])], ["y"], pads)


def _many_symbols() -> ModelProto:
    ports = [port(f"x{i}", [f"n{i}"]) for i in range(3000)]
    nodes = [node("Sum", [p.name for p in ports], ["y"])]
    return model(nodes, ports, ["y"])


def _long_chain() -> ModelProto:
    return chain(3000, lambda i, v: node("Relu", [v], [f"v{i + 1}"]))


def _long_circle() -> ModelProto:
    nodes = [node("Relu", [f"v{(i + 1) % 3000}"], [f"v{i}"]) for i in range(3000)]
    return model([*nodes, node("Relu", ["v0"], ["y"])], [], ["y"])


def _odd_names() -> ModelProto:
    names = ["a\nb", "a\0b", '"', "\U0001f600" * 1000, "../x", "@main", " "]
    nodes = [node("Relu", [a], [b], name=b) for a, b in pairwise(names)]
    return model(nodes, [port(names[0], ['"; drop', "\n"])], [names[-1]])


def _negative_sizes() -> ModelProto:
    return model([node("Reshape", ["x", "s"], ["y"])], [port("x", [-5, 4])], ["y"], {"s": np.array([-2, 4])})


HOSTILE = [
    _huge_fill, _huge_range, _huge_tile, _huge_eye, _huge_one_hot, _many_axes, _doubling, _deep_sizes,
    _product_of_sums, _many_symbols, _long_chain, _long_circle, _odd_names, _negative_sizes,
]  # fmt: skip


@pytest.mark.parametrize("make", few_of(HOSTILE, 6), ids=lambda make: make.__name__)
def test_hostile_models_take_little_time_and_memory(make: Callable[[], ModelProto]) -> None:
    data = make().SerializeToString()
    assert outcome(data) in ("", "E0612", "E0613", "E0620")
    tracemalloc.start()
    try:
        load_bytes(data)
    except NeuralcError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < BYTES


def test_text_that_is_no_utf8_is_refused() -> None:
    assert outcome(DATA.replace(b"conv", b"\xff\xfe\xfd\xfc")) in ("", "E0610")
    assert outcome(DATA.replace(b"Softmax", b"Softm\xff\xff")) in ("E0610", "E0620")


# --- random damage ---------------------------------------------------------------------------------------------------
def damaged(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, removed, doubled or moved."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(len(out))
        match rng.randrange(4):
            case 0:
                out[at] = rng.randrange(256)
            case 1:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                del out[at : at + rng.randrange(1, 9)]
            case _:
                out[at:at] = out[at : at + rng.randrange(1, 33)]
    return bytes(out)


@pytest.mark.parametrize("seed", few_of(range(20), 10))
def test_damaged_bytes(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(25):
        assert outcome(damaged(DATA, rng)) in ("", "E0610", "E0611", "E0612", "E0613", "E0614", "E0620", "E0904")


def twisted(rng: random.Random) -> ModelProto:
    """The sample with parts of its structure exchanged: names, attributes, shapes, types, order."""
    proto = sample()
    nodes, tensors = list(proto.graph.node), list(proto.graph.initializer)
    names = [name for each in nodes for name in (*each.input, *each.output)] + [t.name for t in tensors]
    for _ in range(rng.choice([1, 2, 4])):
        each, tensor = rng.choice(nodes), rng.choice(tensors)
        match rng.randrange(9):
            case 0 if each.input:
                each.input[rng.randrange(len(each.input))] = rng.choice([*names, "", "none"])
            case 1:
                each.output[0] = rng.choice(names)
            case 2:
                each.op_type = rng.choice(nodes).op_type
            case 3 if each.attribute:
                attribute = rng.choice(each.attribute)
                attribute.i = rng.choice([-(1 << 63), -1, 0, 7, 1 << 62])
                if attribute.ints:
                    attribute.ints[0] = rng.choice([-(1 << 63), -1, 0, 7, 1 << 62])
            case 4 if tensor.dims:
                tensor.dims[0] = rng.choice([-1, 0, 1, 3, 1 << 40])
            case 5:
                tensor.data_type = rng.choice([0, 1, 2, 7, 8, 10, 16, 17, 99])
            case 6:
                del each.input[-1:]
            case 7:
                each.attribute.append(helper.make_attribute("axis", rng.choice([1, 99, 1.5, "x", [1, 2]])))
            case _:
                sizes = proto.graph.input[0].type.tensor_type.shape.dim
                rng.choice(sizes).dim_value = rng.choice([-1, 0, 1, 3, 1 << 40])
    return proto


@pytest.mark.parametrize("seed", few_of(range(20), 10))
def test_twisted_structures(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(25):
        assert outcome(twisted(rng).SerializeToString()) in ("", "E0610", "E0611", "E0612", "E0613", "E0614", "E0620")


def test_long_tensors_within_attributes_are_views_too() -> None:
    value = numpy_helper.from_array(np.ones(5000, np.float32))
    nodes = [node("Constant", [], ["c"], value=value), node("Add", ["x", "c"], ["y"])]
    found = load(model(nodes, [port("x", [5000])], ["y"]))
    (array,) = found.store.values()
    assert not array.flags.owndata


def test_unknown_fields_are_skipped() -> None:
    extra = b"\xfa\x3f\x03abc"  # field 1023, three bytes
    assert outcome(DATA + extra) == ""
    assert outcome(DATA + TensorProto().SerializeToString()) == ""
