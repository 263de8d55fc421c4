"""Tables for a terminal: as wide as it is, names without what would move its cursor."""

import re
from io import StringIO

import pytest
from support.summaries import chain, summary_of

from neuralc.inspection.summary import Summary
from neuralc.inspection.terminal import print_summary

NAMES = ["encoder/0/convolution", "encoder/0/activation", "encoder/1/convolution", "head"]
SUMMARY = summary_of(chain("conv", "relu", "conv", "dense"), names=NAMES)

STYLE = re.compile(r"\x1b\[[0-9;]*m")
"""What makes headings bold in a terminal."""


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def lines(summary: Summary, file: StringIO, depth: int | None = None) -> list[str]:
    print_summary(summary, file, depth=depth, layers=True)
    return [line.rstrip() for line in STYLE.sub("", file.getvalue()).splitlines()]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_a_file_gets_all_columns() -> None:
    shown = lines(SUMMARY, StringIO())
    assert "layer                  op     type     shape   parameters     %  flops     %     memory" in shown
    assert "encoder/0/convolution  conv   float32  (4, 4)          10  33.3    100  25.0  128 bytes" in shown


def test_a_terminal_is_not_left_and_names_keep_their_end(narrow: Terminal) -> None:
    shown = lines(SUMMARY, narrow)
    assert all(len(line) <= 60 for line in shown)
    assert any("onvolution  conv" in line for line in shown)
    assert not any("float32  (4, 4)  " in line for line in shown)


def test_blocks_have_the_sums_of_their_layers() -> None:
    shown = lines(SUMMARY, StringIO(), depth=1)
    assert "encoder  3 layers  float32  (4, 4)          20  66.7    300  75.0  128 bytes" in shown
    assert "head     dense     float32  (4, 4)          10  33.3    100  25.0  128 bytes" in shown


def test_the_layer_with_the_most_memory_is_named() -> None:
    (line,) = [line for line in lines(SUMMARY, StringIO()) if line.startswith("activations")]
    assert (
        line == "activations: at most 128 bytes at a time, first at encoder/0/convolution (test.nr:1:1); without fusion"
    )


def test_names_move_no_cursor_and_are_no_markup() -> None:
    shown = "\n".join(lines(summary_of(chain("conv", "relu"), names=["\x1b[2Jgone", "[red]x[/red]"]), StringIO()))
    assert "?[2Jgone" in shown
    assert "[red]x[/red]" in shown
    assert "\x1b" not in shown
