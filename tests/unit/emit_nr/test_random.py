"""Random programs of the graph level, written as programs of the language and read back: the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from support.emitted_programs import check_emitted
from support.random_graph import PLAIN, random_graph_module


@pytest.mark.parametrize("seed", range(12))
def test_what_a_model_of_plain_layers_becomes_computes_the_same(seed: int) -> None:
    program = random_graph_module(np.random.default_rng(seed), ops=6, layers=PLAIN)
    check_emitted(program.module, program.weights, program.inputs)
