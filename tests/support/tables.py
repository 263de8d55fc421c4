"""Long tables of cases: `make check` runs a few of each, `make test` all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def few_of(cases: Iterable[Any], step: int | None = None) -> list[Any]:
    """Each `step`-th case as it is, by default the first alone; the others are marked `thorough`.

    A case is one argument, or a tuple of them.
    """
    return [
        case if (place == 0 if step is None else place % step == 0) else _thorough(case)
        for place, case in enumerate(cases)
    ]


def _thorough(case: Any) -> Any:
    arguments = case if isinstance(case, tuple) else (case,)
    return pytest.param(*arguments, marks=pytest.mark.thorough)
