"""Host programs: memory, views, choices, the arena, and what a launch may not do."""

import numpy as np
import pytest

from neuralc.dialects import kernel
from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.kernel_host import run_host
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.parsing import parse_module
from neuralc.passes.verifier import verify_module

ROW_KERNELS = """
graph.dim @batch from 1 to 100 origin "implied batch"
graph.weight @w : tensor<4xf32>
graph.weight @twice : tensor<4xf32> from (@w) {
^bb0(%a: tensor<4xf32>):
  %b = graph.add %a, %a -> tensor<4xf32>
  graph.return %b
}

kernel.func @multiply(%n: index, %x: !kernel.ref<[n, 4], f32>, %w: !kernel.ref<[4], f32>, %y: !kernel.ref<[n, 4], f32>)
dims [n] grid (n) {
  %p = kernel.program_id
  %a = kernel.load %x[%p, 0 over 0] -> !kernel.tile<4xf32>
  %b = kernel.load %w[0 over 0] -> !kernel.tile<4xf32>
  %c = kernel.map mul %a, %b -> !kernel.tile<4xf32>
  kernel.store %c, %y[%p, 0 over 0]
  kernel.return
}

kernel.func @fill(%n: index, %y: !kernel.ref<[n, 4], i32>) dims [n] grid (n) {
  %p = kernel.program_id
  %a = kernel.splat 7 -> !kernel.tile<4xi32>
  kernel.store %a, %y[%p, 0 over 0]
  kernel.return
}
"""

HOST = """
kernel.host @model(%x: !kernel.ref<[batch, 4], f32>, %y: !kernel.ref<[batch, 4], f32>)
dims [batch] inputs ["x"] outputs ["y"] {arena}{{
  %w = kernel.weight @twice -> !kernel.ref<[4], f32>
  {body}
  kernel.return
}}"""

X = np.arange(12, dtype=np.float32).reshape(3, 4)
WEIGHTS = WeightStore({"w": np.array([1, 2, 3, 4], np.float32)})
SCALE = np.array([2.0, 4.0, 6.0, 8.0])


def run(body: str, arena: str = "", **options: object) -> np.ndarray:
    module = parse_module(ROW_KERNELS + HOST.format(body=body, arena=arena))
    verify_module(module)
    (y,) = run_host(module, {"x": X}, WEIGHTS, **options)  # type: ignore[arg-type]  # options of one test each
    return y


CHAIN = """
  {a}
  kernel.launch @multiply[batch](%x, %w, %a)
  kernel.launch @multiply[batch](%a, %w, %y)"""
ALLOC = "%a = kernel.alloc -> !kernel.ref<[batch, 4], f32>"


def test_launches_hand_on_memory_and_weights_are_derived() -> None:
    np.testing.assert_array_equal(run(CHAIN.format(a=ALLOC)), X * SCALE**2)


@pytest.mark.parametrize("numerics", ["exact", "rounded"])
def test_a_module_of_the_kernel_level_runs_like_any_other(numerics: str) -> None:
    module = parse_module(ROW_KERNELS + HOST.format(body=CHAIN.format(a=ALLOC), arena=""))
    (y,) = run_module(module, [X], WEIGHTS, numerics=numerics)
    assert y.dtype == {"exact": np.float64, "rounded": np.float32}[numerics]
    np.testing.assert_array_equal(y, X * SCALE**2)


def test_inputs_are_checked_as_on_every_level() -> None:
    module = parse_module(ROW_KERNELS + HOST.format(body=CHAIN.format(a=ALLOC), arena=""))
    for x, message in [
        (np.zeros((3, 5), np.float32), "dim 1 of input `x` is 5, the model takes 4"),
        (np.zeros((101, 4), np.float32), "`batch` is from 1 to 100"),
        (np.zeros((3, 4), np.int32), "input `x` is int32"),
    ]:
        with pytest.raises(NeuralcError, match="E0904") as caught:
            run_module(module, [x], WEIGHTS)
        assert message in str(caught.value)


def test_an_arena_holds_what_the_plan_puts_there() -> None:
    placed = "%a = kernel.arena 64 -> !kernel.ref<[batch, 4], f32>"
    np.testing.assert_array_equal(run(CHAIN.format(a=placed), "arena (batch * 16 + 64) "), X * SCALE**2)


def test_memory_that_nobody_wrote_is_poison() -> None:
    found = run(f"{ALLOC}\n kernel.launch @multiply[batch](%a, %w, %y)")
    assert np.isnan(found).all()


