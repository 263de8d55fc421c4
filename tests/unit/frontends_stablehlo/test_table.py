"""Every op of StableHLO and CHLO that jax's MLIR has is compiled, or stands in the table with a reason."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from neuralc.dialects import graph
from neuralc.frontends.stablehlo.registry import operators
from neuralc.tables.stablehlo_ops import NOT_COMPILED, PARTLY

SCRIPT = """
import json
from jaxlib.mlir.dialects import _chlo_ops_gen, _stablehlo_ops_gen
names = [value.OPERATION_NAME for module in (_chlo_ops_gen, _stablehlo_ops_gen) for value in vars(module).values()
         if hasattr(value, "OPERATION_NAME")]
print(json.dumps(names))
"""
ARITHMETIC_ON_SHAPES = (
    "chlo.broadcast_", "chlo.constant", "chlo._",
)  # fmt: skip
"""Ops of CHLO that no lowering of jax writes: they are forms of others that broadcast by themselves."""


def test_no_op_has_a_handler_and_a_reason() -> None:
    assert not set(operators()) & set(NOT_COMPILED)
    assert set(PARTLY) <= set(operators())


def test_handlers_make_graph_ops() -> None:
    names = {op.name for op in graph.Graph.operations}
    for operator in operators().values():
        assert set(operator.makes) <= names, operator.name


@pytest.mark.thorough
def test_all_ops_are_in_the_table() -> None:
    pytest.importorskip("jaxlib")
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    known = {*operators(), *NOT_COMPILED, "stablehlo.return"}
    missing = [name for name in json.loads(done.stdout) if name not in known]
    assert [name for name in missing if not name.startswith(ARITHMETIC_ON_SHAPES)] == []
