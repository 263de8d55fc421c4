"""The weights of an emitted model: `load` and `save`, and what a file has by the paths that Keras gives weights."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from neuralc.emit.keras.layer_names import LayerNames, layer_name
from neuralc.emit.keras.states import States
from neuralc.emit.placements import WeightPlan
from neuralc.emit.python.expressions import literal
from neuralc.emit.python.plan import Child, ClassPlan, FreeWeight, Layer, Row
from neuralc.emit.python.structure import Structure
from neuralc.emit.python.writer import Writer


def weight_plan(structure: Structure, functions: Collection[str]) -> WeightPlan:
    """The weights by their paths: `encoder-0/attention/kernel`. A model that is a layer has its name in front."""
    model = structure.model
    is_function = model.name in functions
    inputs = frozenset(getattr(model.function, "inputs", ())) if is_function else frozenset[str]()
    prefix = "" if is_function else f"{layer_name(model.function.sym_name.data)}/"
    return WeightPlan(structure.placements(list(_rows(model, functions, prefix, None, inputs))))


def _rows(
    plan: ClassPlan,
    functions: Collection[str],
    prefix: str,
    bound: Mapping[str, str] | None,
    reserved: frozenset[str] = frozenset(),
) -> Iterator[Row]:
    names = LayerNames(plan, reserved)
    for member in plan.members:
        match member:
            case Layer():
                for held in member.spec.parameters:
                    key = member.weights[held.name]
                    path = f"{prefix}{names.of(member.attribute)}/{held.name}"
                    stored = bound[key] if bound else key
                    yield Row(path, stored, held.axes, held.shape, held.gates, held.row)
            case FreeWeight():
                key = bound[member.weight] if bound else member.weight
                yield Row(prefix + names.of(member.attribute), key, tuple(range(len(member.shape))))
            case Child():
                inner = {name: bound[key] if bound else key for name, key in member.weights.items()}
                separator = "-" if member.plan.name in functions else "/"
                yield from _rows(member.plan, functions, f"{prefix}{names.of(member.path)}{separator}", inner)


def write_files(writer: Writer, states: States) -> None:
    """`load` and `save`; what a call keeps for the next one is in no file."""
    weights = "model.weights"
    if states.declared:
        weights = "weights(model)"
        _write_weights(writer, states)
    with writer.block(f"def load({', '.join(['path', *states.parameters])}):"):
        writer.docstring("The model with the weights of a safetensors file.")
        writer.line(f"model = build_model({', '.join(states.sizes)})")
        writer.line("stored = load_file(path)")
        with writer.block(f"for weight in {weights}:"):
            writer.line("weight.assign(stored[weight.path])")
        writer.line("return model")
    writer.blank(2)
    with writer.block("def save(model, path):"):
        writer.docstring("Write the weights to a safetensors file that neuralc reads.")
        writer.line(f"save_file({{w.path: ops.convert_to_numpy(w) for w in {weights}}}, path)")


def _write_weights(writer: Writer, states: States) -> None:
    kept = ", ".join(literal(name) for name in states.attributes)
    with writer.block("def weights(model):"):
        writer.docstring("The weights of the model, without what a call keeps for the next one.")
        writer.code(f"states = {{{kept}}}")
        writer.line("return [weight for weight in model.weights if weight.name not in states]")
    writer.blank(2)
