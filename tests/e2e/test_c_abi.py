"""A compiled model in a C program, by runtime/neuralc.h: loaded, linked, run in two threads, and misused."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.native_modules import MLP, PAIR, mlp_reference, mlp_store, native

from neuralc.passes.target import Target
from neuralc.runtime import load

HERE = Path(__file__).parent / "c"
HEADER = Path(__file__).parents[2] / "runtime"
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
STRICT = ("-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", f"-I{HEADER}")

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")


def build(folder: Path, source: str, *more: str) -> Path:
    program = folder / Path(source).stem
    command = [COMPILER, *STRICT, str(HERE / source), *more, "-o", str(program), "-ldl", "-pthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def run(*command: object) -> str:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("c_abi") / "mlp.so"
    path.write_bytes(b"".join(native(MLP, mlp_store(), target=Target.host()).library()))
    return path


@pytest.mark.parametrize("batch", [1, 37])
def test_a_c_program_gets_what_python_gets(library: Path, tmp_path: Path, batch: int) -> None:
    x = np.random.default_rng(0).standard_normal((batch, 32)).astype(np.float32)
    y = load(library)(x)
    np.testing.assert_allclose(y, mlp_reference(x), atol=1e-4)
    (tmp_path / "x").write_bytes(x.tobytes())
    (tmp_path / "y").write_bytes(y.tobytes())
    program = build(tmp_path, "run_model.c")
    said = run(program, library, tmp_path / "x", tmp_path / "y", batch).splitlines()
    assert said[0] == "model mlp"
    assert said[2:] == [
        "dim batch: 1 to 1000, implied batch",
        f"input x: batch={batch} 32=32",
        f"output y: batch={batch} 32=32",
        "done",
    ]


def test_no_memory_is_lost_or_overrun(library: Path, tmp_path: Path) -> None:
    """The program around the library is built with the address sanitizer, which sees what the library allocates."""
    x = np.ones((5, 32), np.float32)
    (tmp_path / "x").write_bytes(x.tobytes())
    (tmp_path / "y").write_bytes(load(library)(x).tobytes())
    try:
        program = build(tmp_path, "run_model.c", "-fsanitize=address")
    except AssertionError:
        pytest.skip("the compiler has no address sanitizer")
    assert run(program, library, tmp_path / "x", tmp_path / "y", 5).endswith("done\n")


def test_two_models_link_into_one_program(tmp_path: Path) -> None:
    for name, text, store in (("mlp", MLP, mlp_store()), ("pair", PAIR, None)):
        (tmp_path / f"{name}.o").write_bytes(b"".join(native(text, store, target=Target.host()).object()))
    program = build(tmp_path, "two_models.c", str(tmp_path / "mlp.o"), str(tmp_path / "pair.o"))
    expected = mlp_reference(np.zeros((1, 32), np.float32))[0, :3].sum(dtype=np.float32)
    said = run(program).split()
    assert said[0] == "mlp"
    assert float(said[1]) == pytest.approx(float(expected), rel=1e-6)
    assert said[2:] == ["pair", "8", "2"]


STATEFUL = """
graph.dim @batch from 1
graph.state @sum : tensor<?x2xf32, #graph.dims<batch>>
kernel.func @add(%n: index, %a: !kernel.ref<[n], f32>, %b: !kernel.ref<[n], f32>, %y: !kernel.ref<[n], f32>)
dims [n] grid (n) {
  %p = kernel.program_id
  %0 = kernel.load %a[%p] -> !kernel.tile<f32, v1>
  %1 = kernel.load %b[%p] -> !kernel.tile<f32, v1>
  %2 = kernel.map add %0, %1 -> !kernel.tile<f32, v1>
  kernel.store %2, %y[%p]
  kernel.return
}
kernel.host @sums(%x: !kernel.ref<[batch, 2], f32>, %y: !kernel.ref<[batch, 2], f32>)
dims [batch] inputs ["x"] outputs ["y"] arena (0) {
  %before = kernel.state @sum -> !kernel.ref<[batch, 2], f32>
  %after = kernel.next_state @sum -> !kernel.ref<[batch, 2], f32>
  kernel.launch @add[batch * 2](%x, %before, %after)
  kernel.launch @add[batch * 2](%x, %before, %y)
  kernel.return
}
"""


@pytest.mark.parametrize("more", [(), ("-fsanitize=address",)], ids=["plain", "sanitized"])
def test_a_model_with_a_state_in_a_c_program(tmp_path: Path, more: tuple[str, ...]) -> None:
    (tmp_path / "sums.o").write_bytes(b"".join(native(STATEFUL, target=Target.host()).object()))
    try:
        program = build(tmp_path, "stateful.c", str(tmp_path / "sums.o"), *more)
    except AssertionError:
        if not more:
            raise
        pytest.skip("the compiler has no address sanitizer")
    assert run(program) == "the states have other sizes than this run, reset them first\n"


def test_the_header_is_c99_and_cxx(tmp_path: Path) -> None:
    for language in ("c", "c++"):
        command = [COMPILER, "-x", language, "-std=c99" if language == "c" else "-std=c++11", "-pedantic", "-Wall"]
        done = subprocess.run(
            [*command, "-Werror", "-fsyntax-only", "-"],
            input=f'#include "{HEADER / "neuralc.h"}"\n',
            capture_output=True,
            text=True,
            check=False,
        )
        if language == "c++" and "cc1plus" in done.stderr:
            pytest.skip("no C++ compiler")
        assert done.returncode == 0, done.stderr
