"""Reference semantics of every level in numpy: plain, slow, the oracle that passes and back ends are tested with."""

from neuralc.dialects.interp.evaluator import Trace
from neuralc.dialects.interp.numerics import Numerics
from neuralc.dialects.interp.run import materialize, materialize_all, run_module

__all__ = ["Numerics", "Trace", "materialize", "materialize_all", "run_module"]
