"""Reads a program that torch.export made and that is in memory."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from neuralc.frontends.torch.places import innermost
from neuralc.frontends.torch.program import (
    Argument,
    Array,
    Call,
    DType,
    Expression,
    Extent,
    Frame,
    Held,
    Name,
    Port,
    Program,
    Result,
    Spec,
)
from neuralc.frontends.torch.treespec import output_names

if TYPE_CHECKING:
    from torch import Tensor
    from torch.export import ExportedProgram
    from torch.fx import Node


def read(exported: ExportedProgram, name: str) -> Program:
    """The program, with its tensors where they are."""
    import torch

    signature = exported.graph_signature
    arrays = {**dict(exported.state_dict), **exported.constants}
    specs = {spec.arg.name: spec for spec in signature.input_specs}
    inputs: list[Port] = []
    held: list[Held] = []
    for node in exported.graph.find_nodes(op="placeholder"):
        spec = specs[node.name]
        kind = _HELD.get(spec.kind.name)
        if kind is not None:
            held.append(Held(node.name, kind, spec.target or node.name))
        else:
            value = node.meta.get("val")
            tensor = _spec(value)
            inputs.append(Port(node.name, Name(node.name) if tensor is not None else _argument(value), tensor))
    outside = iter(output_names(_tree(exported.call_spec.out_spec)))
    outputs: list[Port] = []
    written: dict[str, Argument] = {}
    for spec in signature.output_specs:
        source = Name(spec.arg.name) if hasattr(spec.arg, "name") else None
        if spec.kind.name == "USER_OUTPUT":
            constant = getattr(spec.arg, "value", None)
            outputs.append(Port(next(outside), source if constant is None else constant))
        elif spec.kind.name in ("BUFFER_MUTATION", "USER_INPUT_MUTATION"):
            written[spec.target or ""] = source
        else:
            raise ValueError(f"an output of kind {spec.kind.name}")
    return Program(
        name, inputs, held, list(_calls(exported.graph.nodes)), outputs,
        {str(symbol): _bounds(range_) for symbol, range_ in exported.range_constraints.items()},
        {key: partial(array_of, tensor) for key, tensor in arrays.items() if isinstance(tensor, torch.Tensor)},
        written, list(getattr(exported, "_guards_code", None) or ()),
    )  # fmt: skip


_HELD: Mapping[str, Any] = {
    "PARAMETER": "parameter", "BUFFER": "buffer", "CONSTANT_TENSOR": "constant",
}  # fmt: skip


def _bounds(range_: Any) -> tuple[int, int | None]:
    low, high = range_.lower, range_.upper
    return int(low) if low.is_Integer else 0, int(high) if high.is_Integer else None


def _tree(spec: Any) -> dict[str, Any]:
    """A tree of torch.utils._pytree in its serialized form."""
    if spec.is_leaf():
        return {"type": None}
    fields = getattr(spec.context, "_fields", spec.context)
    keys = list(fields) if isinstance(fields, list | tuple) else None
    return {"type": str(spec.type), "context": keys, "children_spec": [_tree(child) for child in spec.children()]}


# --- calls -----------------------------------------------------------------------------------------------------------
def _calls(nodes: Any) -> Iterator[Call]:
    for node in nodes:
        if node.op != "call_function" or node.target is operator.getitem:
            continue
        if isinstance(node.meta.get("val"), _numbers()):
            continue
        yield Call(
            node.name,
            op_name(node.target),
            tuple(_argument(arg) for arg in node.args),
            {key: _argument(arg) for key, arg in node.kwargs.items()},
            tuple(_results(node)),
            tuple(frames(node.meta.get("nn_module_stack") or {})),
            innermost(node.meta.get("stack_trace") or ""),
        )


def _numbers() -> tuple[type, ...]:
    """What calls give that compute with sizes: the expression stands where it is used."""
    import torch

    return (torch.SymInt, torch.SymFloat, torch.SymBool, int, float)


def op_name(target: Any) -> str:
    """`aten.add.Tensor`."""
    name = str(target)
    if hasattr(target, "__module__") and not hasattr(target, "_schema"):
        return f"{target.__module__}.{getattr(target, '__name__', name)}"
    return name


def _results(node: Node) -> Iterator[Result | None]:
    value = node.meta.get("val")
    if not isinstance(value, list | tuple):
        yield Result(node.name, _spec(value))
        return
    parts = {user.args[1]: user.name for user in node.users if user.target is operator.getitem}
    for index, part in enumerate(value):
        name = parts.get(index, f"{node.name}.{index}")  # one that nobody uses has a shape all the same
        yield Result(name, _spec(part)) if part is not None else None


def frames(stack: Mapping[str, Any]) -> Iterator[Frame]:
    for key, (path, kind) in stack.items():
        name = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
        yield Frame(key, str(path), name)


# --- values ----------------------------------------------------------------------------------------------------------
def _argument(value: Any) -> Argument:
    import torch
    from torch.fx import Node

    if isinstance(value, Node):
        inner = value.meta.get("val")
        return _argument(inner) if isinstance(inner, _numbers()) else Name(value.name)
    if isinstance(value, torch.SymInt | torch.SymFloat):
        return _extent(value)
    if isinstance(value, torch.dtype):
        return DType(str(value).removeprefix("torch."))
    if isinstance(value, list | tuple):
        return [_argument(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str | complex):
        return value
    return str(value)  # a device, a layout, a memory format


def _extent(value: Any) -> Extent:
    import sympy

    if isinstance(value, int):
        return value
    expression = value.node.expr
    return int(expression) if expression.is_Integer else Expression(sympy.srepr(expression))


def _spec(value: Any) -> Spec | None:
    import torch

    if not isinstance(value, torch.Tensor):
        return None
    return Spec(str(value.dtype).removeprefix("torch."), tuple(_extent(size) for size in value.shape))


def array_of(tensor: Tensor) -> Array:
    """The memory of a tensor as an array: the same bytes. Raises ValueError for what numpy has no view of."""
    import torch

    plain = tensor.detach()
    if plain.device.type != "cpu":
        plain = plain.cpu()
    if plain.layout != torch.strided or plain.is_complex() or plain.is_quantized:
        raise ValueError(f"a tensor {plain.layout} of {plain.dtype}")
    if plain.dtype == torch.bfloat16:
        from neuralc.dialects.bfloat16 import bfloat16

        half: Array = plain.view(torch.int16).numpy().view(bfloat16())
        return half
    array: Array = np.asarray(plain.numpy())
    return array
