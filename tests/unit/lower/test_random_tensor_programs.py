"""Random programs of the tensor level: the interpreter, the kernels and native code agree."""

from __future__ import annotations

import numpy as np
import pytest
from support.random_tensor import random_program
from support.tables import few_of
from support.tensor_programs import check


@pytest.mark.parametrize("seeds", few_of([range(2), range(2, 40)]))
@pytest.mark.parametrize("level", [0, 1, 2])
def test_random_programs_agree(seeds: range, level: int) -> None:
    for seed in seeds:
        program = random_program(np.random.default_rng(seed))
        check(program.body, program.types, program.results, program.runs, symbols=["n"], levels=(level,))
