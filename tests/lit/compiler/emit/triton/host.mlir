// RUN: neuralc %s --target cuda --pass-pipeline= --emit=triton -o - | filecheck %s

// The host program: the arena is one tensor, views are slices, a choice by sizes is an `if`.

// CHECK:      def run(x, weights):
// CHECK:          batch = x.shape[0]
// CHECK-NEXT:     if x.shape != (batch, 16) or x.dtype != torch.float32:
// CHECK-NEXT:         raise ValueError(
// CHECK-NEXT:             f"x is {x.dtype} {tuple(x.shape)}, not torch.float32 (batch, 16)"
// CHECK-NEXT:         )
// CHECK-NEXT:     x = x.contiguous()
// CHECK-NEXT:     if batch * 16 >= 2**31:
// CHECK-NEXT:         raise ValueError("too large: kernels index with 32 bits")
// CHECK-NEXT:     device = x.device
// CHECK-NEXT:     y = torch.empty((batch, 16), dtype=torch.float32, device=device)
// CHECK-NEXT:     arena = torch.empty(batch * 64 + 64, dtype=torch.uint8, device=device)
// CHECK-NEXT:     hidden = arena[64 : batch * 64 + 64].view(torch.float32)
// CHECK-NEXT:     copy[(triton.cdiv(batch * 16, 32),)](
// CHECK-NEXT:         batch * 16, x, hidden, num_warps=4, num_stages=2
// CHECK-NEXT:     )
// CHECK-NEXT:     if batch >= 2:
// CHECK-NEXT:         rest = hidden.view(-1)[16:]
// CHECK-NEXT:         copy[(triton.cdiv(batch * 16 - 16, 32),)](
// CHECK-NEXT:             batch * 16 - 16, rest, y, num_warps=4, num_stages=2
// CHECK-NEXT:         )
// CHECK-NEXT:     return y
kernel.func @copy(%count: index, %x: !kernel.ref<[count], f32>, %y: !kernel.ref<[count], f32>)
    dims [count] grid (ceildiv(count, 32)) {
  %program = kernel.program_id
  %c32 = arith.constant 32 : index
  %i0 = arith.muli %program, %c32 : index
  %t = kernel.load %x[%i0 over 0 masked] -> !kernel.tile<32xf32>
  kernel.store %t, %y[%i0 over 0 masked]
  kernel.return
}
kernel.host @net(%x: !kernel.ref<[batch, 16], f32>, %y: !kernel.ref<[batch, 16], f32>)
    dims [batch] inputs ["x"] outputs ["y"] arena (batch * 64 + 64) {
  %hidden = kernel.arena 64 -> !kernel.ref<[batch * 16], f32>
  kernel.launch @copy[batch * 16](%x, %hidden)
  kernel.if batch >= 2 {
    %rest = kernel.view %hidden offset 16 -> !kernel.ref<[batch * 16 - 16], f32>
    kernel.launch @copy[batch * 16 - 16](%rest, %y)
  } else {
  }
  kernel.return
}
