"""What the region of a map may say beyond scalar functions: where it stands, and what lies elsewhere.

| op              | meaning |
|-----------------|---------|
| tensor.position | the position along a loop of the map, as an integer |
| tensor.size     | the value of a size expression |
| tensor.at       | the element of a whole operand (`*` in the subscripts) at computed indices |

    %y = tensor.map "*,b->ab" %table, %rows -> tensor<4x8xf32> {      // y[a, b] = table[rows[b], a]
    ^bb0(%0: tensor<100x4xf32>, %1: i64):
      %2 = tensor.position "a" -> i64
      %3 = tensor.at %0, %1, %2 {checked = true} -> f32
      tensor.yield %3
    }

Every index of `at` is inside its dim. Where that is not known from how it was computed, the op says what happens:
`checked` makes an index outside an error of the run, `other` is the value that is read there instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IntegerAttr, IntegerType, StringAttr, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def, traits_def, var_operand_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.syntax import NUMBER, PlainOp
from neuralc.dialects.types import DimAttr, ShapeError, element_of, is_float, shape_of


@irdl_op_definition
class PositionOp(PlainOp):
    """`%i = tensor.position "a" -> i64`: the position along a loop, counted from 0."""

    name = "tensor.position"
    loop = prop_def(StringAttr)
    result = result_def(IntegerType)
    traits = traits_def(Pure())
    HEAD: ClassVar = "loop"

    @property
    def letter(self) -> str:
        return self.loop.data

    def verify_(self) -> None:
        if len(self.letter) != 1:
            raise VerifyException(f'a loop is one letter, not "{self.letter}"')


@irdl_op_definition
class SizeOp(PlainOp):
    """`%n = tensor.size {dim = #graph.size<batch * 2>} -> i64`: a size as an integer or a float."""

    name = "tensor.size"
    dim = prop_def(DimAttr)
    result = result_def()
    traits = traits_def(Pure())


@irdl_op_definition
class AtOp(PlainOp):
    """`%v = tensor.at %table, %i, %j {other = 0.0} -> f32`: one element of a whole operand, one index a dim."""

    name = "tensor.at"
    table = operand_def(TensorType)
    indices = var_operand_def(IntegerType)
    other = opt_prop_def(NUMBER)
    checked = prop_def(IntegerAttr)
    result = result_def()
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"checked": False}
    NUMBERS: ClassVar = ("other",)

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        rank = len(shape_of(types[0]))
        if len(types) - 1 != rank:
            raise ShapeError(f"at takes {rank} indices, got {len(types) - 1}")
        if properties.get("checked") and properties.get("other") is not None:
            raise ShapeError("an index outside is an error or reads `other`, not both")
        element = element_of(types[0])
        other = properties.get("other")
        if isinstance(other, float) and not is_float(element):
            raise ShapeError(f"`other` is {other}, the elements are {element}")
        return element

    @property
    def places(self) -> Sequence[SSAValue]:
        return self.indices
