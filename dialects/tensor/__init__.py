"""The tensor dialect: which loops compute what, on whole tensors.

xDSL ships a dialect of the same name; the two never stand in one context.
"""

from xdsl.ir import Dialect

from neuralc.dialects.tensor.compute import ContractOp, GroupOp, MapOp, NumberOp, ReduceOp, ScalarOp, YieldOp
from neuralc.dialects.tensor.subscripts import Subscripts
from neuralc.dialects.tensor.views import FillOp, PackOp, PadOp, ReshapeOp, TransposeOp, UnpackOp, WindowOp

Tensor = Dialect(
    "tensor",
    [
        MapOp, ContractOp, ReduceOp, ScalarOp, NumberOp, YieldOp, GroupOp,
        FillOp, ReshapeOp, TransposeOp, PadOp, WindowOp, PackOp, UnpackOp,
    ],
)  # fmt: skip

__all__ = [
    "ContractOp",
    "FillOp",
    "GroupOp",
    "MapOp",
    "NumberOp",
    "PackOp",
    "PadOp",
    "ReduceOp",
    "ReshapeOp",
    "ScalarOp",
    "Subscripts",
    "Tensor",
    "TransposeOp",
    "UnpackOp",
    "WindowOp",
    "YieldOp",
]
