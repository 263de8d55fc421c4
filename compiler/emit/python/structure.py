"""The classes of an emitted module: one for the model and one for each function it calls.

A weight is named by its path inside the class that uses it: the argument of a function takes its name from what the
first call binds to it, `encoder.0.conv2d.kernel` minus the path `encoder.0` of the call. Calls of one function with the
same weights are one submodule, applied again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects.control import Control
from neuralc.dialects.graph import CallOp, FuncOp, FunctionLike, GetWeightOp, ModelOp, WeightOp, the_model
from neuralc.emit.placements import Part, Placement, Type
from neuralc.emit.python.class_builder import ClassBuilder
from neuralc.emit.python.form import Form
from neuralc.emit.python.names import Names, identifier
from neuralc.emit.python.placing import placed
from neuralc.emit.python.plan import Child, ClassPlan, Row
from neuralc.emit.refusals import Refusals

Instance: TypeAlias = tuple[str, tuple[str, ...]]
"""A function, and the weights it is applied to."""


class Structure:
    """Plans the classes of a module. `classes` is in the order of writing: a class stands before those that use it."""

    def __init__(self, module: Operation, table: Mapping[str, Operation], form: Form, refusals: Refusals) -> None:
        self._table = table
        self.declared: Mapping[str, WeightOp] = {name: op for name, op in table.items() if isinstance(op, WeightOp)}
        """The weights of the model by their names."""
        self._form = form
        self._refusals = refusals
        self._class_names = Names(form.class_names)
        self._plans: dict[FuncOp, ClassPlan] = {}
        self._open: set[FuncOp] = set()
        self.classes: list[ClassPlan] = []
        model = the_model(module)
        plan = self._new_plan(model, _fetched(model))
        self.model = self._fill(plan, {name: table[name] for name in plan.weight_names.values()})
        self.rows = list(self.model.rows())
        self._refuse_derived_weights()
        self._refuse_shared_weights()

    @property
    def weights(self) -> frozenset[SSAValue]:
        """All values that are weights."""
        return frozenset(value for plan in self.classes for value in plan.weight_names)

    def placements(self, rows: Sequence[Row], floats: Type | None = None) -> list[Placement]:
        """What the parameters of rows are of the weights of the model; `floats` is the type that all floats have."""
        found = [placed(row, self.declared[row.key], floats) for row in rows]
        return [placement for placement in found if placement is not None]

    def _refuse_derived_weights(self) -> None:
        for row in self.rows:
            if placed(row, self.declared[row.key]) is None:
                self._refusals.add(
                    self._table[row.key],
                    f"@{row.key} is derived from other weights",
                    help="emit code from the model as written, before passes that fold weights",
                )

    def _new_plan(self, function: FunctionLike, weight_names: dict[SSAValue, str]) -> ClassPlan:
        name = self._class_names.claim(self._form.class_name(function.sym_name.data))
        return ClassPlan(function, name, name, _captured(function.block, weight_names))

    def _fill(self, plan: ClassPlan, weights: Mapping[str, Operation]) -> ClassPlan:
        """Plan the attributes of a class, in the order its ops use them."""
        declared = {name: weight for name, weight in weights.items() if isinstance(weight, WeightOp)}
        builder = ClassBuilder(plan, declared, self._form, self._refusals)
        lists, children = _lists(plan), dict[Instance, Child]()
        plan.handed_on |= self._handed_on(plan)
        for op in _ops(plan.function.block):
            if not isinstance(op, CallOp):
                builder.add_layer(op)
                continue
            instance = _instance(op, plan)
            if instance not in children:
                children[instance] = self._new_child(op, builder, lists, children.values())
            plan.child_at[op] = children[instance]
        builder.add_free_weights()
        self.classes.append(plan)
        return plan

    def _new_child(self, op: CallOp, builder: ClassBuilder, lists: set[str], others: Collection[Child]) -> Child:
        """The submodule of a call; `lists` are the paths that are a ModuleList in this class."""
        plan, path = builder.plan, _path_of(op, builder.plan)
        callee = self._class_of(op, builder, path)
        bound = {}
        for argument, value in zip(callee.function.arguments, op.args, strict=True):
            held = plan.held_by_parts(value)
            if (argument in callee.weight_names) != (held is not None):
                name = callee.function.sym_name.data
                self._refusals.add(op, f"@{name} is given a weight in one call and a computed value in another")
            elif held is not None:
                bound[callee.weight_names[argument]] = held
        base, index = _split_index(path)
        if base not in lists:
            base, index = path, None
        attribute = next((child.attribute for child in others if child.base == base and child.index is not None), None)
        if index is None or attribute is None:
            wanted = base if self._form.owning else _branch(plan, callee, base, index)
            attribute = builder.attributes.claim(self._form.attribute(wanted))
        child = Child(attribute, index, callee, bound, base)
        plan.members.append(child)
        return child

    def _class_of(self, op: CallOp, builder: ClassBuilder, path: str) -> ClassPlan:
        """The class of a call's function, planned on the first call, which also names its weights."""
        callee = self._table[op.callee.root_reference.data]
        assert isinstance(callee, FuncOp), "the verifier resolves callees"
        if callee in self._open:
            self._refusals.add(op, f"@{callee.sym_name.data} calls itself")
            self._refusals.raise_if_any()
        if callee not in self._plans:
            names, local, below = Names(), {}, {}
            for argument, value in zip(callee.arguments, op.args, strict=True):
                if (name := builder.plan.held_by_parts(value)) is not None:
                    local[argument] = names.claim(_local_name(name, path, argument))
                    if name in builder.weights:
                        below[local[argument]] = builder.weights[name]
            self._open.add(callee)
            plan = self._new_plan(callee, local)
            self._plans[callee] = self._fill(plan, below)
            self._open.remove(callee)
        return self._plans[callee]

    def _handed_on(self, plan: ClassPlan) -> set[str]:
        """Weights that more than one part is given, none for a layer of its own: a mask that all blocks read."""
        users: dict[str, set[Instance]] = {}
        layered: set[str] = set()
        for op in plan.function.block.ops:
            for index, value in enumerate(op.operands if isinstance(op, CallOp) else ()):
                if isinstance(op, CallOp) and (name := plan.weight_names.get(value)) is not None:
                    users.setdefault(name, set()).add(_instance(op, plan))
                    layered |= {name} if self._is_of_layer(op, index) else set()
        return {name for name, found in users.items() if len(found) > 1} - layered

    def _is_of_layer(self, op: CallOp, index: int) -> bool:
        """Whether an operand of a call is what a layer inside holds."""
        callee = self._table[op.callee.root_reference.data]
        assert isinstance(callee, FuncOp), "the verifier resolves callees"
        value = callee.arguments[index]
        for use in value.uses:
            if isinstance(use.operation, CallOp):
                if self._is_of_layer(use.operation, use.index):
                    return True
                continue
            spec = self._form.layer_of(use.operation, Refusals(""))
            if spec is not None and any(held.value is value for held in spec.parameters):
                return True
        return False

    def _refuse_shared_weights(self) -> None:
        """Two parameters that start equal would not stay so in training."""
        holders: dict[str, list[tuple[Part, Placement]]] = {}
        for placement in self.placements(self.rows):
            for part in placement.parts:
                others = holders.setdefault(part.key, [])
                first = next((other for found, other in others if found.overlaps(part)), None)
                others.append((part, placement))
                if first is not None:
                    reason = f"@{part.key} would be two parameters, `{first.name}` and `{placement.name}`"
                    self._refusals.add(self._table[part.key], reason)


