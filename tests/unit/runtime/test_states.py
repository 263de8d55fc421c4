"""Models with states as Python runs them: whose state it is, and what a reset does."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from support.graph_modules import GraphModule, tensor
from support.pipelines import compile_native
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.weights import WeightStore
from neuralc.interpreted import InterpretedModel
from neuralc.passes.target import Target
from neuralc.runtime import Model, ModelError, load

ROW = tensor("batch", 2)
ONES = np.ones((3, 2), np.float32)


def counting() -> ModuleOp:
    """Gives the sum of its inputs so far, the one of this call included."""
    build = GraphModule()
    build.state("sum", ROW)

    def body(x: SSAValue) -> SSAValue:
        total = graph.AddOp.of(x, graph.GetStateOp("sum", ROW).result).result
        graph.SetStateOp("sum", total)
        return total

    return build.model({"x": ROW}, body)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("states") / "counting.so"
    compile_native(counting(), WeightStore(), 2, Target.host()).save(found)
    return found


@pytest.fixture(params=["native", "loaded", "interpreted"])
def model(request: pytest.FixtureRequest, path: Path) -> Model | InterpretedModel:
    if request.param == "interpreted":
        return InterpretedModel(counting(), WeightStore())
    return load(path) if request.param == "loaded" else compile_native(counting(), WeightStore(), 2, Target.host())


def calls(model: Model | InterpretedModel, count: int) -> list[float]:
    return [float(model(ONES)[0, 0]) for _ in range(count)]


def test_a_call_goes_on_where_the_one_before_was(model: Model | InterpretedModel) -> None:
    assert calls(model, 3) == [1, 2, 3]


def test_a_reset_lets_the_states_begin_anew(model: Model | InterpretedModel) -> None:
    assert calls(model, 2) == [1, 2]
    model.reset()
    assert calls(model, 2) == [1, 2]
    model.reset()
    model.reset()
    assert model(ONES[:1]).shape == (1, 2)


def test_states_are_listed(model: Model | InterpretedModel) -> None:
    assert [(state.name, state.shape, state.dtype) for state in model.states] == [("sum", ("batch", 2), np.float32)]


def test_a_call_that_is_refused_leaves_the_states(path: Path) -> None:
    model = load(path)
    calls(model, 2)
    for wrong, code in ((ONES[:2], "E0912"), (ONES[:, :1], "E0904"), (ONES.astype(np.float64), "E0904")):
        with pytest.raises(ModelError) as caught:
            model(wrong)
        assert caught.value.code == code
    assert calls(model, 1) == [3]


def test_the_sizes_of_a_state_are_said_to_be_others(path: Path) -> None:
    model = load(path)
    calls(model, 1)
    with pytest.raises(ModelError, match=r"E0912.*the states have other sizes than this run") as caught:
        model(ONES[:2])
    assert caught.value.help == "call `reset()` before a run with other sizes"


def test_a_size_that_no_input_tells_is_refused() -> None:
    build = GraphModule()
    build.state("last", tensor("N"))
    module = build.model({"x": ROW}, lambda x: [x, graph.GetStateOp("last", tensor("N")).result])
    model = compile_native(module, WeightStore(), 2, Target.host())
    with pytest.raises(ModelError, match=r"E0904.*the size of dim `N` cannot be told from the inputs"):
        model(ONES)


def test_threads_do_not_see_each_others_states(model: Model | InterpretedModel) -> None:
    """Each thread calls as often as it can at the same time as the others."""
    start = Barrier(4)

    def work(count: int) -> list[float]:
        start.wait()
        return calls(model, count)

    calls(model, 2)
    counts = [5, 50, 200, 500]
    with ThreadPoolExecutor(4) as pool:
        for found, count in zip(pool.map(work, counts), counts, strict=True):
            assert found == list(range(1, count + 1))
    assert calls(model, 1) == [3]


def test_a_reset_is_for_all_threads(model: Model | InterpretedModel) -> None:
    with ThreadPoolExecutor(1) as other:
        assert other.submit(calls, model, 2).result() == [1, 2]
        assert calls(model, 2) == [1, 2]
        model.reset()
        assert calls(model, 1) == [1]
        assert other.submit(calls, model, 2).result() == [1, 2]


def test_two_models_of_one_file_share_nothing(path: Path) -> None:
    first, second = load(path), load(path)
    assert calls(first, 2) == [1, 2]
    assert calls(second, 1) == [1]
    first.reset()
    assert calls(second, 1) == [2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_begins_anew(path: Path) -> None:
    import subprocess

    program = (
        "import os, sys, numpy as np; from neuralc.runtime import load\n"
        "model, x = load(sys.argv[1]), np.ones((3, 2), np.float32)\n"
        "model(x); model(x)\n"
        "child = os.fork()\n"
        "found = float(model(x)[0, 0])\n"
        "if child == 0: os._exit(0 if found == 1 else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or (found != 3))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
