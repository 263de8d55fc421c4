"""Small modules of the kernel level for tests of native code: written by hand, so that no pass is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuralc.dialects.weights import WeightStore
from neuralc.emit.llvm.in_process import load_native
from neuralc.emit.llvm.products import NativeCode, generate
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module
from neuralc.runtime import Model

MLP = """
graph.dim @batch from 1 to 1000 origin "implied batch"
graph.weight @kernel : tensor<2x32x16xf32>
graph.weight @bias : tensor<32xf32>
kernel.func @dense(
    %batch: index, %x: !kernel.ref<[batch, 32], f32>, %w: !kernel.ref<[2, 32, 16], f32>,
    %b: !kernel.ref<[32], f32>, %y: !kernel.ref<[batch, 32], f32>
) dims [batch] grid (batch * 2) {
  %p = kernel.program_id
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %i = arith.divui %p, %c2 : index
  %pn = arith.remui %p, %c2 : index
  %n0 = arith.muli %pn, %c16 : index
  %zero = kernel.splat 0.0 -> !kernel.tile<1x16xf32, v8>
  %acc = kernel.loop %k = 0 to 32 step 1 iter(%a = %zero) {
    %xt = kernel.load %x[%i over 0, %k over 1] -> !kernel.tile<1x1xf32, v1>
    %wt = kernel.load %w[%pn, %k over 0, 0 over 1] align 64 -> !kernel.tile<1x16xf32, v8>
    %d = kernel.dot %xt, %wt, %a {precision = "ieee"} -> !kernel.tile<1x16xf32, v8>
    kernel.yield %d
  }
  %bt = kernel.load %b[%n0 over 0] -> !kernel.tile<16xf32, v8>
  %bb = kernel.broadcast %bt {dims = [1]} -> !kernel.tile<1x16xf32, v8>
  %s = kernel.map add %acc, %bb -> !kernel.tile<1x16xf32, v8>
  kernel.store %s, %y[%i over 0, %n0 over 1]
  kernel.return
}
kernel.func @relu(%n: index, %x: !kernel.ref<[n * 8], f32>, %y: !kernel.ref<[n * 8], f32>) dims [n] grid (n) {
  %p = kernel.program_id
  %c8 = arith.constant 8 : index
  %i = arith.muli %p, %c8 : index
  %zero = kernel.splat 0.0 -> !kernel.tile<8xf32, v8>
  %t = kernel.load %x[%i over 0] -> !kernel.tile<8xf32, v8>
  %r = kernel.map maximum %t, %zero -> !kernel.tile<8xf32, v8>
  kernel.store %r, %y[%i over 0]
  kernel.return
}
kernel.host @mlp(
    %x: !kernel.ref<[batch, 32], f32>, %y: !kernel.ref<[batch, 32], f32>
) dims [batch] inputs ["x"] outputs ["y"] arena (batch * 128) shared (batch * 4000) {
  %w = kernel.weight @kernel -> !kernel.ref<[2, 32, 16], f32>
  %b = kernel.weight @bias -> !kernel.ref<[32], f32>
  %h = kernel.arena 0 -> !kernel.ref<[batch, 32], f32>
  kernel.launch @dense[batch](%x, %w, %b, %h) {parallel}
  kernel.barrier
  %hv = kernel.view %h offset 0 -> !kernel.ref<[batch * 32], f32>
  %yv = kernel.view %y offset 0 -> !kernel.ref<[batch * 32], f32>
  kernel.if batch >= 6 {
    kernel.launch @relu[batch * 4](%hv, %yv) {parallel}
  } else {
    kernel.launch @relu[batch * 4](%hv, %yv)
  }
  kernel.return
}
"""
"""relu(x @ kernel + bias), kernel packed into panels of 16 columns, with a symbolic batch."""

PAIR = """
kernel.func @combine(
    %n: index, %a: !kernel.ref<[n * 8], f32>, %b: !kernel.ref<[n * 8], f32>, %s: !kernel.ref<[n * 8], f32>,
    %d: !kernel.ref<[n * 8], f32>
) dims [n] grid (n) {
  %p = kernel.program_id
  %c8 = arith.constant 8 : index
  %i = arith.muli %p, %c8 : index
  %at = kernel.load %a[%i over 0] -> !kernel.tile<8xf32, v8>
  %bt = kernel.load %b[%i over 0] -> !kernel.tile<8xf32, v8>
  %st = kernel.map add %at, %bt -> !kernel.tile<8xf32, v8>
  %dt = kernel.map sub %at, %bt -> !kernel.tile<8xf32, v8>
  kernel.store %st, %s[%i over 0]
  kernel.store %dt, %d[%i over 0]
  kernel.return
}
kernel.host @pair(
    %a: !kernel.ref<[batch, 8], f32>, %b: !kernel.ref<[batch, 8], f32>, %s: !kernel.ref<[batch, 8], f32>,
    %d: !kernel.ref<[batch * 8], f32>
) dims [batch] inputs ["a", "b"] outputs ["sum", "difference"] arena (0) shared (batch * 4000) {
  %av = kernel.view %a offset 0 -> !kernel.ref<[batch * 8], f32>
  %bv = kernel.view %b offset 0 -> !kernel.ref<[batch * 8], f32>
  %sv = kernel.view %s offset 0 -> !kernel.ref<[batch * 8], f32>
  kernel.launch @combine[batch](%av, %bv, %sv, %d) {parallel}
  kernel.return
}
"""
"""Two inputs of one batch, two outputs; the second has an expression for its size."""


def mlp_weights(seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    generator = np.random.default_rng(seed)
    kernel = generator.standard_normal((32, 32)).astype(np.float32)
    return kernel, generator.standard_normal(32).astype(np.float32)


def mlp_store(seed: int = 0) -> WeightStore:
    kernel, bias = mlp_weights(seed)
    return WeightStore({"kernel": np.ascontiguousarray(kernel.reshape(32, 2, 16).transpose(1, 0, 2)), "bias": bias})


def mlp_reference(x: NDArray[Any], seed: int = 0) -> NDArray[Any]:
    """In float64."""
    kernel, bias = mlp_weights(seed)
    return np.maximum(x.astype(np.float64) @ kernel.astype(np.float64) + bias, 0)


def native(
    text: str, store: WeightStore | None = None, *, target: Target | None = None, threads: int = 1
) -> NativeCode:
    """Native code of a module text."""
    module = parse_module(text)
    verify_module(module)
    return generate(module, store or WeightStore(), target or Target.cpu("x86-64-v3"), threads=threads)


LOOKUP = """
kernel.func @look(
    %n: index, %table: !kernel.ref<[40], f32>, %ids: !kernel.ref<[n], i64>, %status: !kernel.ref<[1], i32>,
    %y: !kernel.ref<[n], f32>
) dims [n] grid (n) {
  %p = kernel.program_id
  %id = kernel.load %ids[%p] -> !kernel.tile<i64, v1>
  %zero = kernel.splat 0 -> !kernel.tile<i64, v1>
  %last = kernel.splat 39 -> !kernel.tile<i64, v1>
  %low = kernel.map ge %id, %zero -> !kernel.tile<i1, v1>
  %high = kernel.map le %id, %last -> !kernel.tile<i1, v1>
  %ok = kernel.map and %low, %high -> !kernel.tile<i1, v1>
  kernel.check %ok, %status {code = CODE}
  %t = kernel.gather %table, %id, %ok -> !kernel.tile<f32, v1>
  kernel.store %t, %y[%p]
  kernel.return
}
kernel.host @lookup(
    %table: !kernel.ref<[40], f32>, %ids: !kernel.ref<[batch], i64>, %y: !kernel.ref<[batch], f32>
) dims [batch] inputs ["table", "ids"] outputs ["y"] arena (0) shared (batch * 4000) {
  %s = kernel.status -> !kernel.ref<[1], i32>
  kernel.launch @look[batch](%table, %ids, %s, %y) {parallel}
  kernel.return
}
"""
"""y = table[ids], with CODE for an id that the table does not have."""

TABLE = np.arange(40, dtype=np.float32)


def lookup(code: int = 910, threads: int = 1) -> Model:
    return load_native(native(LOOKUP.replace("CODE", str(code)), target=Target.host(), threads=threads))
