"""Puts a package with a plugin on the path as pip would: its modules, and the list of its entry points."""

from __future__ import annotations

import importlib
import shutil
import sys
import tomllib
from pathlib import Path

from neuralc.grammar import entry_points, plugins


def installed(project: Path, site: Path) -> Path:
    """Installs a project of single modules into a folder, which comes onto the path; gives its dist-info folder."""
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = described["name"], described["version"]
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, points in described["entry-points"].items():
        lines += [f"[{group}]", *(f"{point} = {target}" for point, target in points.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines))
    for module in project.glob("*.py"):
        shutil.copy(module, site)
    if str(site) not in sys.path:
        sys.path.insert(0, str(site))
    forget()
    return folder


def forget() -> None:
    """What was looked up before: packages come and go in tests alone."""
    entry_points.installed.cache_clear()
    plugins.layer_plugin.cache_clear()
    importlib.invalidate_caches()
