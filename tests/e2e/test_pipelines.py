"""The pipelines on the example models: every dump can be continued from, and no pass changes the results."""

from pathlib import Path

import pytest

from neuralc import cli
from neuralc.driver import Options, compile_file
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module
from neuralc.passes.verifier import verify_module
from neuralc.products import Streamed

EXAMPLES = Path(__file__).parents[2] / "examples"
CPU = "--mcpu=x86-64-v3"  # the same code on every machine that runs the tests


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dumps of the digits model at -O2, and its object file."""
    folder = tmp_path_factory.mktemp("dump")
    model, product = str(EXAMPLES / "digits.nr"), str(folder / "digits.o")
    assert cli.run([model, "--emit=obj", "-o", product, CPU, f"--dump-ir={folder}"]) == 0
    return folder


@pytest.mark.parametrize("dumped", ["graph-fold-constants", "tensor-pack-weights", "kernel-plan-memory"])
def test_a_dump_of_each_level_parses_verifies_and_prints_the_same(dump: Path, dumped: str) -> None:
    (path,) = dump.glob(f"*{dumped}.mlir")
    module = parse_module(path.read_text(), str(path))
    verify_module(module)
    assert print_module(module) == path.read_text()
    with_locations = print_module(module, locations=True)
    assert print_module(parse_module(with_locations), locations=True) == with_locations


@pytest.mark.parametrize("dumped", ["000-input", "graph-to-tensor", "tensor-to-kernel"])
def test_continuing_from_a_dump_gives_the_same_object(dump: Path, dumped: str) -> None:
    (path,) = dump.glob(f"*{dumped}.mlir")
    product = dump / "again.o"
    assert cli.run([str(path), "--emit=obj", "-o", str(product), CPU]) == 0
    assert product.read_bytes() == (dump / "digits.o").read_bytes()


@pytest.mark.parametrize(
    ("model", "opt"),
    [
        ("mlp", 0),
        ("mlp", 1),
        ("digits", 2),
        *(pytest.param(model, opt, marks=pytest.mark.slow) for model in ("digits", "mnist") for opt in (0, 1)),
        pytest.param("mnist", 2, marks=pytest.mark.slow),
    ],
)
def test_no_pass_changes_the_results(model: str, opt: int, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(EXAMPLES / f"{model}.nr"), f"-O{opt}", "--emit=kernel", "-o", "/dev/null", CPU]
    assert cli.run([*arguments, "--check-each", "--verify-each"]) == 0, capsys.readouterr().err


def test_compiling_twice_gives_the_same_bytes() -> None:
    options = Options(mcpu="x86-64-v3")
    made = [compile_file(EXAMPLES / "digits.nr", "obj", options)[1] for _ in range(2)]
    products = {b"".join(each.pieces) for each in made if isinstance(each, Streamed)}
    assert len(products) == 1
