// Gathers, scatters, checks, and integers as index values.
// RUN: neuralc-opt %s | filecheck %s
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

kernel.func @indirect(%n: index, %x: !kernel.ref<[n, 16], f32>, %ids: !kernel.ref<[n], i64>, %y: !kernel.ref<[n], f32>, %status: !kernel.ref<[1], i32>) dims [n] grid (ceildiv(n, 8)) {
  %p = kernel.program_id
  %places = kernel.load %ids[%p over 0 masked] -> !kernel.tile<8xi64, v8>
  %zero = kernel.splat 0 -> !kernel.tile<8xi64, v8>
  %ok = kernel.map ge %places, %zero -> !kernel.tile<8xi1, v8>
  // CHECK: kernel.check %ok, %status {code = 910}
  kernel.check %ok, %status {code = 910}
  // CHECK-NEXT: %all = kernel.gather %x, %places -> !kernel.tile<8xf32, v8>
  %all = kernel.gather %x, %places -> !kernel.tile<8xf32, v8>
  // CHECK-NEXT: %some = kernel.gather %x, %places, %ok {other = -1.5} -> !kernel.tile<8xf32, v8>
  %some = kernel.gather %x, %places, %ok {other = -1.5} -> !kernel.tile<8xf32, v8>
  // CHECK-NEXT: kernel.scatter %all, %y, %places
  kernel.scatter %all, %y, %places
  // CHECK-NEXT: kernel.scatter %some, %y, %places, %ok
  kernel.scatter %some, %y, %places, %ok
  // CHECK-NEXT: %one = kernel.load %ids[%p] -> !kernel.tile<i64, v1>
  %one = kernel.load %ids[%p] -> !kernel.tile<i64, v1>
  // CHECK-NEXT: %row = kernel.to_index %one -> index
  %row = kernel.to_index %one -> index
  // CHECK-NEXT: %line = kernel.load %x[%row, 0 over 0] -> !kernel.tile<16xf32, v8>
  %line = kernel.load %x[%row, 0 over 0] -> !kernel.tile<16xf32, v8>
  kernel.return
}
