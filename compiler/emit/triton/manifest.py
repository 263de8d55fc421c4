"""What a runtime must know to run the cubins: all sizes are expressions over the dims of the inputs.

    kernels   by name: files, symbol, grid over the kernel's own dims, arguments in order, block and shared memory
    buffers   in order: inputs, outputs, weights, places in the arena, views, the status of the run;
              sizes and offsets in bytes
    program   launches in order; choices by size or by a truth value in a buffer; rounds, whose counter is a dim
    dims      which input dim gives each symbol, with its bounds

Expressions have the syntax of dims: `+ - *`, and the functions floordiv, ceildiv, mod, min and max of two arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import declared_dims
from neuralc.dialects.types import element_bytes, numpy_dtype
from neuralc.emit.triton.alignment import is_aligned
from neuralc.emit.triton.compile import Cubin
from neuralc.emit.triton.legality import MAX_SPAN
from neuralc.emit.triton.scope import ref_type
from neuralc.emit.triton.source import Source
from neuralc.passes.target import Target

FORMAT = "neuralc.cuda/1"
Entry = dict[str, Any]


def make_manifest(module: ModuleOp, source: Source, cubins: Sequence[Cubin], target: Target) -> Entry:
    """The manifest as it goes to JSON."""
    funcs = {op.sym_name.data: op for op in module.walk() if isinstance(op, kernel.FuncOp)}
    by_name = {cubin.request.name: cubin for cubin in cubins}
    manifest: Entry = {
        "format": FORMAT,
        "arch": target.arch,
        # No buffer may have more elements than an index of this width reaches.
        "index_bits": MAX_SPAN.bit_length(),
        "module": "model.py",
        "weights": "weights.safetensors",
        "kernels": {
            source.names[symbol]: _kernel(func, source, by_name[source.names[symbol]]) for symbol, func in funcs.items()
        },
    }
    for host in module.walk():
        if isinstance(host, kernel.HostOp):
            manifest |= _Host(host, source.names).entries(module)
    return manifest


def _kernel(func: kernel.FuncOp, source: Source, cubin: Cubin) -> Entry:
    request, resources = cubin.request, cubin.resources
    arguments: list[Entry] = [{"name": dim, "type": "i32"} for dim in func.dims]
    parameters = source.parameters[func.sym_name.data][len(func.dims) :]
    for parameter, written in zip(parameters, func.written, strict=True):
        arguments.append({"name": parameter, "type": request.signature[parameter], "written": written})
    for place in request.aligned:
        arguments[place]["alignment"] = 16
    return {
        "symbol": cubin.symbol,
        "cubin": f"kernels/{request.name}.cubin",
        "ptx": f"kernels/{request.name}.ptx",
        "grid": str(func.grid.data),
        "dims": list(func.dims),
        "arguments": arguments,
        # Triton adds pointers to scratch memory at the end, null where a kernel needs none.
        "scratch_arguments": len(resources.parameters) - len(arguments),
        "threads": resources.threads,
        "num_warps": request.num_warps,
        "num_stages": request.num_stages,
        "shared_bytes": cubin.shared_bytes,
        "registers": resources.registers,
        "stack_bytes": resources.stack_bytes,
    }


class _Host:
    """Numbers the buffers of a host program and lists its launches."""

    def __init__(self, host: kernel.HostOp, names: Mapping[str, str]) -> None:
        self._host, self._names = host, names
        self._buffers: list[Entry] = []
        self._places: dict[SSAValue, int] = {}

    def entries(self, module: ModuleOp) -> Entry:
        host = self._host
        inputs = [
            self._port(argument, label, "input")
            for argument, label in zip(host.input_arguments, host.inputs, strict=True)
        ]
        outputs = [
            self._port(argument, label, "output")
            for argument, label in zip(host.output_arguments, host.outputs, strict=True)
        ]
        program = self._block(host.block)
        return {
            "model": host.sym_name.data,
            "dims": self._dims(module),
            "inputs": inputs,
            "outputs": outputs,
            "arena_bytes": str(host.arena.data) if host.arena is not None else "0",
            "buffers": self._buffers,
            "program": program,
        }

    def _dims(self, module: ModuleOp) -> list[Entry]:
        declared, found = declared_dims(module), []
        for dim in self._host.dims:
            entry: Entry = {"name": dim}
            entry |= self._place(dim)
            if dim in declared:
                bounds = declared[dim]
                entry["min"] = bounds.minimum.data.value
                entry["max"] = None if bounds.maximum is None else bounds.maximum.data.value
            found.append(entry)
        return found

    def _place(self, dim: str) -> Entry:
        """The input dim that gives a symbol; (size - offset) / factor where it is not the symbol itself."""
        places: list[Entry] = []
        for label, argument in zip(self._host.inputs, self._host.input_arguments, strict=True):
            for axis, size in enumerate(ref_type(argument).shape):
                symbol, factor, offset = (size.linear if isinstance(size, Dim) else None) or ("", 0, 0)
                if symbol == dim and (factor, offset) == (1, 0):
                    return {"input": label, "axis": axis}
                if symbol == dim:
                    places.append({"input": label, "axis": axis, "factor": factor, "offset": offset})
        return places[0] if places else {}

    def _port(self, value: SSAValue, label: str, kind: str) -> Entry:
        ref = ref_type(value)
        self._buffer(value, {"kind": kind, "name": label})
        shape = [str(size) if isinstance(size, Dim) else size for size in ref.shape]
        return {"name": label, "dtype": numpy_dtype(ref.element_type).name, "shape": shape}

    def _buffer(self, value: SSAValue, entry: Entry) -> None:
        ref = ref_type(value)
        self._places[value] = len(self._buffers)
        self._buffers.append(
            entry | {"dtype": numpy_dtype(ref.element_type).name, "bytes": str(ref.bytes), "aligned": is_aligned(value)}
        )

    def _block(self, block: Block) -> list[Entry]:
        program: list[Entry] = []
        for op in block.ops:
            match op:
                case kernel.WeightOp():
                    self._buffer(op.result, {"kind": "weight", "weight": op.weight_name})
                case kernel.AllocOp():
                    self._buffer(op.result, {"kind": "alloc"})
                case kernel.ArenaOp():
                    self._buffer(op.result, {"kind": "arena", "offset": str(op.offset.data)})
                case kernel.StatusOp():
                    self._buffer(op.result, {"kind": "status"})
                case kernel.ViewOp():
                    offset = op.offset.data * element_bytes(ref_type(op.result).element_type)
                    self._buffer(op.result, {"kind": "view", "of": self._places[op.source], "offset": str(offset)})
                case kernel.LaunchOp():
                    program.append(
                        {
                            "launch": self._names[op.callee_name],
                            "dims": [str(size) for size in op.dims.data],
                            "buffers": [self._places[buffer] for buffer in op.args],
                        }
                    )
                case kernel.IfOp():
                    program.append(
                        {
                            "if": [str(op.lhs.data), op.relation.data, str(op.rhs.data)],
                            "then": self._block(op.then_body.block),
                            "else": self._block(op.else_body.block),
                        }
                    )
                case kernel.BranchOp():
                    program.append(
                        {
                            "branch": self._places[op.condition],
                            "then": self._block(op.then_body.block),
                            "else": self._block(op.else_body.block),
                        }
                    )
                case kernel.ForOp():
                    program.append(self._rounds(op.counter.data, op.trips.data, op.body.block))
                case kernel.WhileOp():
                    limit = None if op.limit is None else op.limit.data
                    rounds = self._rounds(op.counter.data, limit, op.body.block)
                    program.append({"while": self._places[op.condition], **rounds})
        return program

    def _rounds(self, counter: str, limit: Dim | None, body: Block) -> Entry:
        return {"counter": counter, "to": None if limit is None else str(limit), "body": self._block(body)}
