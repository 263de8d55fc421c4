"""What a case of the JAX front end is: a function with its arguments, and what has to come out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A jax function, and the graph ops that its import has to consist of, where a case says so."""

    function: Callable[..., Any]
    args: Sequence[Any]
    params: Any = None
    dynamic: Any = None
    ops: tuple[str, ...] | None = None
    """Names of the ops that compute, without repetition, in alphabetical order."""


CASES: dict[str, Callable[[np.random.Generator], Case]] = {}


def case(make: Callable[[np.random.Generator], Case]) -> Callable[[np.random.Generator], Case]:
    CASES[make.__name__] = make
    return make
