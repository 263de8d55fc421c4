"""neuralc as a backend of ONNX: what `onnx.backend.base` promises, and what it may load."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support.onnx_models import node_model

from neuralc import onnx_backend
from neuralc.grammar.diagnostics import NeuralcError, UsageError

X = np.array([-1.0, 2.0], np.float32)


def relu() -> onnx.ModelProto:
    return node_model("Relu", {"x": X})


@pytest.mark.parametrize("options", [{}, {"opt": 0}, {"target": "interp"}, {"opt": "interp"}, {"check_each": True}])
def test_a_model_runs_in_process(options: dict[str, object]) -> None:
    (y,) = onnx_backend.prepare(relu(), "CPU", **options).run([X])
    np.testing.assert_array_equal(y, [0, 2])


def test_inputs_go_by_name_too() -> None:
    (y,) = onnx_backend.prepare(relu()).run({"x": X})
    np.testing.assert_array_equal(y, [0, 2])


def test_one_node_runs_alone() -> None:
    node = helper.make_node("Add", ["a", "b"], ["y"])
    (y,) = onnx_backend.run_node(node, [X, X], opset_version=14)
    np.testing.assert_array_equal(y, 2 * X)


def test_the_environment_chooses_where_a_caller_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALC_OPT", "interp")
    assert type(onnx_backend.prepare(relu()).model).__name__ == "InterpretedModel"
    monkeypatch.setenv("NEURALC_OPT", "7")
    with pytest.raises(UsageError):
        onnx_backend.prepare(relu())


def test_what_is_not_compiled_is_said_with_its_reason() -> None:
    model = node_model("RandomUniformLike", {"x": X})
    with pytest.raises(onnx_backend.BackendIsNotSupposedToImplementIt, match="RandomUniformLike, once, first `y`: "):
        onnx_backend.prepare(model)
    assert issubclass(onnx_backend.BackendIsNotSupposedToImplementIt, NotImplementedError)


def test_what_is_wrong_is_no_lack_of_ours() -> None:
    ports = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])]
    graph = helper.make_graph([helper.make_node("Relu", ["z"], ["y"])], "g", ports, [onnx.ValueInfoProto(name="y")])
    with pytest.raises(NeuralcError):
        onnx_backend.prepare(helper.make_model(graph))


def test_only_the_processor_is_a_device() -> None:
    assert onnx_backend.supports_device("CPU")
    assert not onnx_backend.supports_device("CUDA:0")
    assert onnx_backend.is_compatible(relu())


@pytest.mark.thorough
def test_no_other_implementation_is_loaded() -> None:
    program = (
        "import sys, numpy, onnx; from onnx import helper as h; from neuralc import onnx_backend as b;"
        "b.run_node(h.make_node('Relu', ['x'], ['y']), [numpy.ones(2, 'f')], opset_version=14);"
        "print([name for name in sys.modules if name.partition('.')[0] in ('torch', 'onnxruntime')"
        " or name.startswith('onnx.reference')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"


def test_sizes_that_depend_on_values_are_known_when_it_is_run() -> None:
    given = {"start": np.array(1), "limit": np.array(7), "delta": np.array(2)}
    rep = onnx_backend.prepare(node_model("Range", given))
    np.testing.assert_array_equal(rep.run(given)[0], [1, 3, 5])
    np.testing.assert_array_equal(rep.run([np.array(0), np.array(2), np.array(1)])[0], [0, 1])
