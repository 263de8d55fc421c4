"""Tensors of a model: all the ways in which their values are written, and files beside the model."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.onnx_graphs import code_of, error_of, load, model, node

from neuralc.frontends.onnx.load import load as load_file
from neuralc.grammar.diagnostics import NeuralcError

DTYPES = ["float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "bool"]


def of_tensor(tensor: TensorProto) -> onnx.ModelProto:
    """A model that gives the first value of a tensor."""
    tensor.name = "w"
    proto = model([node("Shape", ["w"], ["y"]), node("Identity", ["w"], ["z"])], [], ["y", "z"])
    proto.graph.initializer.append(tensor)
    return proto


def values_of(tensor: TensorProto) -> Any:
    return load(of_tensor(tensor)).store["w"]


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("count", [3, 3000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_element_type_in_every_field(dtype: str, count: int, raw: bool) -> None:
    """Short tensors are read with the model, long ones are views of it."""
    array = (np.arange(count) % 120).astype(dtype)
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    listed = array.view({"float16": np.uint16, "bool": np.uint8}.get(dtype, array.dtype))
    tensor = numpy_helper.from_array(array) if raw else TensorProto(data_type=kind, dims=[count])
    if not raw:
        field = {"float32": "float_data", "float64": "double_data", "int64": "int64_data", "uint32": "uint64_data"}
        getattr(tensor, field.get(dtype, "int32_data")).extend(listed.tolist())
    np.testing.assert_array_equal(values_of(tensor), array)


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("count", [2, 4, 3000])
def test_a_wrong_number_of_values(count: int, raw: bool) -> None:
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[3])
    if raw:
        tensor.raw_data = bytes(4 * count)
    else:
        tensor.float_data.extend([1.0] * count)
    assert code_of(of_tensor(tensor)) == "E0613"


@pytest.mark.parametrize("dims", [[-3], [1 << 62, 1 << 62], [1 << 40]])
def test_impossible_shapes(dims: list[int]) -> None:
    assert code_of(of_tensor(TensorProto(data_type=TensorProto.FLOAT, dims=dims, raw_data=b"1234"))) == "E0613"


@pytest.mark.parametrize("kind", [TensorProto.STRING, TensorProto.UINT4, TensorProto.FLOAT8E4M3FN, 99])
def test_tensors_of_other_element_types(kind: int) -> None:
    assert code_of(of_tensor(TensorProto(data_type=kind, dims=[0]))) == "E0620"


def test_no_bytes_of_a_model_pass_for_a_place_in_it() -> None:
    """What stands for a long tensor is made anew for each reading: what a model holds is never taken for it."""
    assert code_of(of_tensor(TensorProto(data_type=TensorProto.FLOAT, dims=[3000], raw_data=bytes(24)))) == "E0613"


def test_long_tensors_are_views_of_the_file(tmp_path: Path) -> None:
    array = np.ones(1 << 20, np.float32)
    path = tmp_path / "m.onnx"
    path.write_bytes(of_tensor(numpy_helper.from_array(array)).SerializeToString())
    load_file(path)  # what is imported once is not counted
    tracemalloc.start()
    found = load_file(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < array.nbytes / 4
    np.testing.assert_array_equal(found.store["w"], array)


# --- files beside the model ------------------------------------------------------------------------------------------
def external(path: Path, location: str, shape: tuple[int, ...] = (4,), **others: str) -> Path:
    """A model file whose tensor stands at a place in another file."""
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **others}.items():
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(of_tensor(tensor).SerializeToString())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(NeuralcError) as refused:
        load_file(path)
    return refused.value.diagnostics[0].code


VALUES = np.arange(8, dtype=np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "model"
    (inside / "data").mkdir(parents=True)
    (inside / "data" / "w.bin").write_bytes(VALUES.tobytes())
    (tmp_path / "secret.bin").write_bytes(VALUES.tobytes())
    return inside


def test_external_data_is_read_at_its_offset(folder: Path) -> None:
    path = external(folder / "m.onnx", "data/w.bin", offset="16", length="16")
    np.testing.assert_array_equal(load_file(path).store["w"], VALUES[4:])


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / "link.bin").symlink_to(folder / "data" / "w.bin")
    np.testing.assert_array_equal(load_file(external(folder / "m.onnx", "link.bin")).store["w"], VALUES[:4])


ESCAPES: dict[str, Callable[[Path], str]] = {
    "parent": lambda folder: "../secret.bin",
    "around": lambda folder: "data/../../secret.bin",
    "absolute": lambda folder: str(folder.parent / "secret.bin"),
    "missing": lambda folder: "data/none.bin",
    "folder": lambda folder: "data",
    "empty": lambda folder: "",
    "zero byte": lambda folder: "data/w.bin\0",
    "long": lambda folder: "a" * 5000,
    "device": lambda folder: "/dev/zero",
}


@pytest.mark.parametrize("name", ESCAPES)
def test_paths_that_are_no_file_of_the_folder(folder: Path, name: str) -> None:
    assert refusal(external(folder / "m.onnx", ESCAPES[name](folder))) == "E0614"


def test_links_out_of_the_folder(folder: Path) -> None:
    (folder / "link.bin").symlink_to(folder.parent / "secret.bin")
    (folder / "up").symlink_to(folder.parent)
    (folder / "loop").symlink_to(folder / "loop")
    for location in ("link.bin", "up/secret.bin", "loop"):
        assert refusal(external(folder / "m.onnx", location)) == "E0614"


@pytest.mark.parametrize(
    "others",
    [{"offset": "24"}, {"offset": "-4"}, {"length": "12"}, {"offset": "x"}, {"length": "9" * 30}, {"offset": "9" * 18}],
    ids=str,
)
def test_places_outside_of_the_file(folder: Path, others: dict[str, str]) -> None:
    assert refusal(external(folder / "m.onnx", "data/w.bin", **others)) == "E0613"


def test_a_model_without_a_file_has_no_external_data(folder: Path) -> None:
    path = external(folder / "m.onnx", "data/w.bin")
    assert error_of(path.read_bytes()).code == "E0614"
