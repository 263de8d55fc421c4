"""What the `execution` clause says is the default of the command line."""

from pathlib import Path

import numpy as np
import pytest

from neuralc import cli
from neuralc.driver import Options
from neuralc.execution import with_execution
from neuralc.grammar.diagnostics import error


def program(folder: Path, clause: str, suffix: str = ".nr") -> Path:
    path = folder / f"m{suffix}"
    path.write_text(f"network M {{ input: (8) layers: Dense(4) {clause} }}")
    return path


@pytest.mark.parametrize(
    ("clause", "target", "threads"),
    [
        ("", "cpu", None),
        ('execution { target: "cuda" }', "cuda", None),
        ("execute { target: cuda threads: 2 }", "cuda", 2),
        ('execution { target: "auto" device: "cuda:0" }', "cpu", None),
        ('execution { target: "tpu" }', "tpu", None),
    ],
)
def test_target_and_threads_are_defaults(clause: str, target: str, threads: int | None, tmp_path: Path) -> None:
    found = with_execution(program(tmp_path, clause), Options(), target_given=False)
    assert (found.target, found.threads) == (target, threads)


def test_the_command_line_overrides_them(tmp_path: Path) -> None:
    path = program(tmp_path, "execution { target: cuda threads: 2 }")
    assert with_execution(path, Options(threads=4), target_given=True) == Options(threads=4)


def test_a_wrong_program_is_told_by_who_loads_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = program(tmp_path, "execution { target: cuda ")
    assert with_execution(path, Options(), target_given=False) == Options()
    assert cli.run([str(path), "-o", "-"]) == 1
    assert "error[E0103]" in capsys.readouterr().err


def test_a_program_for_a_gpu_makes_triton_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = program(tmp_path, "execution { target: cuda }")
    assert cli.run([str(path), "--emit=triton", "-o", "-"]) == 0
    assert "@triton.jit" in capsys.readouterr().out


def test_a_run_takes_the_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int | None] = []

    def load(_model: Path, options: Options, *_rest: object, **_flags: object) -> None:
        taken.append(options.threads)
        raise error("E0901", "enough is known")

    monkeypatch.setattr("neuralc.cli_run._load", load)
    path, array = program(tmp_path, "execution { threads: 3 }"), tmp_path / "x.npy"
    np.save(array, np.zeros((1, 8), np.float32))
    for flags in ([], ["--threads=2"]):
        assert cli.run(["run", str(path), f"--input={array}", *flags]) == 1
    assert taken == [3, 2]
