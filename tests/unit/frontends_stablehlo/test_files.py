"""StableHLO files: texts, portable artifacts and exports of jax, and what is said of those that cannot be compiled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jaxlib")
pytestmark = pytest.mark.thorough

FOLDER = Path(__file__).parent
FORMS = ("plain.stablehlo", "plain.mlir", "symbolic.stablehlo", "symbolic.mlirbc", "symbolic.jax")


def module(body: str, arguments: str = "%x: tensor<2xf32>", result: str = "tensor<2xf32>", name: str = "main") -> str:
    return f"func.func @{name}({arguments}) -> {result} {{\n{body}\n}}"


REFUSED: dict[str, tuple[str, str, list[str]]] = {
    "empty": ("", "E0650", ["the file is empty"]),
    "words": ("no module at all", "E0650", []),
    "type_error": (
        module("%0 = stablehlo.add %x, %y : tensor<2xf32>\nreturn %0 : tensor<2xf32>"),
        "E0650",
        ["undeclared SSA value name"],
    ),
    "no_main": (
        "module { func.func private @f() { return } func.func private @g() { return } }",
        "E0651",
        ["`f`, `g`"],
    ),
    "endless": (
        module("%0 = call @main(%x) : (tensor<2xf32>) -> tensor<2xf32>\nreturn %0 : tensor<2xf32>"),
        "E0652",
        ["more than 64 deep"],
    ),
    "false_assertion": (
        module(
            "%c = stablehlo.constant dense<false> : tensor<i1>\n"
            'stablehlo.custom_call @shape_assertion(%c) {error_message = "too small. More."} : (tensor<i1>) -> ()\n'
            "return %x : tensor<2xf32>"
        ),
        "E0652",
        ["too small"],
    ),
    "several_refusals": (
        module(
            "%0 = stablehlo.custom_call @secret(%x) : (tensor<2xf32>) -> tensor<2xf32>\n"
            "%1 = chlo.lgamma %x : tensor<2xf32> -> tensor<2xf32>\n"
            "%2 = stablehlo.custom_call @secret(%0) : (tensor<2xf32>) -> tensor<2xf32>\n"
            "%3 = stablehlo.add %1, %2 : tensor<2xf32>\n"
            "return %3 : tensor<2xf32>"
        ),
        "E0653",
        ["`secret`, code that the module does not hold", "chlo.lgamma, once", "a function that no graph op is"],
    ),
    "random": (
        module(
            "%c = stablehlo.constant dense<0.0> : tensor<f32>\n%s = stablehlo.constant dense<2> : tensor<1xi64>\n"
            "%0 = stablehlo.rng %c, %c, %s, distribution = UNIFORM : (tensor<f32>, tensor<f32>, tensor<1xi64>)"
            " -> tensor<2xf32>\nreturn %0 : tensor<2xf32>"
        ),
        "E0653",
        ["random numbers: not yet"],
    ),
    "complex": (
        module("return %x : tensor<2xcomplex<f32>>", "%x: tensor<2xcomplex<f32>>", "tensor<2xcomplex<f32>>"),
        "E0653",
        ["element type complex<f32>"],
    ),
    "sort_by_sum": (
        module(
            '%0 = "stablehlo.sort"(%x) <{dimension = 0 : i64}> ({\n^bb0(%a: tensor<f32>, %b: tensor<f32>):\n'
            "%s = stablehlo.add %a, %b : tensor<f32>\n%p = stablehlo.compare LT, %s, %b : (tensor<f32>, tensor<f32>)"
            " -> tensor<i1>\nstablehlo.return %p : tensor<i1>\n}) : (tensor<2xf32>) -> tensor<2xf32>\n"
            "return %0 : tensor<2xf32>"
        ),
        "E0653",
        ["a region that does more than compare"],
    ),
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("stablehlo")
    for name, (text, _, _) in REFUSED.items():
        (folder / f"{name}.stablehlo").write_text(text, encoding="utf-8")
    _run("artifacts.py", str(folder))
    done = _run("files_worker.py", *(str(path) for path in sorted(folder.iterdir())))
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(lines) == len(list(folder.iterdir())), done.stderr
    return {line["file"]: line for line in lines}


def _run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(FOLDER / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)


@pytest.mark.parametrize("name", FORMS)
def test_each_form_of_a_file_is_the_same_model(name: str, reports: dict[str, dict[str, Any]]) -> None:
    report = reports[name]
    assert "codes" not in report, report
    assert (report["inputs"], report["outputs"]) == (["image"], ["scores"])
    row = np.tanh(np.arange(12.0).reshape(3, 4).sum(0)).tolist()
    assert report["values"] == [pytest.approx(row + row)]


@pytest.mark.parametrize("name", FORMS[2:])
def test_sizes_keep_their_names(name: str, reports: dict[str, dict[str, Any]]) -> None:
    assert reports[name]["shapes"] == ["tensor<?x3xf32, #graph.dims<batch>>"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_compiled_is_told(name: str, reports: dict[str, dict[str, Any]]) -> None:
    _, code, words = REFUSED[name]
    report = reports[f"{name}.stablehlo"]
    assert report["codes"] == [code], report
    assert all(word in report["text"] for word in words), report["text"]


@pytest.mark.parametrize("name", FORMS[3:])
@pytest.mark.parametrize("part", [40, 80])
def test_a_truncated_file_is_an_error(name: str, part: int, reports: dict[str, dict[str, Any]]) -> None:
    assert reports[f"cut_{part}_{name}"]["codes"] == ["E0650"]
