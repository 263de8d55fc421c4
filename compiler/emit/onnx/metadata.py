"""What ONNX has no place for: clauses for training and bounds of sizes, as text in `metadata_props`.

The importer reads them back, so that a model that goes out as ONNX and comes in again has lost nothing of this.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import onnx
from xdsl.dialects.builtin import DictionaryAttr, ModuleOp
from xdsl.ir import Attribute
from xdsl.printer import Printer

from neuralc.dialects.graph import DimOp, ModelOp, StateOp, WeightOp
from neuralc.dialects.graph.clauses import CLAUSES
from neuralc.frontends.onnx.metadata import CLAUSE, DIM, RULES, STATE, TRAINABLE, WEIGHT


def metadata(module: ModuleOp, model: ModelOp) -> Iterator[onnx.StringStringEntryProto]:
    """One entry for each clause, and for each size whose bounds are not those of any size."""
    for key, text in _entries(module, model):
        yield onnx.StringStringEntryProto(key=key, value=text)


def _entries(module: ModuleOp, model: ModelOp) -> Iterator[tuple[str, str]]:
    for op in module.body.block.ops:
        match op:
            case DimOp() if op.maximum is not None or op.minimum.data.value != 1:
                bounds = [op.minimum, *([op.maximum] if op.maximum is not None else [])]
                yield DIM + op.sym_name.data, " ".join(str(bound.data) for bound in bounds)
            case StateOp():
                first = op.initial_weight
                yield STATE + op.sym_name.data, _text(op.initial) if first is None else f"@{first}"
            case WeightOp() if op.body is None and (rules := _rules(op)):
                yield WEIGHT + op.sym_name.data, _text(DictionaryAttr(rules))
    for name, attribute in model.attributes.items():
        if name in CLAUSES:
            yield CLAUSE + name, _text(attribute)


def _rules(op: WeightOp) -> dict[str, Attribute]:
    """How a weight begins and is trained."""
    given = {name: op.properties[name] for name in RULES if name in op.properties}
    return given | ({TRAINABLE: op.attributes[TRAINABLE]} if TRAINABLE in op.attributes else {})


def _text(attribute: Attribute) -> str:
    stream = StringIO()
    Printer(stream).print_attribute(attribute)
    return stream.getvalue()
