"""Which values get a variable, which shapes are spelled out, and when a loop may write over a value."""

from __future__ import annotations

from neuralc.emit.triton import emit
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target

SIGNATURE = "%n: index, %x: !kernel.ref<[n, 8], f32>, %v: !kernel.ref<[8], f32>, %y: !kernel.ref<[n, 8], f32>"


def body(text: str) -> str:
    """The statements printed for a kernel of these ops, after the first line of the function."""
    module = parse_module(f"kernel.func @f({SIGNATURE}) dims [n] grid (n) {{ {text} kernel.return }}", "test.mlir")
    lines = emit(module, Target.cuda()).split('"""Grid: n programs."""\n')[1].splitlines()
    return "\n".join(line.removeprefix("    ") for line in lines)


def test_a_named_value_gets_a_variable_and_others_are_written_in_place() -> None:
    assert body(
        """
        %row = kernel.program_id
        %t = kernel.load %v[0 over 0] -> !kernel.tile<8xf32>
        %0 = kernel.map mul %t, %t -> !kernel.tile<8xf32>
        %shifted = kernel.map sub %t, %0 -> !kernel.tile<8xf32>
        %1 = kernel.map exp %shifted -> !kernel.tile<8xf32>
        kernel.store %1, %y[%row, 0 over 0]
        """
    ) == (
        "offs = tl.arange(0, 8)\n"
        "row = tl.program_id(0)\n"
        "t = tl.load(v + offs)\n"
        "shifted = t - t * t\n"
        "tl.store(y + row * 8 + offs, tl.exp(shifted))"
    )


def test_a_value_read_twice_gets_a_variable() -> None:
    printed = body(
        """
        %t = kernel.load %v[0 over 0] -> !kernel.tile<8xf32>
        %0 = kernel.map mul %t, %t -> !kernel.tile<8xf32>
        %1 = kernel.map add %0, %0 -> !kernel.tile<8xf32>
        kernel.store %1, %y[0, 0 over 0]
        """
    )
    assert "value = t * t\n" in printed
    assert "value + value" in printed


def test_a_long_expression_is_cut() -> None:
    printed = body(
        """
        %t = kernel.load %v[0 over 0] -> !kernel.tile<8xf32>
        %0 = kernel.map neg %t -> !kernel.tile<8xf32>
        %1 = kernel.map exp %0 -> !kernel.tile<8xf32>
        %2 = kernel.map abs %1 -> !kernel.tile<8xf32>
        %3 = kernel.map log %2 -> !kernel.tile<8xf32>
        kernel.store %3, %y[0, 0 over 0]
        """
    )
    assert "value = tl.log(tl.abs(tl.exp(-t)))\n" in printed


def test_order_of_evaluation_is_kept() -> None:
    printed = body(
        """
        %t = kernel.load %v[0 over 0] -> !kernel.tile<8xf32>
        %0 = kernel.map add %t, %t -> !kernel.tile<8xf32>
        %1 = kernel.map add %t, %0 -> !kernel.tile<8xf32>
        %out = kernel.map div %1, %t -> !kernel.tile<8xf32>
        kernel.store %out, %y[0, 0 over 0]
        """
    )
    assert "out = (t + (t + t)) / t\n" in printed


def test_a_broadcast_is_an_index_and_is_spelled_out_for_a_dot_alone() -> None:
    printed = body(
        """
        %t = kernel.load %v[0 over 0] -> !kernel.tile<8xf32>
        %b = kernel.broadcast %t {dims = [1]} -> !kernel.tile<8x8xf32>
        %twice = kernel.map add %b, %b -> !kernel.tile<8x8xf32>
        %zero = kernel.splat 0.0 -> !kernel.tile<8x8xf32>
        %one = kernel.splat 1.0 -> !kernel.tile<8x8xf32>
        %d = kernel.dot %twice, %one, %zero {precision = "ieee"} -> !kernel.tile<8x8xf32>
        kernel.store %d, %y[0 over 0 masked, 0 over 1]
        """.replace("8x8", "16x16").replace("[0 over 0] -> !kernel.tile<8", "[0 over 0 masked] -> !kernel.tile<16")
    )
    assert "twice = t[None, :] + t[None, :]\n" in printed
    assert "tl.broadcast_to(twice, [16, 16])" in printed
    assert "tl.full([16, 16], 1.0, tl.float32)" in printed
    assert "acc" not in printed  # a zero accumulator is what tl.dot starts from


