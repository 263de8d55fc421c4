"""tensor-to-kernel: groups become kernels with tiles for the target, and the model becomes a host program.

    %y = tensor.group "dense"(%a = %x, %b = %w) { contract, map }

    becomes                                                  and where it stood, in the host program

    kernel.func @dense(%batch: index, %x: .., %w: ..,        %h = kernel.alloc -> !kernel.ref<[batch, 128], f32, ..>
        %out: ..) dims [batch] grid (..) { .. }              kernel.launch @dense[batch](%x, %w, %h)

Views (reshape, transpose, window, unpack) become other strides on the same memory. A value that is padded afterwards is
written straight into the inside of the padded buffer. The schedules are in passes/lower/cpu and passes/lower/gpu: a
kernel for a GPU is never made from one for a CPU, both are made from the group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects import graph, kernel, tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import RefType
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import AnyTensor, as_tensor, shape_of, tensor_type
from neuralc.grammar.diagnostics import error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.locations import inherit_location, span_of
from neuralc.passes.lower import views
from neuralc.passes.lower.host_control import lower_if, lower_scan, lower_while
from neuralc.passes.lower.host_moves import Placement, can_be_placed, move, slice_view
from neuralc.passes.lower.host_states import States
from neuralc.passes.lower.memory import Memory
from neuralc.passes.lower.nest import Operand, has_one_kernel, make_nest
from neuralc.passes.lower.scalar_functions import ScalarBuilder
from neuralc.passes.lower.schedule import Variant, schedule
from neuralc.passes.target import Target


@dataclass(frozen=True)
class TensorToKernelPass(ModulePass):
    """Replaces the model by a host program and its kernels. Needs groups (tensor-fuse-groups) and a target."""

    name = "tensor-to-kernel"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        model = graph.the_model(module)
        if context.target is None:
            raise error("E0824", "tensor-to-kernel needs a target", help="add `--target cpu` or `--target cuda`")
        builder = _Host(module, model, context.target, context)
        host = builder.build()
        host.location = model.location
        count, moved = len(builder.reorders), sum(builder.reorders, Dim.constant(0))
        context.remark("analysis", host, f"{count} values, {moved} bytes, are laid out in another order")
        context.count("values laid out in another order", count)
        Rewriter.replace_op(model, host, [])


@dataclass
class _Host:
    """Builds the host program of one model."""

    module: ModuleOp
    model: graph.ModelOp
    target: Target
    context: PassContext
    memory: dict[SSAValue, Memory] = field(default_factory=dict)
    places: dict[SSAValue, Memory] = field(default_factory=dict)
    """Values that are written to memory of the reader's choice."""
    names: set[str] = field(default_factory=set)
    current: Operation | None = None
    cell: SSAValue | None = None
    reorders: list[Dim] = field(default_factory=list)
    """Bytes of the values that are copied into another order of their dims."""

    def __post_init__(self) -> None:
        self.placement = Placement(self)
        self.states = States(self)

    def build(self) -> kernel.HostOp:
        model = self.model
        types = [as_tensor(argument.type) for argument in model.block.args]
        types += [as_tensor(type_) for type_ in model.returns]
        refs = [RefType.of(shape_of(type_), type_.element_type) for type_ in types]
        self.block = self.root = Block(arg_types=refs)
        names = [*model.inputs, *model.outputs]
        for argument, name in zip(self.block.args, names, strict=True):
            argument.name_hint = name if name.isidentifier() else None
        for value, argument, ref in zip(model.block.args, self.block.args, refs, strict=False):
            self.memory[value] = Memory(argument, ref)
        self.names = set(graph.symbols(self.module))
        self.states.plan()
        self.places |= self._plan_outputs(refs)
        for op in model.block.ops:
            self.convert(op)
        dims = sorted(set().union(*(ref.symbols for ref in refs), self.states.symbols))
        return kernel.HostOp(
            model.sym_name.data, dims, model.inputs, model.outputs, Region(self.block), attributes=model.attributes
        )

    def _plan_outputs(self, refs: Sequence[RefType]) -> dict[SSAValue, Memory]:
        """Values that are written straight to an output, once each."""
        out: dict[SSAValue, Memory] = {}
        offset = len(self.model.inputs)
        for i, value in enumerate(self.model.terminator.operands):
            if can_be_placed(value) and value not in out and value not in self.places:
                out[value] = Memory(self.block.args[offset + i], refs[offset + i])
        return out

    # -- ops ---------------------------------------------------------------------------------------------------------

    def convert(self, op: Operation) -> None:
        outer, self.current = self.current, op
        self._convert(op)
        self.current = outer

    def _convert(self, op: Operation) -> None:
        match op:
            case graph.GetWeightOp():
                ref = RefType.of(shape_of(op.result.type), as_tensor(op.result.type).element_type)
                self._set(op.result, Memory(self.emit(kernel.WeightOp(op.weight_name, ref)), ref))
            case graph.GetStateOp():
                self._set(op.result, self.states.get(op))
            case graph.SetStateOp():
                self.states.set(op)
            case tensor.ReshapeOp():
                self._reshape(op)
            case tensor.TransposeOp():
                self._view(op.result, self.memory[op.x], views.transpose(op, self.memory[op.x].ref))
            case tensor.WindowOp():
                self._view(op.result, self.memory[op.x], views.window(op, self.memory[op.x].ref))
            case tensor.SliceOp():
                source = self.memory[op.x]
                self._set(op.result, self.viewed(source, *views.slice_(op, source.ref)))
            case tensor.UnpackOp():
                memory = self.memory[op.x]
                self._set(op.result, Memory(memory.value, memory.ref, packed=True))
            case tensor.SliceOp():
                self._set(op.result, slice_view(self, op))
            case tensor.PadOp():
                self._set(op.result, self.placement.pad(op))
            case tensor.ConcatOp():
                self._set(op.result, self.placement.concat(op))
            case tensor.ScatterOp() | tensor.CumulateOp() | tensor.TopKOp():
                move(self, self.placement, op, in_place=op in self.states.in_place)
            case tensor.GroupOp():
                self._group(op)
            case tensor.ScanOp():
                lower_scan(self, op)
            case tensor.IfOp():
                lower_if(self, op)
            case tensor.WhileOp():
                lower_while(self, op)
            case graph.ReturnOp():
                self._return(op)
            case _:
                raise error("E0702", f"{op.name} has no kernel", span_of(op.location))

    def _set(self, value: SSAValue, memory: Memory) -> None:
        if memory.value.name_hint is None:
            memory.value.name_hint = value.name_hint
        self.memory[value] = memory

    def emit(self, op: Operation) -> SSAValue:
        self.append(op)
        return op.results[0]

    def append(self, op: Operation) -> None:
        if self.current is not None:
            inherit_location(op, self.current.location)
        self.block.add_op(op)

    def _view(self, result: SSAValue, source: Memory, ref: RefType) -> None:
        self._set(result, self.viewed(source, ref))

    def viewed(self, source: Memory, ref: RefType, offset: Dim | None = None) -> Memory:
        if ref == source.ref and offset is None:
            return source
        start = offset if offset is not None else Dim.constant(0)
        return Memory(self.emit(kernel.ViewOp(source.value, start, ref)), ref)

    def _reshape(self, op: tensor.ReshapeOp) -> None:
        source = self.memory[op.x]
        ref = views.reshape(source.ref, shape_of(op.result.type))
        if ref is None or source.packed:
            # A gap between rows (a padded buffer): the values move to memory without one.
            dense = self.alloc(op.x)
            self.copy(op.x, source, dense)
            source = dense
            ref = RefType.of(shape_of(op.result.type), source.ref.element_type)
        self._view(op.result, source, ref)

    def alloc(self, value: SSAValue) -> Memory:
        return self.alloc_like(as_tensor(value.type), value.name_hint)

    def alloc_like(self, type_: AnyTensor, name: str | None) -> Memory:
        ref = RefType.of(shape_of(type_), type_.element_type)
        memory = Memory(self.emit(kernel.AllocOp(ref)), ref)
        memory.value.name_hint = name
        return memory

    def counter(self) -> str:
        """The name of a counter that no size has."""
        return self._unique("t")

    def copy(self, value: SSAValue, source: Memory, target: Memory) -> None:
        if source.packed:
            raise error("E0702", "packed weights are copied nowhere", None)
        if self.current is not None and views.order(source.ref) != views.order(target.ref):
            self.reorders.append(source.ref.bytes)
            self.context.remark("missed", self.current, f"{source.ref.bytes} bytes are laid out in another order")
        builder = ScalarBuilder([source.ref.element_type])
        letters = identity(source.ref.rank)
        type_ = tensor_type(source.ref.shape, source.ref.element_type)
        region = builder.finish(builder.args[0])
        block = Block(arg_types=[type_])
        copy = tensor.MapOp(f"{letters}->{letters}", [block.args[0]], type_, region)
        block.add_op(copy)
        self._run_group(block, copy, "copy", [source], target)

    def _run_group(self, block: Block, op: tensor.MapOp, name: str, sources: Sequence[Memory], target: Memory) -> None:
        block.add_op(tensor.YieldOp([op.result]))
        group = tensor.GroupOp(name, [source.value for source in sources], [op.result.type], Region(block))
        if self.current is not None:
            group.location = self.current.location
        self._launch(group, list(sources), [target])
        group.drop_all_references()

    # -- groups ------------------------------------------------------------------------------------------------------

    def _group(self, op: tensor.GroupOp) -> None:
        targets = [self.placement.target(result) for result in op.res]
        for result, target in zip(op.res, targets, strict=True):
            self._set(result, target)
        sources = [self.memory[arg] for arg in op.args]
        if has_one_kernel(op):
            self._launch(op, sources, targets)
            return
        for number, target in enumerate(targets):
            group = op if len(op.res) == 1 else _only(op, number)
            self._launch(group, sources, [target])
            if group is not op:
                group.drop_all_references()

    def _launch(self, group: tensor.GroupOp, sources: Sequence[Memory], targets: Sequence[Memory]) -> None:
        refs = [(memory.ref, memory.packed) for memory in sources]
        nest, which = make_nest(group, refs, targets[0].ref, [target.ref for target in targets[1:]])
        variants = schedule(group, nest, self.target, self.context)
        self._launch_variants(variants, [*(sources[i] for i in which), *targets], self.block)

    def _launch_variants(self, variants: Sequence[Variant], memories: Sequence[Memory], block: Block) -> None:
        """The first variant under its condition, the others in the else branch."""
        first, rest = variants[0], variants[1:]
        if first.condition is None:
            self._launch_one(first, memories, block)
            return
        lhs, relation, rhs = first.condition
        then_block, else_block = Block(), Block()
        self._launch_one(first, memories, then_block)
        self._launch_variants(rest, memories, else_block)
        choice = kernel.IfOp(lhs, relation, rhs, Region(then_block), Region(else_block))
        if self.current is not None:
            inherit_location(choice, self.current.location)
        block.add_op(choice)

    def _launch_one(self, variant: Variant, memories: Sequence[Memory], block: Block) -> None:
        args: list[SSAValue] = []
        for operand, memory in zip(variant.nest.operands, memories, strict=True):
            args.append(self._argument(operand, memory, block))
        if variant.nest.status:
            args.append(self.status())
        self._insert_and_launch(variant.func, args, block)

    def launch(self, func: kernel.FuncOp, args: Sequence[SSAValue]) -> None:
        self._insert_and_launch(func, args, self.block)

    def _insert_and_launch(self, func: kernel.FuncOp, args: Sequence[SSAValue], block: Block) -> None:
        name = self._unique(func.sym_name.data)
        func.sym_name = StringAttr(name)
        if self.current is not None:
            inherit_location(func, self.current.location)
        Rewriter.insert_op(func, InsertPoint.before(self.model))
        launch = kernel.LaunchOp(name, [Dim.symbol(dim) for dim in func.dims], args)
        if self.current is not None:
            launch.location = self.current.location
        block.add_op(launch)

    def status(self) -> SSAValue:
        """The status cell of the run, which all kernels share."""
        if self.cell is None:
            op = kernel.StatusOp()
            first = self.root.first_op
            if first is None:
                self.root.add_op(op)
            else:
                self.root.insert_op_before(op, first)
            self.cell = op.result
        return self.cell

    def _argument(self, operand: Operand, memory: Memory, block: Block) -> SSAValue:
        if operand.ref == memory.ref:
            return memory.value
        view = kernel.ViewOp(memory.value, Dim.constant(0), operand.ref)
        if self.current is not None:
            view.location = self.current.location
        block.add_op(view)
        return view.result

    def _unique(self, name: str) -> str:
        candidate, number = name, 0
        while candidate in self.names:
            number += 1
            candidate = f"{name}_{number}"
        self.names.add(candidate)
        return candidate

    def _return(self, op: graph.ReturnOp) -> None:
        offset = len(self.model.inputs)
        for i, value in enumerate(op.values):
            argument = self.block.args[offset + i]
            ref = argument.type
            if isinstance(ref, RefType) and self.memory[value].value is not argument:
                self.copy(value, self.memory[value], Memory(argument, ref))
        self.append(kernel.ReturnOp())


def _only(group: tensor.GroupOp, number: int) -> tensor.GroupOp:
    """A copy of a group with one of its results and what that needs."""
    copy = group.clone()
    wanted = copy.yielded[number]
    end = copy.block.last_op
    if end is not None:
        end.operands = [wanted]
    for op in reversed(list(copy.block.ops)):
        if op is not end and not any(result.uses for result in op.results):
            Rewriter.erase_op(op)
    only = tensor.GroupOp(group.label.data, list(group.args), [wanted.type], copy.detach_region(copy.body))
    only.location = group.location
    return only
