"""`neuralc bench`: figures from times, work of kernels and models, engines in processes of their own, refusals."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib.machinery import PathFinder
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.documents import ROOT

from neuralc import driver
from neuralc.bench.contest import Effort
from neuralc.bench.limits import Limits, Request
from neuralc.bench.measure import Plan, measure_launches, measure_model, work_of_model
from neuralc.bench.peers import OWN, chosen, peers, with_shapes
from neuralc.bench.report import seconds_text
from neuralc.bench.rounds import Times, Worker, bootstrap
from neuralc.cli_bench import command, parse_counts
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.machine import LEVELS, Machine

HALVES = """<ir_version: 8, opset_import: ["" : 17]>
halves (float[batch, 8] x) => (float[batch, 8] y) { half = Constant<value_float = 0.5>() y = Mul(x, half) }
"""
MODEL = """define Block(units) { Dense(units) ReLU }
network M {
  input: (32)
  layers: Block(48) Dense(10)
}
"""

MACHINE = Machine("test", 100.0, dict.fromkeys(LEVELS, 1.0), dict.fromkeys(LEVELS[:-1], 2**15))
"""What is measured in seconds elsewhere (tests/unit/infra/test_cli_targets.py)."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.nr"
    path.write_text(MODEL)
    return path


def test_a_ratio_compares_the_rounds_beside_each_other() -> None:
    ours = Times([[1.0, 1.0, 9.0], [2.0, 2.0, 2.0], [1.0, 1.0, 1.0]])
    theirs = Times([[2.0, 2.0, 2.0], [4.0, 4.0, 4.0], [2.0, 2.0, 2.0]])
    assert theirs.ratio_to(ours) == bootstrap([2.0, 2.0, 2.0])
    assert ours.medians == [1.0, 2.0, 1.0]


