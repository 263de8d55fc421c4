"""Configuration of plain `lit tests/lit`; under pytest, conftest.py beside this file runs the same RUN lines."""
# ruff: noqa: F821  (`config` is put here by lit)

import importlib.util
import os
import sys
from pathlib import Path

import lit.formats

HERE = Path(__file__).parent

config.name = "neuralc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".nr", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = str(HERE)
config.test_exec_root = str(HERE.parent.parent / "build" / "lit")
config.environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
for optional in ("torch", "triton", "onnx"):
    if importlib.util.find_spec(optional) is not None:
        config.available_features.add(optional)
