"""Compiled models that several tests use: in this process, and as a library on disk."""

from pathlib import Path

import pytest
from support.native_modules import MLP, PAIR, mlp_store, native

from neuralc.emit.llvm.in_process import load_native
from neuralc.passes.target import Target
from neuralc.runtime import Model


@pytest.fixture(scope="session")
def mlp() -> Model:
    return load_native(native(MLP, mlp_store(), target=Target.host()))


@pytest.fixture(scope="session")
def pair() -> Model:
    return load_native(native(PAIR, target=Target.host()))


@pytest.fixture(scope="session")
def library(mlp: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The MLP as a shared library."""
    path = tmp_path_factory.mktemp("library") / "mlp.so"
    mlp.save(path)
    return path
