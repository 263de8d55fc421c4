"""The parts of the benchmark run that decide figures: the set, rows that are stored and resumed, means, the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import plot
from benchmarks.compile_models import Bench, Took
from benchmarks.measurement import Measurement
from benchmarks.report import line, markdown
from benchmarks.rows import Row, Run, behind, done, geometric_mean, summaries
from benchmarks.suite import KERNEL_SUITE, MODELS, Kernel, Trained
from benchmarks.winograd import Layer
from neuralc.bench.contest import Effort
from neuralc.bench.peers import peers
from neuralc.bench.rounds import bootstrap
from neuralc.machine import Machine

MACHINE = Machine(
    "test", 100.0, {"l1": 100.0, "l2": 50.0, "l3": 25.0, "memory": 5.0}, {"l1": 2**15, "l2": 2**19, "l3": 2**25}
)


def figures(seconds: float, ratio: float | None = None, spread: float = 0.0) -> Mapping[str, Any]:
    """What is stored of an engine."""
    found = None if ratio is None else {"median": ratio, "low": ratio - spread, "high": ratio + spread}
    share = {"median": 1e-6 / seconds, "low": 1e-6 / seconds, "high": 1e-6 / seconds}
    return {
        "median": {"median": seconds, "low": seconds, "high": seconds},
        "share_of_limit": share,
        "ready": 1.5,
        "ratio": found,
    }


def row(model: str, batch: int = 1, threads: int = 1, **ratios: float) -> Row:
    """A row of a model that takes 2 us, of which the limit accounts for a half."""
    engines = {"neuralc": figures(2e-6)} | {name: figures(2e-6 * ratio, ratio, 0.01) for name, ratio in ratios.items()}
    return Row(model, f"The {model}", batch, threads, 1e-6, engines=engines)


def run_of(*rows: Row) -> Run:
    machine = {"name": "cpu", "peak_gflops": 98.0, "bandwidth": {"l1": 1.0}, "caches": {"l1": 1}}
    return Run("python -m benchmarks.run", machine, {"python": "3.11"}, {"rounds": 15, "seconds": 0.05}, list(rows))


def test_the_interval_holds_the_median_and_shrinks_with_more_rounds() -> None:
    rng = np.random.default_rng(1)
    few, many = bootstrap(rng.normal(10.0, 1.0, 15)), bootstrap(rng.normal(10.0, 1.0, 1500))
    assert few.low <= few.median <= few.high
    assert many.high - many.low < few.high - few.low
    assert many.median == pytest.approx(10.0, abs=0.2)


def test_the_limit_is_arithmetic_for_dense_work_and_bandwidth_for_little_work_on_many_bytes() -> None:
    assert MACHINE.limit_seconds(1e9, 1e4) == pytest.approx(0.01)
    assert MACHINE.limit_seconds(1.0, 1e8) == pytest.approx(1e8 / 5e9)


def test_names_of_the_set_differ_and_kernels_are_programs_of_the_repository() -> None:
    subjects = [*MODELS, *KERNEL_SUITE]
    assert len({each.name for each in subjects}) == len(subjects)
    assert all(each.path.exists() for each in subjects if isinstance(each, Kernel))
    assert all(len(each.sha256) == 64 for each in subjects if isinstance(each, Trained))


def test_a_geometric_mean_is_that_of_ratios() -> None:
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert math.isnan(geometric_mean([]))


def test_means_are_made_by_batch_and_threads_over_the_rows_that_a_peer_ran() -> None:
    rows = [row("a", torch=4.0, onnxruntime=2.0), row("b", onnxruntime=0.5), row("a", threads=2, torch=3.0)]
    first, second = summaries([*rows, Row("c", "C", 1, 1, error="no")])
    assert (first.batch, first.threads, first.count, first.behind) == (1, 1, 2, 1)
    assert first.share == pytest.approx(0.5)
    assert first.best == pytest.approx(1.0)
    assert first.peers == pytest.approx({"torch": 4.0, "onnxruntime": 1.0})
    assert second.best == pytest.approx(3.0)


def test_a_row_is_behind_where_the_whole_interval_is_below_1() -> None:
    assert [each.model for each in behind([row("a", torch=0.995), row("b", torch=0.9), row("c", torch=0.5)])] == [
        "c",
        "b",
    ]


def test_a_run_is_stored_and_loaded_as_it_was(tmp_path: Path) -> None:
    run = run_of(row("a", torch=2.0), Row("b", "B", 1, 1, error="no"))
    run.store(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json") == run
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


def test_rows_that_failed_or_lack_a_peer_are_measured_again() -> None:
    refused = replace(row("c"), failed={"torch": "it reads no .onnx files"})
    rows = [row("a", torch=2.0), row("b"), refused, Row("d", "D", 1, 1, error="no")]
    assert done(rows, ["torch"]) == {("a", 1, 1), ("c", 1, 1)}
    assert done(rows, []) == {("a", 1, 1), ("b", 1, 1), ("c", 1, 1)}


def test_a_resumed_run_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    digits, silero = (next(each for each in MODELS if each.name == name) for name in ("digits", "silero"))
    run = run_of(row("digits", torch=2.0))
    measurement = Measurement(run, tmp_path / "run.json", MACHINE, [peers()["torch"]], Effort())
    missing = measurement.missing([digits, silero], [(1, 1), (8, 1)])
    assert missing == [(digits, 8, 1), (silero, 1, 1)]


def test_a_row_that_fails_is_stored_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "wrong.nr"
    path.write_text("network M { input: (4) layers: Dens(3) }")
    run = run_of(row("wrong", torch=2.0))
    measurement = Measurement(run, tmp_path / "run.json", MACHINE, [], Effort())
    found = measurement.add(Kernel("wrong", "A typing error", path, (1,)), 1, 1, lambda step: None)
    assert "Dens" in found.error
    assert Run.load(tmp_path / "run.json").kernels == [found]
    assert len(run.rows) == 1


def test_the_report_begins_with_what_is_behind() -> None:
    text = markdown(run_of(row("a", torch=2.0), row("b", torch=0.5), Row("c", "The c", 8, 2, error="no | room")))
    top = text[: text.index("Versions")]
    assert "behind the best peer in 1 of 2 rows" in top
    assert "* The b, batch 1, 1 thread: 0.50 [0.49, 0.51] of torch" in top
    assert "* The c, batch 8, 2 threads: no \\| room" in top
    assert "| The a | 1 | 1 | 2 us | 1 us | 50 % | 2.00 [1.99, 2.01] | torch 4 us |" in text
    assert "| The b | 1 | 1 | 2 us | 1 us | 50 % | 0.50 [0.49, 0.51] | **torch 1 us** |" in text


def test_a_row_in_a_line_says_the_time_and_the_ratios() -> None:
    assert line(replace(row("a", torch=2.0), failed={"xla": "no"})) == "2 us, 50 % of the limit, torch 2.00, xla failed"
    assert line(Row("b", "B", 1, 1, error="no room")) == "failed: no room"


def test_layers_of_the_winograd_benchmark_are_read_from_their_sizes() -> None:
    assert Layer.parse("56x28x64") == Layer(56, 28, 64, 64)
    assert Layer.parse("7x7x512-256") == Layer(7, 7, 512, 256)
    assert "input: (7, 7, 512)" in Layer.parse("7x7x512-256").program


@pytest.mark.thorough
def test_the_picture_shows_rows_that_fail_and_ratios_off_the_scale(tmp_path: Path) -> None:
    rows = [row("a", torch=900.0), row("b", threads=2, torch=0.01), Row("c", "C", 8, 2, error="no")]
    plot.draw(run_of(*rows), tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 10_000
    plot.draw(run_of(), tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


@pytest.mark.thorough
def test_models_are_compiled_and_found_in_processes_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "m.nr").write_text("network M { input: (64) layers: Dense(64) Dense(32) }")
    figures = Bench(tmp_path, opt=2, rounds=1).figures(tmp_path / "m.nr")
    assert figures.weights == 4 * (64 * 64 + 64 + 64 * 32 + 32)
    assert figures.weights < figures.library < figures.library_bar
    assert figures.compile.processor < figures.object.processor
    assert figures.so.processor < figures.object.processor
    assert figures.run.processor < figures.object.processor


def test_what_misses_its_bar_is_marked() -> None:
    took = Took(1.5, 1.25, 0)
    assert [took.against(bar) for bar in (None, 2.0, 1.0)] == ["1.50 (1.25)", "1.50 (1.25)", "1.50! (1.25)"]
