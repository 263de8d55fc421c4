"""What kernels cost: instructions per program, registers per dot."""

import pytest
from support.kernel_text import parse_kernel
from xdsl.dialects.builtin import f32, f64

from neuralc.dialects.kernel.types import TileType
from neuralc.passes.kernel.cost import GIGAHERTZ, PIPES, program_nanoseconds
from neuralc.passes.kernel.verify_target import dot_registers
from neuralc.passes.target import Target

AVX2 = Target.cpu("x86-64-v3", "x86_64-unknown-linux-gnu")
AVX512 = Target.cpu("x86-64-v4", "x86_64-unknown-linux-gnu")


def instructions(body: str, sizes: dict[str, int] | None = None) -> float:
    func = parse_kernel(f"""
    kernel.func @f(%n: index, %x: !kernel.ref<[n, 64], f32>) dims [n] grid (n) {{
      %t = kernel.load %x[0 over 0, 0 over 1] -> !kernel.tile<4x16xf32, v8>
      {body}
      kernel.store %t, %x[0 over 0, 0 over 1]
      kernel.return
    }}""")
    return program_nanoseconds(func, AVX2, sizes or {}) * PIPES * GIGAHERTZ - 16  # without the load and the store


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("%a = kernel.map neg %t -> !kernel.tile<4x16xf32, v8>", 8),
        ("%a = kernel.splat 0.0 -> !kernel.tile<4x16xf32, v8>", 0),
        ("%a = kernel.reduce add %t {axis = 1} -> !kernel.tile<4xf32, v1>", 8),
        ("kernel.loop %k = 0 to 10 step 3 { %a = kernel.map neg %t -> !kernel.tile<4x16xf32, v8> kernel.yield }", 36),
        ("kernel.loop %k = 0 to %n step 1 { %a = kernel.map neg %t -> !kernel.tile<4x16xf32, v8> kernel.yield }", 9),
        (
            """
            %l = kernel.splat 0.0 -> !kernel.tile<4x3xf32, v1>
            %r = kernel.splat 0.0 -> !kernel.tile<3x16xf32, v8>
            %d = kernel.dot %l, %r, %t {precision = "ieee"} -> !kernel.tile<4x16xf32, v8>""",
            24,
        ),
    ],
)
def test_instructions_are_counted_per_vector(body: str, expected: float) -> None:
    assert instructions(body) == pytest.approx(expected)


def test_a_loop_over_a_dim_counts_with_its_smallest_size() -> None:
    loop = "kernel.loop %k = 0 to %n step 1 { %a = kernel.map neg %t -> !kernel.tile<4x16xf32, v8> kernel.yield }"
    assert instructions(loop, {"n": 5}) == pytest.approx(45)


@pytest.mark.parametrize(
    ("tile", "target", "expected"),
    [
        (TileType.of([6, 16], f32, 8), AVX2, 15),
        (TileType.of([8, 16], f32, 8), AVX2, 19),
        (TileType.of([6, 64], f32, 16), AVX512, 29),
        (TileType.of([6, 16], f64, 8), AVX2, 29),
    ],
)
def test_registers_of_a_dot(tile: TileType, target: Target, expected: int) -> None:
    """Rows x vectors accumulators, one row of the right side, one value of the left (notes of the tile experiment)."""
    assert dot_registers(tile, target) == expected
