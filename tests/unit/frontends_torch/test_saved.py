"""Files of torch.export: read without torch and without unpickling, refused with a reason where they are not whole."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.compare import assert_close
from support.torch_programs import Small, small_file

import neuralc
from neuralc import cli
from neuralc.dialects.interp import run_module
from neuralc.frontends.torch.saved import load_file
from neuralc.grammar.diagnostics import NeuralcError

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_file(tmp_path_factory.mktemp("pt2"))


def test_a_file_computes_what_its_module_does(small: Path) -> None:
    torch.manual_seed(0)
    module = Small().eval()
    image = torch.randn(3, 3, 8, 8)
    model = load_file(small)
    found = run_module(model.module, [image.double().numpy()], model.weights)
    with torch.no_grad():
        expected = module.double()(image.double())
    for ours, theirs in zip(found, expected.values(), strict=True):
        assert_close(ours, theirs.numpy(), 1e-10)
    assert sorted(name for name in model.weights if name in dict(module.named_parameters())) == [
        "bn.bias", "bn.weight", "conv.bias", "conv.weight", "fc.bias", "fc.weight",
    ]  # fmt: skip


def test_weights_are_parts_of_the_mapped_file(small: Path) -> None:
    weights = load_file(small).weights
    assert not weights["conv.weight"].flags.writeable
    assert not weights["conv.weight"].flags.owndata


def test_sizes_can_be_fixed(small: Path) -> None:
    assert load_file(small, {"batch": 2}).module.body.block.first_op is not None
    with pytest.raises(NeuralcError, match="E0813"):
        load_file(small, {"width": 2})


def test_torch_is_not_needed(small: Path) -> None:
    """The module says so itself: what it has loaded holds no torch."""
    code = (
        "import sys, neuralc\n"
        f"neuralc.compile({str(small)!r}, target='interp')\n"
        "sys.exit('torch' in sys.modules)"
    )  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("command", ["compile", "run", "inspect", "verify"])
def test_commands_take_files(small: Path, tmp_path: Path, command: str) -> None:
    image = tmp_path / "image.npy"
    np.save(image, np.random.default_rng(0).standard_normal((2, 3, 8, 8), np.float32))
    arguments = {
        "compile": [str(small), "--emit=kernel", "-o", "-"],
        "run": ["run", str(small), "--input", str(image), "-o", str(tmp_path / "out.npz")],
        "inspect": ["inspect", str(small)],
        "verify": ["verify", str(small), "--against", "interp"],
    }[command]
    assert cli.run(arguments) == 0
    if command == "run":
        assert np.load(tmp_path / "out.npz")["logits"].shape == (2, 2)


# --- what is no whole file -------------------------------------------------------------------------------------------
def changed(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy in which entries have other bytes, or are left out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = change(info.filename.partition("/")[2], old.read(info))
            if data is not None:
                new.writestr(info.filename, data)
    return target


def with_json(edit: Callable[[Any], object], name: str) -> Callable[[str, bytes], bytes]:
    def change(path: str, data: bytes) -> bytes:
        if not path.endswith(name):
            return data
        document = json.loads(data)
        edit(document)
        return json.dumps(document).encode()

    return change


def graph_of(document: Any) -> Any:
    return document["graph_module"]["graph"]


DAMAGES: dict[str, Callable[[str, bytes], bytes | None]] = {
    "no program": lambda path, data: None if path.startswith("models/") else data,
    "no text": lambda path, data: b"\xff{" if path.startswith("models/") else data,
    "a list": lambda path, data: b"[1, 2]" if path.startswith("models/") else data,
    "deep": lambda path, data: b"[" * 100_000 if path.startswith("models/") else data,
    "another format": lambda path, data: b"pt3" if path == "archive_format" else data,
    "big-endian": lambda path, data: b"big" if path == "byteorder" else data,
    "short weight": lambda path, data: data[:-4] if path.endswith("weight_0") else data,
    "odd weight": lambda path, data: data[:-1] if path.endswith("weight_0") else data,
    "missing weight": lambda path, data: None if path.endswith("weight_0") else data,
    "no graph": with_json(lambda document: document.pop("graph_module"), "model.json"),
    "another version": with_json(lambda document: document["schema_version"].update(major=99), "model.json"),
    "no values": with_json(lambda document: graph_of(document).pop("tensor_values"), "model.json"),
    "pickled": with_json(lambda document: document["config"]["conv.weight"].update(use_pickle=True), "config.json"),
    "strides": with_json(
        lambda document: document["config"]["conv.weight"]["tensor_meta"]["strides"][0].update(as_int=1 << 40),
        "config.json",
    ),
    "negative": with_json(
        lambda document: document["config"]["conv.weight"]["tensor_meta"]["sizes"][0].update(as_int=-1), "config.json"
    ),
    "unknown value": with_json(
        lambda document: graph_of(document)["nodes"][3]["inputs"][0]["arg"].update(as_tensor={"name": "nobody"}),
        "model.json",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(small: Path, tmp_path: Path, damage: str) -> None:
    def change(path: str, data: bytes) -> bytes | None:
        if damage in ("pickled", "strides", "negative") and "constants" in path:
            return data
        return DAMAGES[damage](path, data)

    with pytest.raises(NeuralcError) as caught:
        load_file(changed(small, tmp_path / "small.pt2", change))
    assert {each.code for each in caught.value.diagnostics} <= {"E0631", "E0632"}


@pytest.mark.parametrize("length", [0, 10, 1000, -100])
def test_a_truncated_file_is_refused(small: Path, tmp_path: Path, length: int) -> None:
    path = tmp_path / "truncated.pt2"
    path.write_bytes(small.read_bytes()[:length])
    with pytest.raises(NeuralcError, match="E0631"):
        load_file(path)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    """torch.save writes a zip file too; this one would make a file when it is unpickled."""
    mark = tmp_path / "mark"

    class Harmful:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (mark,)

    path = tmp_path / "model.pt2"
    torch.save({"weight": Harmful()}, path)
    with pytest.raises(NeuralcError, match="E0631"):
        load_file(path)
    assert not mark.exists()


def test_names_of_symbols_are_never_evaluated(small: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = f"__import__('pathlib').Path({str(mark)!r}).touch()"

    def edit(document: Any) -> None:
        for entry in graph_of(document)["sym_int_values"].values():
            entry["as_expr"]["expr_str"] = text
        for meta in graph_of(document)["tensor_values"].values():
            for size in meta["sizes"]:
                if "as_expr" in size:
                    size["as_expr"]["expr_str"] = text

    with pytest.raises(NeuralcError, match="E0632"):
        load_file(changed(small, tmp_path / "small.pt2", with_json(edit, "model.json")))
    assert not mark.exists()


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    path.write_bytes(b"network M { input: (8) layers: Dense(4) }")
    with pytest.raises(NeuralcError, match="E0631"):
        neuralc.compile(path)
