"""The parts of the benchmark harness that decide figures: intervals, limits, costs, the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.cases import ROOT, SUITES, model_cases
from benchmarks.compile_models import Bench, Took
from benchmarks.cost import cost_of
from benchmarks.report import markdown
from neuralc.bench.rounds import bootstrap
from neuralc.machine import Machine

MACHINE = Machine(
    "test", 100.0, {"l1": 100.0, "l2": 50.0, "l3": 25.0, "memory": 5.0}, {"l1": 2**15, "l2": 2**19, "l3": 2**25}
)


def test_the_interval_holds_the_median_and_shrinks_with_more_rounds() -> None:
    rng = np.random.default_rng(1)
    few, many = bootstrap(rng.normal(10.0, 1.0, 15)), bootstrap(rng.normal(10.0, 1.0, 1500))
    assert few.low <= few.median <= few.high
    assert many.high - many.low < few.high - few.low
    assert many.median == pytest.approx(10.0, abs=0.2)


def test_the_limit_is_arithmetic_for_dense_work_and_bandwidth_for_little_work_on_many_bytes() -> None:
    assert MACHINE.limit_seconds(1e9, 1e4) == pytest.approx(0.01)
    assert MACHINE.limit_seconds(1.0, 1e8) == pytest.approx(1e8 / 5e9)
    assert MACHINE.limit_seconds(1e9, 1e4, threads=2) == pytest.approx(0.005)


def test_the_cost_of_the_perceptron_is_that_of_its_three_products() -> None:
    case = next(case for case in model_cases() if case.name == "mlp batch 64 threads 1")
    products = 784 * 256 + 256 * 128 + 128 * 10
    biases = 256 + 128 + 10
    flops, bytes_ = cost_of(case)
    assert flops == 2 * 64 * products
    assert bytes_ == 4 * (products + biases + 64 * (784 + 10))


def test_every_case_names_a_model_of_the_repository() -> None:
    for suite in SUITES.values():
        for case in suite():
            assert case.model.is_relative_to(ROOT)
            assert case.model.exists(), case.name


def test_the_report_says_time_limit_and_ratio() -> None:
    figure = {"median": 2e-6, "low": 1e-6, "high": 3e-6}
    row = {
        "case": "m batch 1",
        "bar": "fast",
        "seconds": {"neuralc": figure, "torch": figure},
        "ratios": {"torch": {"median": 0.5, "low": 0.4, "high": 0.6}},
        "limit": 1e-6,
    }
    machine = {"name": "cpu", "peak_gflops": 98.0, "bandwidth": {"l1": 1.0}}
    text = markdown({"machine": machine, "versions": {"python": "3.11"}, "suites": {"models": [row]}, "startup": []})
    assert "| m batch 1 (fast) | 2.0 [1.0, 3.0] | 50 | 2.0 [1.0, 3.0] | 0.50 [0.40, 0.60] |" in text


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
