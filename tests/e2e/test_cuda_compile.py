"""Kernels compile to cubins with no GPU: no spills, fp32 stays fp32, tensor cores for fp16, NaN propagates."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import triton_kernels as kernels
from support.triton_kernels import BATCH
from xdsl.dialects.builtin import ModuleOp, f16

from neuralc.dialects import kernel
from neuralc.emit.triton.compile import Cubin, compile_kernels, requests_of
from neuralc.emit.triton.source import Source, emit_source
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target

pytest.importorskip("triton")

EXAMPLES = Path(__file__).parents[2] / "examples"
SM_80 = Target.cuda("sm_80")


def compile_module(module: ModuleOp, target: Target = SM_80) -> dict[str, Cubin]:
    source = emit_source(module, target)
    return {cubin.request.name: cubin for cubin in compile_kernels(source, requests_of(module, source), target)}


@pytest.fixture(scope="module")
def module() -> ModuleOp:
    flash = parse_module((EXAMPLES / "kernels" / "flash_attention_cuda.mlir").read_text(), "flash.mlir")
    return kernels.together(
        matmul=kernels.matmul(BATCH, 512, 512, (64, 64, 16)),
        matmul_masked=kernels.matmul(BATCH, 100, 84, (64, 64, 16)),
        matmul_tf32=kernels.matmul(BATCH, 512, 512, (64, 64, 32), precision="tf32"),
        matmul_half=kernels.matmul(BATCH, 512, 512, (64, 64, 32), f16, stages=3),
        convolution=kernels.convolution(28, 28, 128, 128, (64, 64, 16), warps=8),
        convolution_half=kernels.convolution(28, 28, 128, 128, (64, 64, 32), element=f16),
        softmax=kernels.softmax(1000, 1024),
        softmax_rows=kernels.softmax_rows(10, 32, 16),
        pooling=kernels.pooling(28, 28, 32, 2, 2, "maximum", (64, 32)),
        flash_attention=flash,
        functions=kernels.every_function(),
    )


@pytest.fixture(scope="module")
def cubins(module: ModuleOp) -> Mapping[str, Cubin]:
    return compile_module(module)


def test_no_kernel_spills(cubins: Mapping[str, Cubin]) -> None:
    assert {name: cubin.resources.stack_bytes for name, cubin in cubins.items()} == dict.fromkeys(cubins, 0)


def test_registers_are_read_from_the_cubin(cubins: Mapping[str, Cubin]) -> None:
    assert all(16 <= cubin.resources.registers <= 255 for cubin in cubins.values())
    # 64x64 accumulators of 128 threads are 32 registers a thread.
    assert cubins["matmul"].resources.registers > 32 > cubins["softmax_rows"].resources.registers - 8


def test_a_block_has_32_threads_a_warp(cubins: Mapping[str, Cubin]) -> None:
    assert all(cubin.resources.threads == 32 * cubin.request.num_warps for cubin in cubins.values())


def test_parameters_are_dims_then_pointers_then_two_of_triton(module: ModuleOp, cubins: Mapping[str, Cubin]) -> None:
    for func in module.walk():
        if isinstance(func, kernel.FuncOp):
            sizes = [size for _, size in cubins[func.sym_name.data].resources.parameters]
            assert sizes == [4] * len(func.dims) + [8] * len(func.references) + [8, 8]


def test_fp32_dot_is_computed_in_fp32(cubins: Mapping[str, Cubin]) -> None:
    assert [name for name, cubin in cubins.items() if "tf32" in cubin.ptx] == ["matmul_tf32"]
    assert "fma.rn.f32" in cubins["matmul"].ptx
    assert "mma.sync" not in cubins["matmul"].ptx


@pytest.mark.parametrize("name", ["matmul_half", "convolution_half", "flash_attention"])
def test_fp16_dot_uses_tensor_cores(name: str, cubins: Mapping[str, Cubin]) -> None:
    # Accumulators and result are fp32: `.row.col.f32.f16.f16.f32`.
    assert "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32" in cubins[name].ptx


def test_loads_of_aligned_memory_are_pipelined(cubins: Mapping[str, Cubin]) -> None:
    """Without known alignment Triton copies single elements, and cannot copy ahead."""
    for name in ("matmul", "matmul_half", "convolution"):
        assert re.search(r"cp\.async\.c[ag]\.shared\.global", cubins[name].ptx)


@pytest.mark.parametrize("name", ["matmul", "softmax", "pooling", "flash_attention"])
def test_maximum_propagates_nan(name: str, cubins: Mapping[str, Cubin]) -> None:
    found = set(re.findall(r"\bmax\.[\w.]*f32", cubins[name].ptx))
    assert found == {"max.NaN.f32"}


def test_a_view_at_an_odd_place_is_not_taken_for_aligned() -> None:
    text = """
      kernel.func @copy(%x: !kernel.ref<[64], f32>, %y: !kernel.ref<[64], f32>) dims [] grid (1) {
        %t = kernel.load %x[0 over 0] -> !kernel.tile<64xf32>
        kernel.store %t, %y[0 over 0]
        kernel.return
      }
      kernel.host @host(%x: !kernel.ref<[65], f32>, %y: !kernel.ref<[64], f32>) dims [] inputs ["x"] outputs ["y"] {
        %v = kernel.view %x offset 1 -> !kernel.ref<[64], f32>
        kernel.launch @copy[](%v, %y)
        kernel.return
      }
    """
    module = parse_module(text, "test.mlir")
    (request,) = requests_of(module, emit_source(module, SM_80))
    assert request.aligned == [1]


def test_more_shared_memory_than_there_is_is_refused() -> None:
    module = kernels.matmul(BATCH, 256, 1024, (128, 128, 64), f16, stages=5)
    with pytest.raises(NeuralcError) as raised:
        compile_module(module, Target.cuda("sm_86"))
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "E0863"
    assert "needs 131072 bytes of shared memory, sm_86 has 101376" in diagnostic.message


def test_what_triton_refuses_is_reported_with_its_message() -> None:
    module = kernels.softmax(10, 16)
    good = emit_source(module, SM_80)
    bad = Source(good.title, good.kernels.replace("tl.exp", "tl.exponential"), "", good.names, good.parameters)
    with pytest.raises(NeuralcError) as raised:
        compile_kernels(bad, requests_of(module, good), SM_80)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "E0862"
    assert diagnostic.message == "Triton does not compile kernel `softmax` for sm_80"
    assert "exponential" in diagnostic.notes[0]


def test_without_triton_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NeuralcError) as raised:
        compile_module(kernels.softmax(10, 16))
    (diagnostic,) = raised.value.diagnostics
    assert (diagnostic.code, diagnostic.help) == ("E0861", "pip install 'neuralc[cuda]'")


def test_the_same_kernel_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the run is in the cubin: no folder, no time. Triton's cache is turned off by a new place for it."""
    found = []
    for run in ("first", "second"):
        monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / run))
        (cubin,) = compile_module(kernels.softmax(10, 16)).values()
        found.append((cubin.data, cubin.ptx))
    assert found[0] == found[1]


def test_kernels_are_reported_as_they_are_finished() -> None:
    module = kernels.together(first=kernels.softmax(10, 16), second=kernels.softmax(12, 16))
    source, seen = emit_source(module, SM_80), []
    compile_kernels(source, requests_of(module, source), SM_80, lambda *step: seen.append(step))
    assert seen == [(1, 2, "first"), (2, 2, "second")]