# -- calls and their paths ---------------------------------------------------------------------------------------------


def _fetched(model: ModelOp) -> dict[SSAValue, str]:
    return {op.result: op.weight_name for op in _ops(model.block) if isinstance(op, GetWeightOp)}


def _ops(block: Block) -> Iterator[Operation]:
    """The ops of a block, each in front of those of its regions."""
    for op in block.ops:
        yield op
        for region in op.regions:
            for inner in region.blocks:
                yield from _ops(inner)


def _captured(block: Block, weights: Mapping[SSAValue, str]) -> dict[SSAValue, str]:
    """The arguments of regions that stand for weights around them."""
    found = dict(weights)
    for op in _ops(block):
        for region, first, values in op.captures if isinstance(op, Control) else ():
            arguments = region.block.args[first:]
            found |= {inside: found[value] for inside, value in zip(arguments, values, strict=True) if value in found}
    return found


def _local_name(name: str, path: str, argument: SSAValue) -> str:
    """What a weight is called in a part: by its path there; one from elsewhere as the function calls it."""
    inside = name.removeprefix(f"{path}.")
    return inside if inside != name or argument.name_hint is None else argument.name_hint


def _branch(plan: ClassPlan, part: ClassPlan, base: str, index: int | None) -> str:
    """Where a part stands in a tree: at its path; where other weights are among those of the part, beside it."""
    calls = [op for op in _ops(plan.function.block) if isinstance(op, CallOp)]
    own = {
        name
        for op in calls
        if (_split_index(_path_of(op, plan))[0] if index is not None else _path_of(op, plan)) == base
        for name in _weights_of(op, plan)
    }
    others = {
        name.removeprefix(f"{base}.") for name in {*plan.weight_names.values()} - own if name.startswith(f"{base}.")
    }
    heads = {member.attribute.partition(".")[0] for member in part.members}
    if not (others if index is not None else any(other.partition(".")[0] in heads for other in others)):
        return base
    above, _, _ = base.rpartition(".")
    return f"{above}.{part.function.sym_name.data}".lstrip(".")


def _weights_of(op: CallOp, plan: ClassPlan) -> tuple[str, ...]:
    return tuple(plan.weight_names[value] for value in op.args if value in plan.weight_names)


def _instance(op: CallOp, plan: ClassPlan) -> Instance:
    """What makes two calls one submodule: the same weights; without weights, the same path."""
    return (op.callee.root_reference.data, _weights_of(op, plan) or (_path_of(op, plan),))


def _path_of(op: CallOp, plan: ClassPlan) -> str:
    if op.path:
        return op.path.data
    return _common_path(_weights_of(op, plan)) or identifier(op.callee.root_reference.data).lower()


def _common_path(names: Sequence[str]) -> str:
    """The leading components that all paths share, without the last component of any."""
    split = [name.split(".")[:-1] for name in names]
    common: list[str] = []
    for components in zip(*split, strict=False):
        if len(set(components)) != 1:
            break
        common.append(components[0])
    return ".".join(common)


def _split_index(path: str) -> tuple[str, int | None]:
    """(`block`, 3) of `block.3`."""
    base, _, last = path.rpartition(".")
    return (base, int(last)) if base and last.isdigit() else (path, None)


def _lists(plan: ClassPlan) -> set[str]:
    """The paths whose submodules are `path.0`, `path.1`, ... without a gap, in that order: each is a ModuleList."""
    first_calls: dict[Instance, CallOp] = {}
    for op in _ops(plan.function.block):
        if isinstance(op, CallOp):
            first_calls.setdefault(_instance(op, plan), op)
    found: dict[str, list[int | None]] = {}
    for op in first_calls.values():
        base, index = _split_index(_path_of(op, plan))
        found.setdefault(base, []).append(index)
    return {base for base, indices in found.items() if len(indices) > 1 and indices == list(range(len(indices)))}
