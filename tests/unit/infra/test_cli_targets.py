"""`neuralc targets`: what it says of this machine, and that every processor and GPU is listed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from neuralc.cli_targets import command, deciding_features, described
from neuralc.machine import LEVELS, Machine
from neuralc.passes.target import Target
from neuralc.passes.target_table import CPUS, GPUS

MACHINE = Machine(
    "a processor",
    100.0,
    {"l1": 100.0, "l2": 50.0, "l3": 25.0, "memory": 5.0},
    {"l1": 2**15, "l2": 2**19, "l3": 2**25},
)


def test_every_processor_and_gpu_is_listed() -> None:
    done = CliRunner().invoke(command, ["--no-measure"])
    words = done.stdout.split()
    assert done.exit_code == 0
    assert [name for known in CPUS.values() for name in known if name not in words] == []
    assert [name for name in GPUS if name not in words] == []


def test_processors_are_told_by_what_they_have_more() -> None:
    lines = CliRunner().invoke(command, ["--no-measure"]).stdout.splitlines()
    (line,) = [line for line in lines if line.split()[:1] == ["sandybridge"]]
    assert line.split()[-3:] == ["x86-64-v2", "+", "avx"]


@pytest.mark.thorough
def test_the_machine_is_measured() -> None:
    found = json.loads(CliRunner().invoke(command, ["--json"]).stdout)
    assert set(found["measured"]["bandwidth"]) == set(LEVELS)
    assert 0 <= found["measured"]["fork_join"] < 0.01
    assert all(rate > 0 for rate in (found["measured"]["peak_gflops"], *found["measured"]["bandwidth"].values()))


def test_data_is_that_of_the_target() -> None:
    host = Target.host()
    found = described(host, MACHINE)
    assert (found["host"]["vector_bytes"], found["host"]["cpu"]) == (host.vector_bytes, host.cpu_name)
    assert found["measured"]["peak_gflops"] == 100.0
    assert set(deciding_features(host)) <= host.features


@pytest.mark.parametrize(("bytes_", "level"), [(1e3, "l1"), (2**14 + 1, "l2"), (1e7, "l3"), (1e9, "memory")])
def test_bytes_lie_in_the_nearest_level_they_half_fill(bytes_: float, level: str) -> None:
    assert MACHINE.level_of(bytes_) == level
