"""Fills the plan of one class with attributes: its layers, and the weights that `forward` uses itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import CallOp, InitializerAttr, ReshapeOp, TransposeOp, WeightOp
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import element_of, is_float, numpy_dtype
from neuralc.emit.python.form import Form
from neuralc.emit.python.names import Names
from neuralc.emit.python.plan import ClassPlan, FreeWeight, Held, Layer, LayerSpec, sizes_of
from neuralc.emit.refusals import Refusals


class ClassBuilder:
    """One class in the making. `weights` are the declarations behind the names that its weights have here."""

    def __init__(self, plan: ClassPlan, weights: Mapping[str, WeightOp], form: Form, refusals: Refusals) -> None:
        self.plan = plan
        self.weights = weights
        self.attributes = Names(form.attribute_names)
        self._form = form
        self._refusals = refusals
        self._held: dict[Operation, list[SSAValue]] = {}
        """The weights that the layer of an op holds."""
        self._owners: dict[str, Layer] = {}
        """Who holds a weight."""

    def add_layer(self, op: Operation) -> None:
        """The layer of an op that is one; an op with the weights of an earlier one is that layer, applied again."""
        spec = self._form.layer_of(op, self._refusals)
        if spec is None:
            return
        computed = [held.name for held in spec.parameters if held.value not in self.plan.weight_names]
        is_optional = spec.optional or self._form.optional_layers or not self._form.owning
        if computed and is_optional:
            return
        if computed:
            self._refuse(op, f"its {computed[0]} is computed; a layer holds its own")
            return
        names = {held.name: self.plan.weight_names[held.value] for held in spec.parameters}
        declared = {held: self.weights[name] for held, name in names.items() if name in self.weights}
        spec = self._form.completed(spec, declared)
        self._held[op] = [held.value for held in spec.parameters]
        owner = next((self._owners[name] for name in names.values() if name in self._owners), None)
        if owner is None:
            self.plan.layer_at[op] = self._new_layer(op, spec, names)
        elif owner.weights == names and owner.spec.constructor == spec.constructor:
            self.plan.layer_at[op] = owner
        elif is_optional:
            del self._held[op]
        else:
            self._refuse(op, f"it shares a weight with the layer `{owner.attribute}`, but is another layer")

    def _new_layer(self, op: Operation, spec: LayerSpec, names: Mapping[str, str]) -> Layer:
        path = _common_path(names.values())
        # A layer without weights has its name in the IR from the front end, as a hint.
        hint = op.results[0].name_hint if not names else None
        init = {parameter: init for parameter, name in names.items() if (init := self._init(name))}
        layer = Layer(self.attributes.claim(self._form.attribute(path or hint or spec.kind)), spec, names, init)
        self._owners.update(dict.fromkeys(names.values(), layer))
        self.plan.members.append(layer)
        return layer

    def add_free_weights(self) -> None:
        """An attribute for each weight that ops other than layers use; called when all layers are there."""
        free: dict[str, FreeWeight] = {}
        for value, name in self.plan.weight_names.items():
            users = [use.operation for use in value.uses if not self._goes_into_layer(use.operation, value)]
            if not users:
                continue
            if name in self._owners:
                self._hold(value, name, users[0])
                continue
            if name not in free:
                free[name] = self._new_free_weight(name, value)
            self.plan.free[value] = free[name]

    def _hold(self, value: SSAValue, name: str, user: Operation) -> None:
        """Let expressions read a weight of a layer, where the layer has it with the axes that it has in the model."""
        owner = self._owners[name]
        parameter = next(held for held in owner.spec.parameters if owner.weights[held.name] == name)
        rearranged = bool(parameter.shape or parameter.gates) or parameter.row is not None
        if not self._form.owning:
            place = f"{owner.attribute}.{parameter.name}"
            self.plan.free[value] = FreeWeight(place, name, sizes_of(value), True, self._init(name))
        elif rearranged:
            self._refusals.add(user, f"it uses the weight @{name}, which the layer `{owner.attribute}` has rearranged")
        else:
            self.plan.held[value] = Held(owner, parameter)

    def _new_free_weight(self, name: str, value: SSAValue) -> FreeWeight:
        element = element_of(value.type)
        trainable = is_float(element) and (name not in self.weights or is_trainable(self.weights[name]))
        path, dtype = _alone(name, self.plan.weight_names.values()), numpy_dtype(element).name
        attribute = self.attributes.claim(self._form.attribute(path))
        weight = FreeWeight(attribute, name, sizes_of(value), trainable, self._init(name), dtype, path)
        self.plan.members.append(weight)
        return weight

    def _goes_into_layer(self, op: Operation, value: SSAValue) -> bool:
        """True for a use of a weight that needs no expression in `forward`: in a layer, or on its way into one."""
        if isinstance(op, CallOp):
            return self.plan.held_by_parts(value) is not None
        if op in self.plan.refused:
            return True
        users = [op]
        if isinstance(op, ReshapeOp | TransposeOp) and op not in self._held:
            users = [use.operation for use in op.results[0].uses]
        return bool(users) and all(value in self._held.get(user, ()) for user in users)

    def _init(self, name: str) -> InitializerAttr | None:
        weight = self.weights.get(name)
        return None if weight is None else weight.init

    def _refuse(self, op: Operation, reason: str) -> None:
        self.plan.refused.add(op)
        self._refusals.add(op, reason)


_PLAIN = frozenset({"embeddings", "kernel", "weight"})
"""What a path may end with that says no more than that a weight stands there."""


def _alone(name: str, names: Collection[str]) -> str:
    """`embedding` for `embedding.embeddings`, where nothing else stands below it."""
    path, _, last = name.rpartition(".")
    is_item = path.rpartition(".")[2].isdigit()
    beside = any(other.startswith(f"{path}.") or other == path for other in names if other != name)
    return name if not path or is_item or beside or last not in _PLAIN else path


def _common_path(names: Collection[str]) -> str:
    """What the paths of the weights of a layer begin with: `bidirectional` where it has both directions."""
    common: list[str] = []
    for steps in zip(*(name.split(".")[:-1] for name in names), strict=False):
        if len(set(steps)) > 1:
            break
        common.append(steps[0])
    return ".".join(common)


def is_trainable(weight: WeightOp) -> bool:
    """Whether training changes a weight."""
    return "trainable" not in weight.attributes or bool(to_literal(weight.attributes["trainable"]))
