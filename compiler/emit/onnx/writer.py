"""Writes the nodes of one ONNX graph or function: names that are used once, types of values, constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from xdsl.ir import Attribute

from neuralc.dialects.types import element_type_of
from neuralc.emit.onnx.element_types import first_version
from neuralc.emit.python.names import Names

LEAST_OPSET = 17
"""The oldest operator set that is written."""


@dataclass
class Opset:
    """The operator set a model is written in, and the one that its operators turned out to need."""

    version: int = LEAST_OPSET
    needed: int = LEAST_OPSET

    def need(self, version: int) -> None:
        self.needed = max(self.needed, version)


@dataclass
class Scope:
    """What a graph and the graphs inside of it share: names, and the types of values."""

    opset: Opset
    names: Names = field(default_factory=Names)
    elements: dict[str, Attribute] = field(default_factory=dict)
    """The element type of each value, by its name."""


@dataclass
class Writer:
    """The nodes of one graph, in order."""

    scope: Scope
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    label: str = ""
    """The name of the layer that is being written."""
    doc: str = ""
    constants: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)
    """The names of values that are known, by dtype, shape and bytes."""

    def claim(self, wanted: str) -> str:
        """A name for a value that nobody else has."""
        return self.scope.names.claim(wanted)

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        elements: Sequence[Attribute],
        outputs: Sequence[str] = (),
        *,
        domain: str = "",
        **attributes: Any,
    ) -> list[str]:
        """Add a node whose results are of the types `elements`; gives the names of the results.

        Without `outputs` it is a step inside of the layer, and is called after it and its operator.
        """
        scope = self.scope
        if not domain:
            given = [scope.elements[name] if name else None for name in inputs]
            while given and given[-1] is None:
                given.pop()
            scope.opset.need(first_version(operator, given, scope.opset.version))
        named = list(outputs)
        if not named:
            first = self.claim(f"{self.label}/{operator}" if self.label else operator)
            named = [first, *(self.claim(f"{first}.{index}") for index in range(1, len(elements)))]
        node = helper.make_node(operator, list(inputs), named, name=named[0], domain=domain)
        node.attribute.extend(
            helper.make_attribute(key, value) for key, value in sorted(attributes.items()) if value is not None
        )
        if self.doc:
            node.doc_string = self.doc
        self.nodes.append(node)
        scope.elements.update(zip(named, elements, strict=True))
        return named

    def rename(self, name: str, wanted: str) -> str:
        """Call the result of the last node `wanted`."""
        last = self.nodes[-1]
        if list(last.output) != [name] or last.op_type == "Constant":
            return self.node("Identity", [name], [self.scope.elements[name]], [wanted])[0]
        last.output[0] = last.name = wanted
        self.scope.elements[wanted] = self.scope.elements.pop(name)
        return wanted

    def constant(self, array: NDArray[Any]) -> str:
        """A value that is known, written once a graph."""
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        key = array.dtype.name, array.shape, array.tobytes()
        if key not in self.constants:
            label, doc, self.label, self.doc = self.label, self.doc, "", ""
            name = self.claim("constant")
            element = element_type_of(array.dtype)
            self.node("Constant", [], [element], [name], value=numpy_helper.from_array(array, ""))
            self.label, self.doc = label, doc
            self.constants[key] = name
        return self.constants[key]
