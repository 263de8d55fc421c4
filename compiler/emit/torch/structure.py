"""The classes of an emitted module: one for the model and one for each function it calls, with their attributes.

A weight is named by its path inside the class that uses it: the argument of a function takes its name from what the
first call binds to it, `encoder.0.conv2d.kernel` minus the path `encoder.0` of the call. Calls with the same path and
the same weights are one submodule applied twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import CallOp, FuncOp, GetWeightOp, ModelOp, ReshapeOp, WeightOp, the_model
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import shape_of
from neuralc.emit.python.names import Names, class_name, identifier
from neuralc.emit.torch.layers import LayerSpec, layer_of
from neuralc.emit.torch.plan import Child, ClassPlan, FreeWeight, Layer
from neuralc.emit.torch.refusals import Refusals
from neuralc.emit.torch.reserved import CLASS_NAMES, MODULE_ATTRIBUTES

Instance: TypeAlias = tuple[str, tuple[str, ...]]
"""A function, and the weights it is applied to."""


class Structure:
    """Plans the classes of a module. `classes` is in the order of writing: a class stands before those that use it."""

    def __init__(self, module: Operation, table: Mapping[str, Operation], refusals: Refusals) -> None:
        self._table = table
        self._refusals = refusals
        self._class_names = Names(CLASS_NAMES)
        self._plans: dict[FuncOp, ClassPlan] = {}
        self.classes: list[ClassPlan] = []
        model = the_model(module)
        name = self._class_names.claim(class_name(model.sym_name.data))
        self.model = self._fill(ClassPlan(model, name, _fetched(model)), _inits(model, table))

    @property
    def weights(self) -> frozenset[SSAValue]:
        """All values that are weights."""
        return frozenset(value for plan in self.classes for value in plan.weight_names)

    def _fill(self, plan: ClassPlan, inits: Mapping[str, WeightOp]) -> ClassPlan:
        """Plan the attributes of a class, in the order its ops use them. `inits` are the weights behind the names."""
        attributes = Names(MODULE_ATTRIBUTES)
        owners: dict[str, Layer] = {}
        children: dict[Instance, Child] = {}
        for op in plan.function.block.ops:
            if isinstance(op, CallOp):
                child = self._child(plan, op, inits, attributes, children)
                plan.child_at[op] = child
            elif (spec := layer_of(op, self._refusals)) is not None:
                self._add_layer(plan, op, spec, inits, attributes, owners)
        self._add_free_weights(plan, inits, attributes, owners)
        self.classes.append(plan)
        return plan

    # -- layers ------------------------------------------------------------------------------------------------------

    def _add_layer(
        self,
        plan: ClassPlan,
        op: Operation,
        spec: LayerSpec,
        inits: Mapping[str, WeightOp],
        attributes: Names,
        owners: dict[str, Layer],
    ) -> None:
        weights = {}
        for held in spec.parameters:
            if held.value not in plan.weight_names:
                self._refuse(plan, op, f"its {held.name} is computed; a torch layer holds its own")
                return
            weights[held.name] = plan.weight_names[held.value]
        for layer in (owners[name] for name in weights.values() if name in owners):
            if layer.weights == weights and layer.spec.constructor == spec.constructor:
                plan.layer_at[op] = layer
            else:
                self._refuse(plan, op, f"it shares a weight with the layer `{layer.attribute}`, but is another layer")
            return
        init = {name: declared for name, key in weights.items() if (declared := _init(inits.get(key)))}
        hint = op.results[0].name_hint if not weights else None
        layer = Layer(attributes.claim(_attribute(weights, hint or spec.kind)), spec, weights, init)
        owners.update(dict.fromkeys(weights.values(), layer))
        plan.layer_at[op] = layer
        plan.members.append(layer)

    def _refuse(self, plan: ClassPlan, op: Operation, reason: str) -> None:
        plan.refused.add(op)
        self._refusals.add(op, reason)

    def _add_free_weights(
        self, plan: ClassPlan, inits: Mapping[str, WeightOp], attributes: Names, owners: Mapping[str, Layer]
    ) -> None:
        free: dict[str, FreeWeight] = {}
        for value, name in plan.weight_names.items():
            outside = [use.operation for use in value.uses if not _goes_into_layer(use.operation, value, plan)]
            if not outside:
                continue
            if name in owners:
                self._refusals.add(outside[0], f"it uses the weight @{name} of the layer `{owners[name].attribute}`")
                continue
            if name not in free:
                weight = inits.get(name)
                shape = tuple(int(str(size)) for size in shape_of(value.type))
                trainable = weight is None or _is_trainable(weight)
                attribute = attributes.claim(identifier(name))
                free[name] = FreeWeight(attribute, name, shape, trainable, _init(weight))
                plan.members.append(free[name])
            plan.free[value] = free[name]

    # -- submodules --------------------------------------------------------------------------------------------------

    def _callee(self, op: CallOp) -> FuncOp:
        callee = self._table[op.callee.root_reference.data]
        assert isinstance(callee, FuncOp), "the verifier resolves callees"
        return callee

    def _child(
        self,
        plan: ClassPlan,
        op: CallOp,
        inits: Mapping[str, WeightOp],
        attributes: Names,
        children: dict[Instance, Child],
    ) -> Child:
        """The submodule of a call: that of an earlier call where function and weights are the same."""
        callee, path, names = self._callee(op), _path_of(op, plan), _weights_of(op, plan)
        if callee not in self._plans:
            local = {
                argument: _strip(path, plan.weight_names[value])
                for argument, value in zip(callee.arguments, op.args, strict=True)
                if value in plan.weight_names
            }
            below = {_strip(path, name): inits[name] for name in names if name in inits}
            name = self._class_names.claim(class_name(callee.sym_name.data))
            self._plans[callee] = self._fill(ClassPlan(callee, name, local), below)
        planned = self._plans[callee]
        bound = {}
        for argument, value in zip(callee.arguments, op.args, strict=True):
            if (argument in planned.weight_names) != (value in plan.weight_names):
                self._refusals.add(op, f"@{callee.sym_name.data} is given a weight here and a computed value elsewhere")
            elif argument in planned.weight_names:
                bound[planned.weight_names[argument]] = plan.weight_names[value]
        instance = _instance(op, plan)
        if instance not in children:
            base, index = _split_index(path)
            if base in self._lists(plan):
                known = [child.attribute for child in children.values() if child.base == base]
                attribute = known[0] if known else attributes.claim(identifier(base))
                children[instance] = Child(attribute, index, planned, bound, base)
            else:
                children[instance] = Child(attributes.claim(identifier(path)), None, planned, bound, path)
            plan.members.append(children[instance])
        return children[instance]

    def _lists(self, plan: ClassPlan) -> set[str]:
        """The paths whose submodules are `path.0`, `path.1`, ... without a gap, in that order: each is a ModuleList."""
        found: dict[str, list[int | None]] = {}
        seen: set[Instance] = set()
        for op in plan.function.block.ops:
            if isinstance(op, CallOp) and (instance := _instance(op, plan)) not in seen:
                seen.add(instance)
                base, index = _split_index(_path_of(op, plan))
                found.setdefault(base, []).append(index)
        return {base for base, indices in found.items() if len(indices) > 1 and indices == list(range(len(indices)))}


def _weights_of(op: CallOp, plan: ClassPlan) -> tuple[str, ...]:
    return tuple(plan.weight_names[value] for value in op.args if value in plan.weight_names)


def _path_of(op: CallOp, plan: ClassPlan) -> str:
    if op.path:
        return op.path.data
    return _common_path(_weights_of(op, plan)) or identifier(op.callee.root_reference.data).lower()


def _instance(op: CallOp, plan: ClassPlan) -> Instance:
    """What makes two calls one submodule: the same weights; without weights, the same path."""
    names = _weights_of(op, plan)
    return (op.callee.root_reference.data, names or (_path_of(op, plan),))


def _split_index(path: str) -> tuple[str, int | None]:
    """(`block`, 3) of `block.3`."""
    base, _, last = path.rpartition(".")
    return (base, int(last)) if base and last.isdigit() else (path, None)


def _fetched(model: ModelOp) -> dict[SSAValue, str]:
    return {op.result: op.weight_name for op in model.block.ops if isinstance(op, GetWeightOp)}


def _inits(model: ModelOp, table: Mapping[str, Operation]) -> dict[str, WeightOp]:
    names = (op.weight_name for op in model.block.ops if isinstance(op, GetWeightOp))
    return {name: weight for name in names if isinstance(weight := table[name], WeightOp)}


def _init(weight: WeightOp | None) -> str | None:
    return weight.init.data if weight is not None and weight.init else None


def _is_trainable(weight: WeightOp) -> bool:
    return "trainable" not in weight.attributes or bool(to_literal(weight.attributes["trainable"]))


def _goes_into_layer(op: Operation, value: SSAValue, plan: ClassPlan) -> bool:
    """True for a use of a weight that needs no expression in `forward`: in a layer, or on its way into one."""
    if isinstance(op, CallOp) or op in plan.refused:
        return True
    if op in plan.layer_at:
        return any(held.value is value for held in plan.layer_at[op].spec.parameters) or op.operands[0] is not value
    users = [use.operation for result in op.results for use in result.uses]
    return bool(users) and isinstance(op, ReshapeOp) and all(user in plan.layer_at for user in users)


def _attribute(weights: Mapping[str, str], kind: str) -> str:
    """`encoder.conv2d` of `encoder.conv2d.kernel`, as an identifier; the kind of layer where there is no path."""
    paths = {name.rpartition(".")[0] for name in weights.values()}
    path = next(iter(paths)) if len(paths) == 1 else ""
    return identifier(path or kind)


def _strip(path: str, name: str) -> str:
    return name.removeprefix(f"{path}.")


def _common_path(names: Sequence[str]) -> str:
    """The leading components that all paths share, without the last component of any."""
    split = [name.split(".")[:-1] for name in names]
    common: list[str] = []
    for components in zip(*split, strict=False):
        if len(set(components)) != 1:
            break
        common.append(components[0])
    return ".".join(common)
