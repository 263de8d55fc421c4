"""The report of `neuralc verify` on a terminal, at the widths that terminals have."""

import re
from io import StringIO

import numpy as np
import pytest

from neuralc.verify.compare import compare
from neuralc.verify.layers import Layer
from neuralc.verify.report import Report

X = np.ones((2, 8, 8, 32), np.float32)
LONG = "model/encoder/layer_{}/attention/self/query/MatMul:0"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def report(count: int, wrong: int) -> Report:
    """Of so many layers, one of which is wrong."""
    names = [LONG.format(index) for index in range(count)]
    layers = {name: Layer(name, "graph.max_pool", f"node {name}", ()) for name in names}
    inside = [compare(name, X, X if index != wrong else X * 2) for index, name in enumerate(names)]
    return Report("m.onnx", "onnxruntime 1.0", [compare("y", X, X)], inside, layers, 3, None, {"opt": 2})


def shown(outcome: Report, stream: StringIO) -> list[str]:
    outcome.print(stream)
    return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()


@pytest.mark.parametrize(("columns", "has"), [(80, False), (100, True), (120, True)])
def test_the_table_fits_and_keeps_numbers_and_ends_of_names(
    columns: int, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = shown(report(4, 2), Terminal())
    table = [line for line in lines if line.startswith(("ok", "NO", "    value"))]
    assert len(table) == 6
    assert max(map(len, table)) <= columns
    assert table[3].startswith("NO")
    assert "MatMul:0" in table[3]
    assert "5.0e-01" in table[3]
    assert ("worst at" in table[0]) == has


def test_many_layers_are_cut_to_those_around_the_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = shown(report(200, 50), Terminal())
    assert "187 more layers are not shown (`--json` has all)" in lines
    assert sum(line.startswith("NO") for line in lines) == 1


def test_a_file_has_every_layer_in_whole_lines() -> None:
    lines = shown(report(200, 50), StringIO())
    assert sum(LONG.format(7) in line for line in lines) == 1
    assert sum(line.startswith("ok") for line in lines) == 200
    assert lines[-1].startswith(f"differs: 1 of 201 values from onnxruntime 1.0; the first is `{LONG.format(50)}`")
