"""What Triton cannot say is refused before anything is printed, and all of it at once."""

from __future__ import annotations

import pytest

from neuralc.emit.triton import emit
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target


def refusals(text: str) -> list[tuple[str, str]]:
    """Code and message of every error."""
    with pytest.raises(NeuralcError) as raised:
        emit(parse_module(text, "test.mlir"), Target.cuda("sm_80"))
    return [(diagnostic.code, diagnostic.message) for diagnostic in raised.value.diagnostics]


def test_everything_is_listed() -> None:
    found = refusals(
        """
        kernel.func @f(%x: !kernel.ref<[6], f32>, %y: !kernel.ref<[6], f32>) dims [] grid (1) {
          %p = kernel.local -> !kernel.ref<[8], f32>
          %t = kernel.load %x[0 over 0] -> !kernel.tile<6xf32>
          %e = kernel.map logb %t -> !kernel.tile<6xf32>
          kernel.store %e, %y[0 over 0]
          kernel.return
        }
        """
    )
    assert [code for code, _ in found] == ["E0830", "E0830", "E0830", "E0860"]
    assert "scratch memory" in found[0][1]
    assert found[3][1] == "kernel @f as Triton: it has no function `logb`"


def test_lanes_are_for_a_cpu() -> None:
    ((code, message),) = refusals(
        """
        kernel.func @f(%x: !kernel.ref<[8], f32>) dims [] grid (1) {
          %t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32, v8>
          kernel.store %t, %x[0 over 0]
          kernel.return
        }
        """
    )
    assert code == "E0830"
    assert "lanes" in message


def test_memory_that_32_bits_cannot_index() -> None:
    ((code, message),) = refusals(
        """
        kernel.func @f(%x: !kernel.ref<[65536, 32768], f32>) dims [] grid (1) {
          kernel.return
        }
        """
    )
    assert code == "E0860"
    assert "needs more than 32 bits" in message


def test_index_arithmetic_without_a_triton_form() -> None:
    ((code, message),) = refusals(
        """
        kernel.func @f(%x: !kernel.ref<[8], f32>) dims [] grid (1) {
          %p = kernel.program_id
          %q = arith.xori %p, %p : index
          kernel.return
        }
        """
    )
    assert (code, message) == ("E0860", "kernel @f as Triton: it has no form of `arith.xori`")


def test_a_module_without_kernels() -> None:
    assert refusals("graph.dim @batch from 1") == [("E0860", "the module has no kernels")]


def test_a_refusal_points_into_the_text() -> None:
    text = """kernel.func @f(%x: !kernel.ref<[8], f32>) dims [] grid (1) {
      %p = kernel.local -> !kernel.ref<[8], f32>
      kernel.return
    }"""
    with pytest.raises(NeuralcError) as raised:
        emit(parse_module(text, "test.mlir"), Target.cuda("sm_80"))
    span = raised.value.diagnostics[0].span
    assert span is not None
    assert (span.source.name, span.line) == ("test.mlir", 2)
