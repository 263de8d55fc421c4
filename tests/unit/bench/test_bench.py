"""`neuralc bench`: figures from times, work of kernels and models, engines in processes of their own, refusals."""

from __future__ import annotations

import json
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.documents import ROOT

from neuralc import driver
from neuralc.bench.measure import measure_launches, work_of_model
from neuralc.bench.peers import OWN, chosen, peers
from neuralc.bench.report import seconds_text
from neuralc.bench.rounds import Times, Worker, bootstrap
from neuralc.cli_bench import command
from neuralc.grammar.diagnostics import NeuralcError

MODEL = """define Block(units) { Dense(units) ReLU }
network M {
  input: (32)
  layers: Block(48) Dense(10)
}
"""


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


def test_settings_name_engines_that_there_are() -> None:
    from neuralc.bench.engines import ENGINES

    assert set(peers()) == set(ENGINES) - {"neuralc"}
    assert {peer.takes for peer in peers().values()} == set(OWN)


def test_settings_are_part_of_the_package() -> None:
    assert '"neuralc.bench" = ["*.toml"]' in (ROOT / "pyproject.toml").read_text()
