"""This machine, asked: its triple, its processor with its features, its caches. Needs llvmlite alone, not the IR."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class Caches:
    """Data cache sizes in bytes: of one core, except for the last level, which cores may share."""

    l1: int = 32 * 1024
    l2: int = 512 * 1024
    l3: int = 8 * 1024 * 1024


@dataclass(frozen=True)
class Host:
    """A machine as LLVM and the system describe it."""

    triple: str
    cpu_name: str
    """LLVM's name of the processor."""
    features: Mapping[str, bool]
    """All features that LLVM knows of this architecture, and whether the processor has them."""
    caches: Caches
    threads: int
    """Hardware threads this process may use."""


def process_triple() -> str:
    """The triple of this process."""
    from llvmlite import binding

    return str(binding.get_process_triple())


@lru_cache(maxsize=1)
def host() -> Host:
    """This machine, asked once a process."""
    from llvmlite import binding

    return Host(
        process_triple(),
        str(binding.get_host_cpu_name()),
        dict(binding.get_host_cpu_features()),
        read_caches(),
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    )


def read_caches(folder: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> Caches:
    """Data cache sizes as Linux tells them; typical sizes for a level it does not tell."""
    sizes: dict[int, int] = {}
    for index in sorted(folder.glob("index*")):
        try:
            kind = (index / "type").read_text().strip()
            level = int((index / "level").read_text())
            text = (index / "size").read_text().strip()
            size = int(text.rstrip("KMG")) * {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:], 1)
        except (OSError, ValueError):  # a container may hide some of these files
            continue
        if kind in ("Data", "Unified") and size > 0:
            sizes[level] = size
    usual = Caches()
    return Caches(sizes.get(1, usual.l1), sizes.get(2, usual.l2), sizes.get(3, sizes.get(2, usual.l3)))
