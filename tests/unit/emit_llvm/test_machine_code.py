"""The machine code: the inner loop of a product is what an expert would write, on every architecture we know."""

import re
from typing import Any

import pytest
from xdsl.dialects.builtin import ModuleOp, f32, i32

from neuralc.dialects.kernel import FuncOp, RefType, TileType
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.dialects.kernel.memory import Index
from neuralc.emit.llvm import jit
from neuralc.emit.llvm.kernel import emit_kernels
from neuralc.emit.llvm.loaded import load_objects
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.target import Target


def product(rows: int, columns: int, lanes: int) -> FuncOp:
    """C = relu(A . B), B in panels of `columns`, one tile a program."""
    build = KernelBuilder(
        "product",
        [],
        [
            ("a", RefType.of([rows, 256], f32)),
            ("b", RefType.of([256, columns], f32)),
            ("c", RefType.of([rows, columns], f32)),
        ],
    )
    a, b, c = build.references
    tile = TileType.of([rows, columns], f32, lanes)

    def step(k: Any, acc: Any) -> list[Any]:
        left = build.load(a, [Index(0, 0), Index(k, 1)], TileType.of([rows, 1], f32, 1))
        right = build.load(b, [Index(k, 0), Index(0, 1)], TileType.of([1, columns], f32, lanes), align=64)
        return [build.dot(left, right, acc)]

    zero = build.splat(0.0, tile, "acc")
    (acc,) = build.loop(0, 256, 1, [zero], step)
    build.store(build.map("maximum", acc, zero), c, [Index(0, 0), Index(0, 1)])
    return build.finish(1)


def assembly(func: FuncOp, target: Target) -> str:
    return jit.emit_assembly(emit_kernels(ModuleOp([func]), target), target)


def inner_loop(text: str) -> list[str]:
    """The instructions from the label that a branch right behind them goes back to: the loop with multiply-adds."""
    for label, body in re.findall(r"^(\.LBB\w+):\n((?:(?!\.LBB).*\n)*?\tj\w+\t\1\n)", text, re.MULTILINE):
        lines = [line.strip() for line in body.splitlines() if line.startswith("\t") and not line.startswith("\t.")]
        if any("fmadd" in line for line in lines):
            assert label
            return lines
    raise AssertionError(text)


@pytest.mark.parametrize(
    ("mcpu", "lanes", "rows", "columns", "register"),
    [("x86-64-v3", 8, 6, 16, "ymm"), ("x86-64-v3", 8, 4, 24, "ymm"), ("x86-64-v4", 16, 6, 64, "zmm")],
)
def test_the_accumulators_of_a_product_stay_in_registers(
    mcpu: str, lanes: int, rows: int, columns: int, register: str
) -> None:
    target = Target.cpu(mcpu, "x86_64-unknown-linux-gnu")
    loop = inner_loop(assembly(product(rows, columns, lanes), target))
    vectors = rows * columns // lanes
    assert sum("vfmadd" in line and register in line for line in loop) == vectors
    assert not any("rsp" in line for line in loop)
    # A load a vector of B, a broadcast a row of A, and no more than counter and branch beside them.
    assert len(loop) <= vectors + columns // lanes + rows + 4


@pytest.mark.parametrize(
    ("mcpu", "triple"),
    [
        ("x86-64", "x86_64-unknown-linux-gnu"),
        ("nehalem", "x86_64-unknown-linux-gnu"),
        ("neoverse-n1", "aarch64-unknown-linux-gnu"),
        (None, "riscv64-unknown-linux-gnu"),
        (None, "wasm32-unknown-unknown"),
    ],
)
def test_no_product_calls_the_c_library(mcpu: str | None, triple: str) -> None:
    """`llvm.fma` without the instruction would be a call of fmaf an element."""
    target = Target.cpu(mcpu, triple)
    text = assembly(product(4, 2 * target.lanes, target.lanes), target)
    assert not re.search(r"\bfmaf?\b", text)


def test_relu_is_one_instruction_a_vector() -> None:
    target = Target.cpu("x86-64-v3", "x86_64-unknown-linux-gnu")
    text = assembly(product(6, 16, 8), target)
    assert text.count("vmaxps") == 12
    assert "vcmp" not in text
    assert "vblend" not in text


def test_the_same_kernel_gives_the_same_text() -> None:
    target = Target.cpu("x86-64-v3")
    texts = {str(emit_kernels(ModuleOp([product(6, 16, 8)]), target)) for _ in range(2)}
    assert len(texts) == 1


def test_an_object_is_made_and_loaded() -> None:
    target = Target.host()
    code = jit.emit_object(emit_kernels(ModuleOp([product(2, 8, 8)]), target), target)
    library = load_objects([code])
    assert library.address("kernel.product") > 0
    with pytest.raises(KeyError):
        library.address("kernel.other")


def refusal(write: Any) -> str:
    build = KernelBuilder("refused", [], [("x", RefType.of([8], f32)), ("n", RefType.of([8], i32))])
    write(build, *build.references)
    with pytest.raises(NeuralcError) as caught:
        emit_kernels(ModuleOp([build.finish(1)]), Target.host())
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E0830"
    return diagnostic.message


def test_a_tile_without_lanes_is_refused() -> None:
    message = refusal(lambda build, x, n: build.load(x, [Index(0, 0)], TileType.of([8], f32)))
    assert "lanes of !kernel.tile<8xf32>" in message


def test_a_function_truth_values_do_not_have_is_refused() -> None:
    def write(build: KernelBuilder, x: Any, n: Any) -> None:
        tile = build.load(n, [Index(0, 0)], TileType.of([8], i32, 8))
        build.map("mul", *[build.map("lt", tile, tile)] * 2)

    assert "`mul` of i1" in refusal(write)