def test_numbers_alone_become_tensors() -> None:
    printed = body(
        """
        %zero = kernel.splat 0.0 -> !kernel.tile<8xf32>
        %one = kernel.splat 1.0 -> !kernel.tile<8xf32>
        %sum = kernel.map add %zero, %one -> !kernel.tile<8xf32>
        kernel.store %sum, %y[0, 0 over 0]
        """
    )
    assert "sum_1 = tl.full([8], 0.0, tl.float32) + tl.full([8], 1.0, tl.float32)\n" in printed


def test_the_carried_value_keeps_its_name_through_nested_loops() -> None:
    printed = body(
        """
        %zero = kernel.splat 0.0 -> !kernel.tile<8xf32>
        %acc = kernel.loop %i = 0 to %n step 1 iter(%a = %zero) {
          %r = kernel.loop %j = 0 to 8 step 4 iter(%b = %a) {
            %t = kernel.load %x[%i, %j over 0 masked] -> !kernel.tile<8xf32>
            %0 = kernel.map add %b, %t -> !kernel.tile<8xf32>
            kernel.yield %0
          }
          kernel.yield %r
        }
        kernel.store %acc, %y[0, 0 over 0]
        """
    )
    assert printed.endswith(
        "acc = tl.full([8], 0.0, tl.float32)\n"
        "for i in range(n):\n"
        "    for j in range(0, 8, 4):\n"
        "        offs_j = j + tl.arange(0, 8)\n"
        "        t = tl.load(x + i * 8 + offs_j, mask=offs_j < 8, other=0.0)\n"
        "        acc = acc + t\n"
        "tl.store(y + offs, acc)"
    )


def test_an_old_value_that_is_still_read_is_not_written_over() -> None:
    printed = body(
        """
        %a = kernel.load %v[0 over 0] -> !kernel.tile<8xf32>
        %p, %q = kernel.loop %i = 0 to 3 step 1 iter(%u = %a, %w = %a) {
          %s = kernel.map add %u, %w -> !kernel.tile<8xf32>
          kernel.yield %s, %u
        }
        kernel.store %q, %y[0, 0 over 0]
        """
    )
    assert "    s = p + q\n    p, q = s, p\n" in printed


def test_bounds_below_zero_are_checked_only_where_they_can_occur() -> None:
    printed = body(
        """
        %p = kernel.program_id
        %c3 = arith.constant 3 : index
        %before = arith.subi %p, %c3 : index
        %t = kernel.load %x[%p masked, 0 over 0] -> !kernel.tile<8xf32>
        %s = kernel.load %x[%before masked, 0 over 0] -> !kernel.tile<8xf32>
        %sum = kernel.map add %t, %s -> !kernel.tile<8xf32>
        kernel.store %sum, %y[%p, 0 over 0]
        """
    )
    assert "mask=p < n, other=0.0" in printed
    assert "mask=(before >= 0) & (before < n)" in printed


def test_gathers_checks_and_data_as_places_in_tritons_words() -> None:
    module = parse_module(
        """
        kernel.func @f(%x: !kernel.ref<[64], f32>, %ids: !kernel.ref<[8], i64>, %status: !kernel.ref<[1], i32>,
                       %y: !kernel.ref<[8], f32>) dims [] grid (1) {
          %places = kernel.load %ids[0 over 0] -> !kernel.tile<8xi64>
          %limit = kernel.splat 64 -> !kernel.tile<8xi64>
          %ok = kernel.map lt %places, %limit -> !kernel.tile<8xi1>
          kernel.check %ok, %status {code = 910}
          %t = kernel.gather %x, %places, %ok {other = 1.5} -> !kernel.tile<8xf32>
          kernel.store %t, %y[0 over 0]
          %one = kernel.load %ids[3] -> !kernel.tile<i64>
          %i = kernel.to_index %one -> index
          %v = kernel.load %x[%i] -> !kernel.tile<f32>
          kernel.scatter %v, %y, %one
          kernel.return
        }
        """,
        "test.mlir",
    )
    lines = emit(module, Target.cuda()).split('"""Grid: 1 program."""\n')[1].splitlines()
    assert [line.strip() for line in lines] == [
        "offs = tl.arange(0, 8)",
        "places = tl.load(ids + offs)",
        "ok = places < 64",
        "tl.atomic_max(status, tl.max(tl.where(ok, 0, 910)))",
        "t = tl.load(x + places, mask=ok, other=1.5)",
        "tl.store(y + offs, t)",
        "one = tl.load(ids + 3)",
        "i = one.to(tl.int32)",
        "v = tl.load(x + i)",
        "tl.store(y + one, v)",
    ]
