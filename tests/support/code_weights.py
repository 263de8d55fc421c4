"""What stands in the weights file beside emitted code, and what of it the weights of the model are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import WeightOp, symbols
from neuralc.dialects.types import element_of, numpy_dtype
from neuralc.emit.code_forms import FORMS

Array = NDArray[Any]


def in_file(form: str, module: ModuleOp, weights: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of the file that code of a form reads."""
    made = FORMS[form].plan(module).weights.made_of(weights)
    return {name: np.asarray(array, order="C") for name, array in made.items()}


def from_file(form: str, module: ModuleOp, stored: Mapping[str, Array]) -> dict[str, Array]:
    """The weights of the model of a file that code of a form has written."""
    plan = FORMS[form].plan(module).weights
    plan.check(stored)
    declared = {name: op for name, op in symbols(module).items() if isinstance(op, WeightOp) and op.body is None}
    return {name: plan.weight(name, numpy_dtype(element_of(op.type)), stored) for name, op in declared.items()}
