"""Conformance cases as libraries that a C program runs: an artifact never calls Python."""

import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from neuralc.driver import Options, compile_file  # noqa: E402
from neuralc.files import write_product  # noqa: E402
from neuralc.grammar.diagnostics import NeuralcError  # noqa: E402
from neuralc.onnx_backend import UNSUPPORTED  # noqa: E402
from neuralc.products import Streamed  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
STRIDE = 37
"""Every so many cases of the suite: about 40 of them, of all families."""

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tests/e2e/c/run_files.c, compiled as strictly as a user might."""
    target = tmp_path_factory.mktemp("c") / "run_files"
    source = ROOT / "tests" / "e2e" / "c" / "run_files.c"
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'runtime'}"]
    subprocess.run(["cc", *flags, "-o", str(target), str(source), "-ldl"], check=True)
    return target


def cases() -> list[Any]:
    """A sample of the node tests of ONNX whose inputs and outputs are all tensors of types numpy has."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.random.seed(0)
        found = sorted(load_model_tests(kind="node"), key=lambda case: str(case.name))
    return [case for case in found[::STRIDE] if case.data_sets and _is_plain(case)]


def _is_plain(case: Any) -> bool:
    inputs, outputs = case.data_sets[0]
    return all(isinstance(array, np.ndarray) and array.dtype.kind in "fiub" for array in (*inputs, *outputs))


def _fixed(case: Any) -> tuple[Any, list[Any]]:
    """The model with its small vectors of int64 (shapes, axes, pads) as constants, and the inputs that are left."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    del model.graph.input[:]
    left = []
    for declared, array in zip(case.model.graph.input, case.data_sets[0][0], strict=True):
        if array.dtype == np.int64 and array.ndim <= 1:
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, declared.name))
        else:
            model.graph.input.append(declared)
            left.append(array)
    return model, left


def test_a_c_program_gets_what_the_suite_expects(program: Path, tmp_path: Path) -> None:
    passed, refused = [], []
    for case in cases():
        model, inputs = _fixed(case)
        path = tmp_path / f"{case.name}.onnx"
        path.write_bytes(model.SerializeToString())
        try:
            _, product = compile_file(path, "so", Options())
        except NeuralcError as refusal:
            if any(each.code not in UNSUPPORTED for each in refusal.diagnostics):
                raise
            refused.append(case.name)
            continue
        assert isinstance(product, Streamed)
        library = path.with_suffix(".so")
        write_product(library, product.pieces)
        expected = case.data_sets[0][1]
        for wanted, found in zip(expected, _run(program, library, inputs, expected), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=case.rtol, atol=case.atol, err_msg=case.name)
        passed.append(case.name)
    assert len(passed) >= 3 * len(refused), f"passed {len(passed)}, refused {refused}"


def _run(program: Path, library: Path, inputs: list[Any], expected: list[Any]) -> Iterator[Any]:
    """The outputs that a process without Python computes."""
    names = []
    for number, array in enumerate(inputs):
        name = library.with_suffix(f".in{number}")
        name.write_bytes(np.ascontiguousarray(array).tobytes())
        names.append(str(name))
    results = [library.with_suffix(f".out{number}") for number in range(len(expected))]
    command = [str(program), str(library), *names, *map(str, results)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{library.stem}: exit code {done.returncode}\n{done.stderr}"
    for path, wanted in zip(results, expected, strict=True):
        yield np.frombuffer(path.read_bytes(), wanted.dtype).reshape(wanted.shape)
