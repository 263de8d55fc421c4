"""nr.layer: a layer of the language in the place of the ops that it is lowered to. Only the emitter of programs has it.

    %y = nr.layer "MultiHeadAttention" {num_heads = 4, key_dim = 16} %x, %query.kernel, ..

An operand is a value by position, one by name (`attention_mask=`), the mask that the values carry (`~`), or a weight
by its path in the layer (`.query.kernel`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, StringAttr, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def, traits_def, var_operand_def, var_result_def
from xdsl.traits import Pure

from neuralc.dialects.syntax import to_attribute, to_literal
from neuralc.emit.nr.text import Word

CARRIED = "~"
"""The role of the mask that the values of a layer carry."""


@irdl_op_definition
class LayerOp(IRDLOperation):
    """A layer with its arguments; those in `words` stand without quotes."""

    name = "nr.layer"
    layer = prop_def(StringAttr)
    arguments = prop_def(DictionaryAttr)
    words = prop_def(ArrayAttr[StringAttr])
    roles = prop_def(ArrayAttr[StringAttr])
    xs = var_operand_def(TensorType)
    res = var_result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def of(
        cls,
        layer: str,
        arguments: Mapping[str, Any],
        operands: Sequence[tuple[str, SSAValue]],
        results: Sequence[Attribute],
    ) -> LayerOp:
        words = [StringAttr(name) for name, value in arguments.items() if isinstance(value, Word)]
        given = {name: to_attribute(value) for name, value in arguments.items()}
        return cls.create(
            operands=[value for _, value in operands],
            result_types=results,
            properties={
                "layer": StringAttr(layer),
                "arguments": DictionaryAttr(given),
                "words": ArrayAttr(words),
                "roles": ArrayAttr([StringAttr(role) for role, _ in operands]),
            },
        )

    @property
    def call_arguments(self) -> dict[str, Any]:
        words = {name.data for name in self.words}
        found = {name: to_literal(value) for name, value in self.arguments.data.items()}
        return {name: Word(value) if name in words else value for name, value in found.items()}

    @property
    def by_role(self) -> list[tuple[str, SSAValue]]:
        return [(role.data, value) for role, value in zip(self.roles, self.xs, strict=True)]
