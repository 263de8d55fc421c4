"""Attention as one kernel: what the three kernels find, for rows and columns that fill no tile, and with masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from support.tensor_programs import check, lower, program
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import kernel
from neuralc.dialects.weights import WeightStore
from neuralc.passes.host import Caches
from neuralc.passes.lower.cpu.attention import rows_in_cache
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target

SCORES = {
    "plain": "",
    "mask": """%masked = tensor.map "bhqk,bk->bhqk" %scores, %x3 -> tensor<{full}> {{
      ^bb0(%a: f32, %m: f32):
        %r = tensor.scalar add %a, %m -> f32
        tensor.yield %r
      }}""",
    "causal": """%masked = tensor.map "bhqk->bhqk" %scores -> tensor<{full}> {{
      ^bb0(%a: f32):
        %i = tensor.position "q" -> i64
        %j = tensor.position "k" -> i64
        %c = tensor.scalar le %j, %i -> i1
        %n = tensor.number -1.0e9 -> f32
        %r = tensor.scalar select %c, %a, %n -> f32
        tensor.yield %r
      }}""",
}


@dataclass(frozen=True)
class Shape:
    rows: int
    columns: int
    depth: int = 16
    features: int = 16
    batch: int = 1
    heads: int = 2

    @property
    def operands(self) -> list[str]:
        b, h = self.batch, self.heads
        return [
            f"tensor<{b}x{self.rows}x{h}x{self.depth}xf32>",
            f"tensor<{b}x{h}x{self.depth}x{self.columns}xf32>",
            f"tensor<{b}x{self.columns}x{h}x{self.features}xf32>",
            f"tensor<{b}x{self.columns}xf32>",
        ]

    @property
    def result(self) -> str:
        return f"tensor<{self.batch}x{self.rows}x{self.heads}x{self.features}xf32>"

    def body(self, kind: str) -> str:
        rows = f"{self.batch}x{self.heads}x{self.rows}"
        full = f"{rows}x{self.columns}xf32"
        scores = "%masked" if SCORES[kind] else "%scores"
        return f"""%scores = tensor.contract "bqhd,bhdk->bhqk" %x0, %x1 {{precision = "ieee"}} -> tensor<{full}>
      {SCORES[kind].format(full=full)}
      %m = tensor.reduce maximum {scores} {{dims = [3]}} -> tensor<{rows}xf32>
      %e = tensor.map "abcd,abc->abcd" {scores}, %m -> tensor<{full}> {{
      ^bb0(%a: f32, %b: f32):
        %d = tensor.scalar sub %a, %b -> f32
        %r = tensor.scalar exp %d -> f32
        tensor.yield %r
      }}
      %s = tensor.reduce add %e {{dims = [3]}} -> tensor<{rows}xf32>
      %p = tensor.map "abcd,abc->abcd" %e, %s -> tensor<{full}> {{
      ^bb0(%a: f32, %b: f32):
        %r = tensor.scalar div %a, %b -> f32
        tensor.yield %r
      }}
      %y = tensor.contract "bhqk,bkhf->bqhf" %p, %x2 {{precision = "ieee"}} -> {self.result}"""


def kernels(module: ModuleOp) -> list[kernel.FuncOp]:
    return [op for op in module.walk() if isinstance(op, kernel.FuncOp)]


@pytest.mark.parametrize("kind", SCORES)
@pytest.mark.parametrize(
    "shape",
    [
        Shape(31, 37),
        Shape(7, 5, depth=3, features=5, batch=3),
        Shape(4, 128, depth=33, features=64),
        Shape(97, 8, features=1, heads=1),
        Shape(9, 1, depth=1),
        Shape(50, 259, depth=8, features=24, heads=3),
        Shape(64, 1024, heads=1),
    ],
    ids=str,
)
def test_one_kernel_finds_what_three_do(shape: Shape, kind: str) -> None:
    rng = np.random.default_rng(shape.rows)
    sizes = [[int(size) for size in each[7:-5].split("x")] for each in shape.operands]
    arrays = [rng.standard_normal(size).astype(np.float32) for size in sizes]
    arrays[3] = np.where(arrays[3] > 0.5, np.float32(-1e9), np.float32(0.0))
    check(shape.body(kind), shape.operands, shape.result, arrays, levels=(1, 2))
    text = program(shape.body(kind), shape.operands, shape.result)
    assert len(kernels(lower(parse_module(text), 1, WeightStore(), Target.host()))) == 3
    assert len(kernels(lower(parse_module(text), 2, WeightStore(), Target.host()))) == 1


def test_a_chunk_has_a_few_tiles_where_only_the_second_cache_holds_them_and_none_where_no_cache_does() -> None:
    caches = Caches(32 << 10, 512 << 10, 32 << 20)
    assert rows_in_cache(64, 4, 6, caches) == 96
    assert rows_in_cache(1024, 4, 6, caches) == 24
    assert rows_in_cache(4096, 4, 6, caches) == 6
    assert rows_in_cache(8192, 4, 6, caches) == 0