def test_a_plan_that_ends_a_life_too_early_shows() -> None:
    """Two buffers at one place, both alive: the second write destroys the first value."""
    body = """
    %a = kernel.arena 0 -> !kernel.ref<[batch, 4], f32>
    %b = kernel.arena {place} -> !kernel.ref<[batch, 4], f32>
    kernel.launch @multiply[batch](%x, %w, %a)
    kernel.launch @multiply[batch](%a, %w, %b)
    kernel.launch @multiply[batch](%a, %w, %y)"""
    arena = "arena (batch * 128) "
    np.testing.assert_array_equal(run(body.format(place="batch * 64"), arena), X * SCALE**2)
    assert not np.array_equal(run(body.format(place="0"), arena), X * SCALE**2)


def test_bytes_written_as_another_type_are_poison() -> None:
    body = """
    %a = kernel.arena 0 -> !kernel.ref<[batch, 4], f32>
    %b = kernel.arena 16 -> !kernel.ref<[1, 4], i32>
    kernel.launch @multiply[batch](%x, %w, %a)
    kernel.launch @fill[1](%b)
    kernel.launch @multiply[batch](%a, %w, %y)"""
    found = run(body, "arena (batch * 16) ")
    np.testing.assert_array_equal(np.isnan(found).all(1), [False, True, False])


def test_a_view_is_the_same_memory() -> None:
    body = """
    %wide = kernel.alloc -> !kernel.ref<[batch, 8], f32>
    %left = kernel.view %wide offset 0 -> !kernel.ref<[batch, 4], f32, [4, 1]>
    %right = kernel.view %wide offset batch * 4 -> !kernel.ref<[batch, 4], f32, [4, 1]>
    %both = kernel.view %wide offset 4 -> !kernel.ref<[batch, 4], f32, [4, 1]>
    kernel.launch @multiply[batch](%x, %w, %left)
    kernel.launch @multiply[batch](%x, %w, %right)
    kernel.launch @multiply[batch](%both, %w, %y)"""
    scaled = np.concatenate([X * SCALE, X * SCALE])[1:4]
    np.testing.assert_array_equal(run(body), scaled * SCALE)


@pytest.mark.parametrize(("relation", "limit", "holds"), [(">=", 3, 1), (">=", 4, 0), ("<=", 3, 1), ("==", 2, 0)])
def test_a_choice_is_made_by_sizes(relation: str, limit: int, holds: int) -> None:
    body = f"""
    {ALLOC}
    kernel.launch @multiply[batch](%x, %w, %a)
    kernel.if batch {relation} {limit} {{
      kernel.launch @multiply[batch](%a, %w, %y)
    }} else {{
      kernel.launch @multiply[batch](%x, %w, %y)
    }}"""
    np.testing.assert_array_equal(run(body), X * SCALE ** (1 + holds))


@pytest.mark.parametrize(
    ("body", "arena", "message"),
    [
        ("kernel.launch @multiply[batch](%x, %w, %x)", "", "`kernel.store` on %y in @multiply: %x is read only"),
        ("kernel.launch @multiply[batch](%x, %w, %w)", "", "@multiply takes %y as 12 elements of %w, which has 4"),
        ("kernel.launch @multiply[batch + 1](%x, %w, %y)", "", "@multiply takes %x as 16 elements of %x, which has 12"),
        (CHAIN.format(a="%a = kernel.arena 0 -> !kernel.ref<[batch, 4], f32>"), "arena (16) ", "which has 4"),
        (CHAIN.format(a="%a = kernel.arena 2 -> !kernel.ref<[1, 4], f32>"), "arena (64) ", "between two elements"),
        (
            f"{ALLOC}\n%v = kernel.view %a offset batch -> !kernel.ref<[batch, 4], f32>",
            "",
            "the view %v reaches 3 elements past %a",
        ),
    ],
)
def test_memory_is_used_within_its_bounds(body: str, arena: str, message: str) -> None:
    with pytest.raises(NeuralcError) as caught:
        run(body, arena)
    assert message in str(caught.value)


def test_a_trace_sees_what_each_launch_writes() -> None:
    module = parse_module(ROW_KERNELS + HOST.format(body=CHAIN.format(a=ALLOC), arena=""))
    seen: list[tuple[str, list[np.ndarray]]] = []
    run_module(module, [X], WEIGHTS, trace=lambda op, arrays: seen.append((op.name, list(arrays))))
    ((name, (array,)),) = seen
    assert name == kernel.AllocOp.name
    np.testing.assert_array_equal(array, X * SCALE)
