"""The commands and the Python of README.md and docs/ do what they say: each is run, on a real model."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.documents import DOCUMENTS, ROOT, fences

from neuralc.grammar.codes import example_files

PROGRAMS = {"neuralc": "neuralc", "neuralc-opt": "neuralc.opt"}


def commands() -> list[tuple[str, str]]:
    """(place, command): lines of code blocks that start with one of our programs, without what follows them."""
    found = []
    for fence in (fence for document in DOCUMENTS for fence in fences(document) if not fence.language):
        lines = fence.text.splitlines()
        found += [(str(fence), re.split(r"\s{2,}", line)[0]) for line in lines if line.split(" ")[0] in PROGRAMS]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the documents name."""
    path = tmp_path_factory.mktemp("documents")
    shutil.copytree(ROOT / "examples", path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "examples" / "digits.safetensors", path)
    program = (ROOT / "examples" / "digits.nr").read_text(encoding="utf-8").rstrip().removesuffix("}")
    (path / "model.nr").write_text(f'{program}  test {{ inputs: "x.npy" expect: "expected.npy" }}\n}}\n')
    for fence in fences(ROOT / "README.md"):
        for name, text in example_files(fence.text).items() if fence.language == "nr" else ():
            (path / name).write_text(text, encoding="utf-8")
    images = np.load(ROOT / "examples" / "digits_test.npz")["images"][:4]
    np.save(path / "x.npy", images.astype(np.float32) / 16)
    _write_onnx_model(path / "model.onnx")
    _write_models_of_frameworks(path)
    for command in (
        "model.nr --dump-ir=dump --emit=obj -o model.o",
        "model.nr --emit=graph -o model.mlir",
        "run model.nr --input x.npy --target=interp -o expected.npy",
        "model.nr --emit=torch -o trained.py",  # and trained.safetensors, as PyTorch code saves it
    ):
        subprocess.run([sys.executable, "-m", "neuralc", *command.split()], cwd=path, check=True)
    return path


def _write_onnx_model(path: Path) -> None:
    """A dense layer with a symbolic batch."""
    kernel = _kernel()
    x, y = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", size])
        for name, size in (("x", 8), ("y", 4))
    )
    nodes = [onnx.helper.make_node("MatMul", ["x", "kernel"], ["h"]), onnx.helper.make_node("Relu", ["h"], ["y"])]
    graph = onnx.helper.make_graph(nodes, "dense", [x], [y], [onnx.numpy_helper.from_array(kernel, "kernel")])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10), path)


def _kernel() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32)


def _write_models_of_frameworks(path: Path) -> None:
    """net.pt2 and net.keras: a dense layer each; model.pt2: what model.onnx is."""
    torch = pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    batch = {"input": {0: torch.export.Dim("batch")}}
    program = torch.export.export(torch.nn.Linear(8, 4), (torch.zeros(2, 8),), dynamic_shapes=batch)
    torch.export.save(program, path / "net.pt2")
    dense = torch.nn.Linear(8, 4, bias=False)
    dense.load_state_dict({"weight": torch.from_numpy(_kernel().T.copy())})
    model = torch.nn.Sequential(dense, torch.nn.ReLU())
    torch.export.save(torch.export.export(model, (torch.zeros(2, 8),), dynamic_shapes=batch), path / "model.pt2")
    keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, activation="relu")]).save(path / "net.keras")


def test_there_are_commands_to_run() -> None:
    assert len(commands()) > 10


@pytest.mark.parametrize(("document", "command"), commands())
def test_a_command_of_the_documents_succeeds(document: str, command: str, folder: Path) -> None:
    if "--target cuda" in command:
        pytest.importorskip("triton")
    for peers in re.findall(r"--compare[ =](\S+)", command):
        for peer in peers.split(","):
            pytest.importorskip(peer)
    program, *arguments = command.split(" | ")[0].split()
    if arguments[0].startswith("dump/"):
        arguments[0] = str(next((folder / "dump").glob("*-tensor-fuse-groups.mlir")))
    done = subprocess.run(
        [sys.executable, "-m", PROGRAMS[program], *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{document}: {command}\n{done.stderr}"


def _halves() -> object:
    """A module of PyTorch whose argument is called x."""
    import torch

    class Halves(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x / 2

    return Halves()


def test_the_python_of_the_readme_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    blocks = [fence.text for fence in fences(ROOT / "README.md") if fence.language == "python"]
    torch = pytest.importorskip("torch")
    names: dict[str, object] = {"images": np.load("x.npy"), "module": _halves(), "x": torch.zeros(2, 8)}
    for code in blocks:
        exec(compile(code, "README.md", "exec"), names)
    probabilities = names["probabilities"]
    assert isinstance(probabilities, np.ndarray)
    assert probabilities.shape == (4, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
    assert Path("digits.so").exists()
