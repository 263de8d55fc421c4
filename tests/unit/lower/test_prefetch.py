"""Weights that are fetched ahead: every line of every panel is asked for, and values stay what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.tensor_programs import agree, lower

from neuralc.dialects import kernel
from neuralc.dialects.interp import kernel as interpreter
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.emit.llvm.in_process import load_native
from neuralc.emit.llvm.products import generate
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target

DENSE = """
{dim}
graph.weight @w : tensor<{depth}x{columns}xf32>
graph.model @dense(%x: tensor<{rows}>) -> (tensor<{result}>) inputs ["x"] outputs ["y"] {{
  %w = graph.get_weight @w -> tensor<{depth}x{columns}xf32>
  %y = tensor.contract "mk,kn->mn" %x, %w -> tensor<{result}>
  graph.return %y
}}
"""
WINDOWS = """
graph.weight @w : tensor<3x3x{depth}x{columns}xf32>
graph.model @windows(%x: tensor<9x8x{depth}xf32>) -> (tensor<7x6x{columns}xf32>) inputs ["x"] outputs ["y"] {{
  %w = graph.get_weight @w -> tensor<3x3x{depth}x{columns}xf32>
  %v = tensor.window %x {{dims = [0, 1], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]}}
    -> tensor<7x6x3x3x{depth}xf32>
  %y = tensor.contract "hwijc,ijco->hwo" %v, %w -> tensor<7x6x{columns}xf32>
  graph.return %y
}}
"""


def dense(rows: int | None, depth: int, columns: int) -> str:
    if rows is not None:
        x, y, dim = f"{rows}x{depth}xf32", f"{rows}x{columns}xf32", ""
    else:
        x, y = (f"?x{size}xf32, #graph.dims<rows>" for size in (depth, columns))
        dim = 'graph.dim @rows from 0 to 1000 origin "test"'
    return DENSE.format(dim=dim, rows=x, result=y, depth=depth, columns=columns)


def places(text: str, x: Any, weights: WeightStore, monkeypatch: pytest.MonkeyPatch) -> tuple[set[int], list[int]]:
    """The lines that programs ask for on one processor, and the shape of the packed weight."""
    asked: set[int] = set()
    structure = interpreter._Programs._structure

    def listening(self: Any, op: Any) -> None:
        structure(self, op)
        if isinstance(op, kernel.PrefetchOp):
            asked.update((np.unique(self.array(op.offset)) // 16).tolist())

    monkeypatch.setattr(interpreter._Programs, "_structure", listening)
    module = lower(parse_module(text), 2, weights, Target.cpu("haswell"))
    run_module(module, {"x": x}, weights)
    monkeypatch.undo()
    refs = [op.ref.type for op in module.walk() if isinstance(op, kernel.PrefetchOp)]
    return asked, list(refs[0].shape) if refs else []


def check(text: str, x: Any, weight: Any) -> None:
    weights = WeightStore({"w": weight})
    module = parse_module(text)
    expected = run_module(module, {"x": x}, weights)
    lowered = lower(module, 2, weights, Target.host())
    agree(run_module(lowered, {"x": x}, weights), expected, 1e-9)
    agree([load_native(generate(lowered, weights, Target.host(), opt=2, threads=2))(x)], expected, 1e-5)


@pytest.mark.parametrize(
    ("rows", "symbolic", "depth", "columns"),
    [(2, False, 64, 160), (5, False, 64, 170), (24, False, 40, 240), (97, False, 33, 480), (300, False, 32, 320)]
    + [(rows, True, 64, 160) for rows in (2, 3, 8, 61)],
)
def test_every_line_is_asked_for(
    rows: int, symbolic: bool, depth: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(rows)
    text = dense(None if symbolic else rows, depth, columns)
    x = rng.standard_normal((rows, depth)).astype(np.float32)
    weight = rng.standard_normal((depth, columns)).astype(np.float32)
    asked, (panels, steps, width) = places(text, x, WeightStore({"w": weight}), monkeypatch)
    # The panel before one asks for it; before the first one comes the last, unless it has a tile of its own.
    first = 0 if columns % width == 0 else steps * width
    assert asked >= set(range(-(-first // 16), panels * steps * width // 16))
    check(text, x, weight)


def test_windows_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((9, 8, 20)).astype(np.float32)
    weight = rng.standard_normal((3, 3, 20, 96)).astype(np.float32)
    text = WINDOWS.format(depth=20, columns=96)
    asked, shape = places(text, x, WeightStore({"w": weight}), monkeypatch)
    assert asked >= set(range(np.prod(shape) // 16))
    check(text, x, weight)


@pytest.mark.parametrize(
    ("rows", "depth", "columns", "why"),
    [(1, 64, 480, "a row alone streams"), (24, 16, 96, "in the first-level cache"), (600, 64, 480, "many rows")],
)
def test_not_where_it_is_not_worth_it(
    rows: int, depth: int, columns: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, weight = np.ones((rows, depth), np.float32), np.ones((depth, columns), np.float32)
    assert not places(dense(rows, depth, columns), x, WeightStore({"w": weight}), monkeypatch)[0], why
