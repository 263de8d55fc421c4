"""The tensor dialect: which loops compute what, on whole tensors.

xDSL ships a dialect of the same name; the two never stand in one context.
"""

from xdsl.ir import Dialect

from neuralc.dialects.tensor.compute import ContractOp, GroupOp, MapOp, NumberOp, ReduceOp, ScalarOp, YieldOp
from neuralc.dialects.tensor.control import IfOp, ScanOp, WhileOp
from neuralc.dialects.tensor.elements import AtOp, PositionOp, SizeOp
from neuralc.dialects.tensor.moves import ConcatOp, CumulateOp, ScatterOp, SliceOp, TopKOp
from neuralc.dialects.tensor.subscripts import Subscripts
from neuralc.dialects.tensor.views import FillOp, PackOp, PadOp, ReshapeOp, TransposeOp, UnpackOp, WindowOp
from neuralc.dialects.tensor.winograd import WinogradOp, WinogradWeightOp

Tensor = Dialect(
    "tensor",
    [
        MapOp, ContractOp, ReduceOp, ScalarOp, NumberOp, PositionOp, SizeOp, AtOp, YieldOp, GroupOp,
        FillOp, ReshapeOp, TransposeOp, PadOp, WindowOp, PackOp, UnpackOp,
        SliceOp, ConcatOp, ScatterOp, CumulateOp, TopKOp,
        WinogradOp, WinogradWeightOp,
        ScanOp, IfOp, WhileOp,
    ],
)  # fmt: skip

__all__ = [
    "AtOp",
    "ConcatOp",
    "ContractOp",
    "CumulateOp",
    "FillOp",
    "GroupOp",
    "IfOp",
    "MapOp",
    "NumberOp",
    "PackOp",
    "PadOp",
    "PositionOp",
    "ReduceOp",
    "ReshapeOp",
    "ScalarOp",
    "ScanOp",
    "ScatterOp",
    "SizeOp",
    "SliceOp",
    "Subscripts",
    "Tensor",
    "TopKOp",
    "TransposeOp",
    "UnpackOp",
    "WhileOp",
    "WindowOp",
    "WinogradOp",
    "WinogradWeightOp",
    "YieldOp",
]
