"""What values and weights of a model are called: by the modules that exporters name, without the numbers they add.

| the file says                               | the value or weight is called          |
|---------------------------------------------|----------------------------------------|
| `/layer1/layer1.0/conv1/Conv_output_0`      | `layer1.0.conv1`                       |
| `/layer1/layer1.0/Add_output_0`             | `layer1.0.add`                         |
| `linear_8`, in the scope `encoder.0.query`  | `encoder.0.query`                      |
| `onnx::Conv_193`, kernel of the first one   | `layer1.0.conv1.weight`                |
| `val_58`, what MatMul in query takes        | `encoder.0.query.kernel`, which is [in, out] |
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from neuralc.passes.scopes import Scope, scopes_of_name

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

NAME_SCOPES = "pkg.torch.onnx.name_scopes"
"""Metadata of a node: the modules around it as a Python list, outermost first, and its own name last."""
CLASSES = "pkg.torch.onnx.class_hierarchy"
"""Their classes, in the same form."""

LEAF_NODES = 3
"""Nodes up to which a module is one layer, if its class does not tell."""
LAYERS = "torch.nn.modules."
"""What the classes of PyTorch's own layers begin with."""

MADE_UP = re.compile(r"(onnx::\w+?_\d+|val_\d+|_?\d+|getitem(_\d+)?|.*\.weight_bias)(_quantized|_cast|_mul)?$")
"""Names that an exporter gave because it had none."""

ROLES: Mapping[str, tuple[str, ...]] = {
    "Conv": ("", "weight", "bias"),
    "ConvTranspose": ("", "weight", "bias"),
    "MatMul": ("", "kernel"),
    "Gemm": ("", "weight", "bias"),
    "Add": ("bias", "bias"),
    "BatchNormalization": ("", "weight", "bias", "running_mean", "running_var"),
    "InstanceNormalization": ("", "weight", "bias"),
    "LayerNormalization": ("", "weight", "bias"),
    "GroupNormalization": ("", "weight", "bias"),
    "PRelu": ("", "weight"),
    "Gather": ("weight",),
}
"""What a module calls the tensors that its operators take: names of state_dict; `kernel` where the file holds it
transposed, so that nobody takes it for the `weight`."""


def listed_scopes(node: NodeProto) -> tuple[Scope, ...]:
    """The modules of a node, the outermost first, as its metadata has them."""
    scopes = _listed(node, NAME_SCOPES)[:-1]
    kinds = [kind.rpartition(".")[2] for kind in _listed(node, CLASSES)[:-1]] or [""] * len(scopes)
    return tuple(Scope(path, kind) for path, kind in zip(scopes, kinds, strict=False) if path)


def scopes_of_node(node: NodeProto) -> tuple[Scope, ...]:
    """The modules of a node: from its metadata, else from its name."""
    return listed_scopes(node) or scopes_of_name(node.name)


def module_of(node: NodeProto) -> str:
    """The module that a node comes from (`encoder.layer.0`), where PyTorch's exporter wrote it."""
    scopes = _listed(node, NAME_SCOPES)
    return scopes[-2] if len(scopes) > 1 else ""


def _listed(node: NodeProto, key: str) -> list[str]:
    text = next((entry.value for entry in node.metadata_props if entry.key == key), "")
    return re.findall(r"'([^']*)'", text)


class Names:
    """The names of one graph. A module without modules in it is a layer, whose values are called as it is.

    renames: whether weights whose names were made up get better ones; where neuralc wrote the model all are meant.
    """

    def __init__(self, graph: GraphProto, *, renames: bool = True) -> None:
        self._scopes = {tuple(node.output): scopes_of_node(node) for node in graph.node}
        self._layers = _layers(graph.node, [self._scopes[tuple(node.output)] for node in graph.node])
        self.weights: dict[str, str] = {}
        """New names of tensors of the file, by their own."""
        uses = Counter(name for node in graph.node for name in node.input)
        held = self._held = {tensor.name for tensor in graph.initializer}
        taken = set(held)
        for node in graph.node if renames else ():
            for role, name in zip(ROLES.get(node.op_type, ()), node.input, strict=False):
                layer = self._layer(node)
                wanted = f"{layer}.{role}"
                if role and layer and name in held and uses[name] == 1 and MADE_UP.match(name) and wanted not in taken:
                    self.weights[name] = wanted
                    taken.add(wanted)

    def scopes(self, node: NodeProto) -> tuple[Scope, ...]:
        found = self._scopes.get(tuple(node.output))
        return scopes_of_node(node) if found is None else found

    def value(self, node: NodeProto, text: str) -> str:
        """What an output of a node is called, whose name in the file is `text`."""
        if layer := self._layer(node):
            return layer
        scopes = self.scopes(node)
        if not scopes and "/" not in text:
            return text
        word = re.sub(r"(_output)?(_\d+|:\d+)*$", "", text.rpartition("/")[2])
        if not word or MADE_UP.match(text):
            word = node.op_type
        return f"{scopes[-1].path}.{word.lower()}" if scopes else word.lower()

    def _layer(self, node: NodeProto) -> str:
        """The path of the layer that a node is in, else nothing.

        A convolution with the batch norm behind it in its weights is in the scope of that: its kernel names it.
        """
        scopes = self.scopes(node)
        path = scopes[-1].path if scopes else ""
        for name in node.input if node.op_type in ROLES else ():
            owner = str(name).rpartition(".")[0]
            beside = not path or owner.rpartition(".")[0] == path.rpartition(".")[0]
            if owner and beside and name in self._held and not MADE_UP.match(name):
                return owner
        return path if path in self._layers else ""


def _layers(nodes: Sequence[NodeProto], scopes: Iterable[Sequence[Scope]]) -> set[str]:
    inner, outer, plain = Counter[str](), set[str](), set[str]()
    for node, found in zip(nodes, scopes, strict=False):
        if found:
            inner[found[-1].path] += node.op_type != "Constant"
            outer |= {scope.path for scope in found[:-1]}
            kinds = _listed(node, CLASSES)
            if len(kinds) > 1 and kinds[-2].startswith(LAYERS):
                plain.add(found[-1].path)
    return {path for path, count in inner.items() if path not in outer and (path in plain or count <= LEAF_NODES)}
