"""How near each layer is to its source: the tests of layers measure it, this collects it for docs/layers.md.

python -m benchmarks.layer_reference            about ten minutes; writes docs/layer_results.json, then `make docs`
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "layer_results.json"


def collect(lines: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By layer: the number of cases, and the largest difference of each kind with two digits."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        entry = json.loads(line)
        layer = found.setdefault(entry.pop("layer"), {"cases": 0})
        for kind, difference in entry.items():
            layer["cases"] += kind == "reference"
            layer[kind] = max(layer.get(kind, 0.0), float(f"{difference:.1e}"))
    return dict(sorted(found.items()))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.jsonl"
        environment = {**os.environ, "NEURALC_LAYER_RESULTS": str(path)}
        command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-n", "auto", "tests/unit/layers"]
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        results = collect(path.read_text("utf-8").splitlines())
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"{RESULTS}: {len(results)} layers")
    return code


if __name__ == "__main__":
    sys.exit(main())
