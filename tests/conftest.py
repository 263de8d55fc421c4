"""Settings of all tests: random tests draw the same cases everywhere, and slow machines are not failures.

`--cases N` runs N cases of each test that has more, for a look at everything in a minute.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture import providers

# Tests run side by side: libraries that start a thread for each core would wait for one another most of the time.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# What a test compiles is compiled: the cache of the user holds nothing for tests, and gets nothing from them.
os.environ["NEURALC_CACHE_DIR"] = ""

# TensorFlow has an LLVM of its own, which ends the process in which ours or Triton's is: it runs in others. Keras loads
# it even on PyTorch, to save a model, where it can.
os.environ.setdefault("KERAS_BACKEND", "torch")


class NotInThisProcess(MetaPathFinder, Loader):
    """Finds tensorflow, and refuses to load it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname == "tensorflow" else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        raise ImportError("tests run tensorflow in a process of its own")


sys.meta_path.insert(0, NotInThisProcess())

# As on the command line: what is imported lives to the end, and looking for garbage in it takes a tenth of the time.
gc.set_threshold(200_000, 20, 100)

settings.register_profile(
    "neuralc",
    deadline=None,
    derandomize=True,
    print_blob=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # to explain a failure takes hundreds of runs more
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("neuralc")

# Hypothesis also tries constants of the modules that are loaded, so that a test would try other values beside other
# tests. Without them a failure is the same one everywhere; what a process has loaded is left to tests/fuzz.
NO_CONSTANTS = providers.Constants()
vars(providers)["_get_local_constants"] = lambda: NO_CONSTANTS

MARK_OF_A_FILE = re.compile(r"^pytestmark = pytest\.mark\.(\w+)$", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file whose tests `-m "not slow and not .."` deselects is not imported: that takes longer than most tests do."""
    if collection_path.suffix != ".py":
        return None
    mark = MARK_OF_A_FILE.search(collection_path.read_text(encoding="utf-8"))
    deselected = str(config.getoption("markexpr")).split(" and ")
    return True if mark and f"not {mark[1]}" in deselected else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=int, metavar="N", help="run at most N cases of each test, spread over its table")


@pytest.hookimpl(trylast=True)  # of the cases that the marks leave
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    limit = config.getoption("cases")
    if limit is None:
        return
    tables: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        tables[item.nodeid.partition("[")[0]].append(item)
    kept = {case for cases in tables.values() for case in cases[:: -(-len(cases) // limit)]}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]