def test_the_limit_is_the_longer_of_arithmetic_and_reading_and_grows_with_the_work() -> None:
    least = [
        Limits(Request(flops, bytes_, threads)).seconds_in(0.002)
        for flops, bytes_, threads in [(1e9, 1.0, 1), (1.0, 1e6, 1), (1e12, 1.0, 2), (1.0, 2e8, 2)]
    ]
    assert least[2] > 50 * least[0] > 0
    assert least[3] > 20 * least[1] > 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.5, "2.5 s"), (0.0701, "70.1 ms"), (3.14159e-6, "3.14 us"), (5e-8, "50 ns")]
)
def test_times_have_three_digits(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_the_work_of_a_model_is_that_of_its_products(model: Path) -> None:
    work = work_of_model(driver.load(model, driver.Options()), {"batch": 4})
    weights = 32 * 48 + 48 + 48 * 10 + 10
    assert work.flops is not None
    assert 2 * 4 * (32 * 48 + 48 * 10) <= work.flops <= 2 * 4 * (32 * 48 + 48 * 10) + 4 * 58
    assert work.bytes == 4 * (weights + 4 * (32 + 10))


def test_launches_do_at_least_the_work_of_the_model_and_know_their_layers(model: Path) -> None:
    compilation = driver.load(model, driver.Options())
    launches = measure_launches(compilation, {"batch": 4}, lambda what: None)
    assert {launch.layer for launch in launches} <= {"m.nr:1", "m.nr:4"}
    flops = [launch.work.flops for launch in launches]
    assert all(each is not None for each in flops)
    assert sum(each or 0.0 for each in flops) >= 2 * 4 * (32 * 48 + 48 * 10)
    assert all(launch.seconds > 0 for launch in launches)


def test_loops_that_depend_on_the_program_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "conv.nr"
    path.write_text("network M { input: (19, 17, 8) layers: Conv2D(24, 3, use_bias=false) }")
    launches = measure_launches(driver.load(path, driver.Options(winograd="off")), {"batch": 1}, lambda what: None)
    useful = 2 * 17 * 15 * 24 * 9 * 8
    flops = sum(launch.work.flops or 0.0 for launch in launches)
    assert useful <= flops <= 1.5 * useful
    bytes_ = sum(launch.work.bytes for launch in launches)
    assert bytes_ <= 4 * (19 * 17 * 8 + 9 * 8 * 24 + 17 * 15 * 24) * 1.5


@pytest.mark.thorough
def test_a_model_is_timed_beside_a_peer(model: Path) -> None:
    arguments = [str(model), "--compare", "onnxruntime", "--rounds", "3", "--seconds", "0.001", "--json", "--profile"]
    done = CliRunner().invoke(command, [*arguments, "--batch", "2"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["sizes"], found["threads"]) == ({"batch": 2}, 1)
    assert found["engines"]["onnxruntime"]["runs_written_code"]
    assert not found["engines"]["neuralc"]["runs_written_code"]
    for figures in found["engines"].values():
        assert 0 < figures["min"] <= figures["median"]["median"] <= figures["p99"]
        assert figures["rounds"] == 3
        assert 0 < figures["share_of_limit"]["low"] <= figures["share_of_limit"]["high"]
    assert found["engines"]["neuralc"]["ratio"] is None
    assert {launch["layer"] for launch in found["launches"]} <= {"m.nr:1", "m.nr:4"}


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["openvino", "torch", "xla"])
def test_engines_compute_the_same(model: Path, engine: str) -> None:
    absent = [package for package in peers()[engine].packages if PathFinder.find_spec(package) is None]
    if absent:
        pytest.skip(f"{absent[0]} is not installed")
    arguments = [str(model), "--compare", engine, "--rounds", "3", "--seconds", "0.001"]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    assert f"{engine} *" in done.stdout


def test_a_process_that_fails_tells_why(tmp_path: Path) -> None:
    script = "import sys; sys.exit('error: no room\\n   = help: make some')"
    with pytest.raises(NeuralcError, match="no room"):
        Worker("engine", [sys.executable, "-c", script], threads=1)


@pytest.mark.parametrize(
    ("names", "file", "code"),
    [(["onnxruntim"], "m.onnx", "E0813"), (["torch"], "m.onnx", "E0814"), (["openvino"], "m.keras", "E0814")],
)
def test_what_cannot_be_compared_is_refused(names: list[str], file: str, code: str) -> None:
    with pytest.raises(NeuralcError) as caught:
        chosen(names, Path(file))
    assert caught.value.diagnostics[0].code == code


@pytest.mark.thorough
@pytest.mark.parametrize(("engine", "suffix"), [("torch", ".pt2"), ("xla", ".jax"), ("onnxruntime", ".onnx")])
def test_the_same_model_in_another_file_is_for_peers_that_read_it(tmp_path: Path, engine: str, suffix: str) -> None:
    ours, theirs = write_halves(tmp_path, ".onnx"), write_halves(tmp_path, suffix)
    arguments = [str(ours), "--also", str(theirs), "--compare", engine, "--rounds", "3", "--seconds", "0.001", "--json"]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    assert not json.loads(done.stdout)["engines"][engine]["runs_written_code"]


def write_halves(folder: Path, suffix: str) -> Path:
    """A model that gives half of each row of `x`, (batch, 8); of JAX and PyTorch with a batch of one."""
    path = folder / f"halves{suffix}"
    if suffix == ".onnx":
        onnx = pytest.importorskip("onnx")
        onnx.save(onnx.parser.parse_model(HALVES), path)
    elif suffix == ".pt2":
        torch = pytest.importorskip("torch")

        half = torch.nn.Linear(8, 8, bias=False)
        torch.nn.init.eye_(half.weight).data.mul_(0.5)
        torch.export.save(torch.export.export(half, (torch.zeros(1, 8),)), path)
    else:
        jax = pytest.importorskip("jax")
        shape = jax.ShapeDtypeStruct((1, 8), "float32")
        path.write_bytes(jax.export.export(jax.jit(lambda x: x * 0.5))(shape).serialize())
    return path


@pytest.mark.thorough
def test_a_size_that_is_fixed_is_fixed_for_peers(tmp_path: Path) -> None:
    arguments = [str(write_halves(tmp_path, ".onnx")), "--dim", "batch=3", "--compare", "onnxruntime", "--json"]
    done = CliRunner().invoke(command, [*arguments, "--rounds", "3", "--seconds", "0.001"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["sizes"] == {"batch": 3}


@pytest.mark.thorough
def test_lists_of_threads_and_batches_give_a_table_for_each_pair(tmp_path: Path) -> None:
    arguments = [str(write_halves(tmp_path, ".onnx")), "--batch", "1,3", "--threads", "1,2", "--rounds", "3"]
    done = CliRunner().invoke(command, [*arguments, "--seconds", "0.001"])
    heads = [line for line in done.stdout.splitlines() if line.startswith("halves.onnx")]
    assert heads == [f"halves.onnx, {told}, batch = {batch}" for told in ("1 thread", "2 threads") for batch in (1, 3)]
    found = json.loads(CliRunner().invoke(command, [*arguments, "--seconds", "0.001", "--json"]).stdout)
    assert [(each["threads"], each["sizes"]["batch"]) for each in found] == [(1, 1), (1, 3), (2, 1), (2, 3)]


def test_a_shape_is_filled_in_for_engines_that_need_numbers(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    filled = with_shapes(write_halves(tmp_path, ".onnx"), {"x": np.zeros((5, 8), np.float32)}, tmp_path / "filled.onnx")
    graph = onnx.load(filled).graph
    assert [[dim.dim_value for dim in port.type.tensor_type.shape.dim] for port in (*graph.input, *graph.output)] == [
        [5, 8],
        [5, 8],
    ]


def test_counts_are_lists_without_repetitions() -> None:
    assert parse_counts("--batch", "8, 1,8") == [8, 1]
    for text in ("", "1,,2", "0", "two", "-1"):
        with pytest.raises(NeuralcError, match="not a list of counts"):
            parse_counts("--batch", text)


@pytest.mark.thorough
def test_sizes_that_nobody_gives_are_those_that_the_layers_allow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuralc.machine.measure", lambda *_, **__: MACHINE)
    path = tmp_path / "wide.nr"
    path.write_text("network M { input: (T, 4) layers: Conv1D(4, 21) GlobalAveragePooling1D() }")
    done = CliRunner().invoke(command, [str(path), "--rounds", "3", "--seconds", "0.001"])
    assert done.exit_code == 0, done.output
    assert "wide.nr, 1 thread, batch = 1, T = 21" in done.stdout
    assert "--sizes T=21 says the same" in done.stdout


def test_an_engine_of_another_python_says_what_installs_it() -> None:
    with pytest.raises(NeuralcError, match=r"iree-env/bin/pip install iree-base-compiler") as caught:
        chosen(["iree"], Path("m.onnx"))
    assert caught.value.diagnostics[0].code == "E0921"
    with pytest.raises(NeuralcError, match=r"needs iree\.compiler and iree\.runtime in ") as caught:
        chosen(["iree"], Path("m.onnx"), pythons=[f"iree={sys.executable}"])
    assert caught.value.diagnostics[0].code == "E0921"


@pytest.mark.parametrize(
    ("text", "code"), [("iree", "E0813"), ("ire=python", "E0813"), ("iree=/no/such/python", "E0921")]
)
def test_an_interpreter_that_is_none_is_refused(text: str, code: str) -> None:
    with pytest.raises(NeuralcError) as caught:
        chosen(["iree"], Path("m.onnx"), pythons=[text])
    assert caught.value.diagnostics[0].code == code


@pytest.mark.thorough
def test_a_worker_runs_in_a_python_without_neuralc(tmp_path: Path) -> None:
    onnxruntime = replace(peers()["onnxruntime"], python=sys.executable)
    plan = Plan(write_halves(tmp_path, ".onnx"), driver.Options(threads=1), [onnxruntime], effort=Effort(3, 0.001))
    outcome = measure_model(plan, MACHINE, lambda step: None, fail, lambda warnings: None)
    assert [each.name for each in outcome.engines] == ["neuralc", "onnxruntime"]


def fail(engine: str, problem: NeuralcError) -> None:
    raise problem


def test_a_peer_that_says_nothing_is_given_up() -> None:
    with pytest.raises(NeuralcError, match="no answer for 0 s"):
        Worker("engine", [sys.executable, "-c", "import time; time.sleep(60)"], threads=1, patience=0.1)


def test_much_that_an_engine_says_does_not_stop_it() -> None:
    script = "import sys; sys.stderr.write('x' * 10**6); print('{}', flush=True); sys.stdin.read()"
    worker = Worker("engine", [sys.executable, "-c", script], threads=1, patience=30)
    assert worker.first == {}
    worker.stop()


def test_settings_name_engines_that_there_are() -> None:
    from neuralc.bench.engines import ENGINES

    assert set(peers()) == set(ENGINES) - {"neuralc"}
    assert {peer.takes for peer in peers().values()} == set(OWN)


def test_settings_are_part_of_the_package() -> None:
    assert '"neuralc.bench" = ["*.toml"]' in (ROOT / "pyproject.toml").read_text()
