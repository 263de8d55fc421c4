"""The example in docs/inspect.md is what the command writes, and a thousand layers are no wait."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from support.bounds import slowness

from neuralc import cli

ROOT = Path(__file__).parents[3]


def test_the_picture_in_the_documents_is_the_one_that_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    """Otherwise: `neuralc inspect examples/digits.nr --format=svg -o docs/digits.svg`."""
    assert cli.run(["inspect", str(ROOT / "examples" / "digits.nr"), "--format=svg"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs" / "digits.svg").read_text(encoding="utf-8")


@pytest.mark.thorough
@pytest.mark.parametrize("format_", ["text", "json", "svg", "html"])
def test_a_thousand_layers_take_less_than_three_seconds(format_: str, tmp_path: Path) -> None:
    """Processor time of a fast machine: what else this one does is not the command's fault."""
    path = tmp_path / "deep.nr"
    path.write_text('network Deep { input: (16) layers: Dense(16, "relu") * 500 Output(4) }')
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [
        sys.executable,
        "-m",
        "neuralc",
        "inspect",
        str(path),
        f"--format={format_}",
        "-o",
        str(tmp_path / "out"),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3 * slowness()
    assert (tmp_path / "out").stat().st_size > 1000
