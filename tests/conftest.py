"""Settings of all tests: random tests draw the same cases everywhere, and slow machines are not failures."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

# Tests run side by side: libraries that start a thread for each core would wait for one another most of the time.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

settings.register_profile(
    "neuralc",
    deadline=None,
    derandomize=True,
    print_blob=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # to explain a failure takes hundreds of runs more
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("neuralc")

MARK_OF_A_FILE = re.compile(r"^pytestmark = pytest\.mark\.(\w+)$", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file whose tests `-m "not slow and not .."` deselects is not imported: that takes longer than most tests do."""
    if collection_path.suffix != ".py":
        return None
    mark = MARK_OF_A_FILE.search(collection_path.read_text(encoding="utf-8"))
    deselected = str(config.getoption("markexpr")).split(" and ")
    return True if mark and f"not {mark[1]}" in deselected else None
