"""The values inside a model as further outputs of it, under the names that the model's file gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import FuncOp, ModelOp, ReturnOp, the_model
from neuralc.passes.locations import describe_location, file_positions


@dataclass(frozen=True)
class Layer:
    """One value of the model: what computes it, and where that stands."""

    name: str
    """Of the value: unique, and that of the file where it has one."""
    op: str
    place: str
    """The node of an ONNX model, or the line of a program."""
    operands: tuple[str, ...]
    """Names of the layers it is computed from."""


SOURCES = {"graph.get_weight", "graph.get_state", "graph.constant", "graph.size", "graph.iota"}
"""Ops that are no layers: what a layer is computed from."""


def has_functions(module: ModuleOp) -> bool:
    """Whether there are bodies that stand outside of the model: `graph-inline` puts them into it."""
    return any(isinstance(op, FuncOp) for op in module.body.block.ops)


def expose(module: ModuleOp, names_of_file: Mapping[str, SSAValue]) -> list[Layer]:
    """Make every value that inputs change an output, behind those there are; gives them in the order they are computed.

    Values that the file names are called so, others as they are in the IR. Values inside of loops and branches have
    one value a round or none at all, and stay inside.
    """
    model = the_model(module)
    end = model.terminator
    kept = [*end.operands]
    ops = _varying(model)
    known = _names(model, ops, names_of_file)
    layers = [_layer(op, result, known) for op in ops for result in op.results]
    added = [result for op in ops for result in op.results if result not in set(kept)]
    values = [*kept, *added]
    end.detach()
    end.erase()
    model.block.add_op(ReturnOp(values))
    model.properties["returns"] = ArrayAttr([value.type for value in values])
    model.properties["output_names"] = ArrayAttr(
        [*model.output_names.data, *(StringAttr(known[value]) for value in added)]
    )
    return layers


def _varying(model: ModelOp) -> list[Operation]:
    """The ops that inputs or states reach: a kernel that is turned round is no layer."""
    reached: set[SSAValue] = set(model.arguments)
    found: list[Operation] = []
    for op in model.block.ops:
        if op.name == "graph.get_state":
            reached.update(op.results)
        elif op is not model.terminator and op.name not in SOURCES and any(value in reached for value in op.operands):
            reached.update(op.results)
            found.append(op)
    return found


def _names(model: ModelOp, ops: list[Operation], names_of_file: Mapping[str, SSAValue]) -> dict[SSAValue, str]:
    """A name of its own for every value. Outputs have theirs, and no other value may be called so."""
    known: dict[SSAValue, str] = {value: name for name, value in names_of_file.items() if name not in model.outputs}
    known.update(zip(model.terminator.operands, model.outputs, strict=True))
    taken = {*known.values(), *model.inputs}
    for op in ops:
        for result in op.results:
            if result not in known:
                known[result] = _unique(result.name_hint or op.name.partition(".")[2], taken)
    return known


def _unique(name: str, taken: set[str]) -> str:
    found, count = name, 0
    while found in taken:
        count += 1
        found = f"{name}#{count}"
    taken.add(found)
    return found


def _layer(op: Operation, result: SSAValue, names: Mapping[SSAValue, str]) -> Layer:
    operands = tuple(names[operand] for operand in op.operands if operand in names)
    return Layer(names[result], op.name, place_of(op), operands)


def place_of(op: Operation) -> str:
    """`node /block/act` or `digits.nr:12`."""
    position = next(file_positions(op.location), None)
    if position is not None:
        return f"{PurePath(position.filename.data).name}:{position.line.data}"
    name = describe_location(op.location)
    return f"node {name}" if name else ""
