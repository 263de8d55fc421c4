"""The kernel dialect: how it is computed, in tiles, memory, loops and launches. One dialect for CPU and GPU."""

from xdsl.ir import Dialect

from neuralc.dialects.kernel.barrier import BarrierOp, Enough
from neuralc.dialects.kernel.control import BranchOp, ForOp, WhileOp
from neuralc.dialects.kernel.host import AllocOp, ArenaOp, HostOp, IfOp, LaunchOp, StatusOp, ViewOp, WeightOp
from neuralc.dialects.kernel.indirect import CheckOp, GatherOp, ScatterOp, ToIndexOp, status_type, written_memory
from neuralc.dialects.kernel.memory import AccessOp, Index, LoadOp, LocalOp, PrefetchOp, StoreOp
from neuralc.dialects.kernel.state import NextStateOp, StateOp
from neuralc.dialects.kernel.structure import FuncOp, LoopOp, ProgramIdOp, ReturnOp, YieldOp
from neuralc.dialects.kernel.tiles import (
    BroadcastOp,
    ConvertOp,
    DotOp,
    IotaOp,
    MapOp,
    ReduceOp,
    ReshapeOp,
    SplatOp,
    TransposeOp,
)
from neuralc.dialects.kernel.types import RefType, TileType

Kernel = Dialect(
    "kernel",
    [
        FuncOp, ProgramIdOp, LoopOp, YieldOp, ReturnOp, LoadOp, StoreOp, LocalOp, PrefetchOp,
        GatherOp, ScatterOp, CheckOp, ToIndexOp,
        SplatOp, IotaOp, MapOp, BroadcastOp, ReshapeOp, TransposeOp, ConvertOp, ReduceOp, DotOp,
        HostOp, WeightOp, AllocOp, ArenaOp, StatusOp, ViewOp, LaunchOp, IfOp, ForOp, WhileOp, BranchOp, BarrierOp,
        StateOp, NextStateOp,
    ],
    [TileType, RefType],
)  # fmt: skip

__all__ = [
    "AccessOp",
    "AllocOp",
    "ArenaOp",
    "BarrierOp",
    "BranchOp",
    "BroadcastOp",
    "CheckOp",
    "ConvertOp",
    "DotOp",
    "Enough",
    "ForOp",
    "FuncOp",
    "GatherOp",
    "HostOp",
    "IfOp",
    "Index",
    "IotaOp",
    "Kernel",
    "LaunchOp",
    "LoadOp",
    "LocalOp",
    "LoopOp",
    "MapOp",
    "NextStateOp",
    "PrefetchOp",
    "ProgramIdOp",
    "ReduceOp",
    "RefType",
    "ReshapeOp",
    "ReturnOp",
    "ScatterOp",
    "SplatOp",
    "StateOp",
    "StatusOp",
    "StoreOp",
    "TileType",
    "ToIndexOp",
    "TransposeOp",
    "ViewOp",
    "WeightOp",
    "WhileOp",
    "YieldOp",
    "status_type",
    "written_memory",
]
