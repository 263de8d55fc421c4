"""What each graph op computes, in numpy. Definitions are those of the op's docstring; nothing here is fast on purpose.

A function takes the evaluator, the op and the operands; floats are float64, the evaluator rounds the result. One module
a family, each with its `SEMANTICS`.
"""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Operation

from neuralc.dialects.interp.evaluator import Semantics
from neuralc.dialects.interp.graph import (
    control,
    custom,
    dense,
    elementwise,
    indexing,
    logic,
    module,
    norms,
    quantization,
    recurrent,
    reductions,
    resampling,
    sampling,
    spatial,
    views,
)

SEMANTICS: Mapping[type[Operation], Semantics] = {
    **control.SEMANTICS,
    **custom.SEMANTICS,
    **dense.SEMANTICS,
    **elementwise.SEMANTICS,
    **indexing.SEMANTICS,
    **logic.SEMANTICS,
    **module.SEMANTICS,
    **norms.SEMANTICS,
    **quantization.SEMANTICS,
    **recurrent.SEMANTICS,
    **reductions.SEMANTICS,
    **resampling.SEMANTICS,
    **sampling.SEMANTICS,
    **spatial.SEMANTICS,
    **views.SEMANTICS,
}
