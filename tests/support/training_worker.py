"""Runs training scripts one after the other in this process: a folder, then the names of the scripts with arguments."""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
from pathlib import Path


def main() -> None:
    folder, *names = sys.argv[1:]
    os.chdir(folder)
    sys.path.insert(0, folder)
    for name in names:
        sys.argv = [f"{name}_train.py", *json.loads(Path(f"{name}.json").read_text(encoding="utf-8"))]
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except BaseException:
            Path(f"{name}.failed").write_text(traceback.format_exc(), encoding="utf-8")


if __name__ == "__main__":
    main()
