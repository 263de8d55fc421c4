"""`neuralc check`: all that is wrong with a file, without compiling it."""

import json
from pathlib import Path

import pytest

from neuralc import cli
from neuralc.cli_errors import DONE, WRONG_COMMAND_LINE, WRONG_MODEL

RIGHT = "network M { input: (8) layers: Dense(3) }\n"
WARNED = "network M { input: (8.0) layers: Dense(3) }\n"
TWO = "network M { input: (8) layers: Dense(0) }\nnetwork N { input: (8) layers: Dens(3) }\n"


def check(folder: Path, text: str, *flags: str) -> int:
    (folder / "m.nr").write_text(text)
    return cli.run(["check", str(folder / "m.nr"), *flags])


@pytest.mark.parametrize(
    ("text", "flags", "code", "summary"),
    [
        (RIGHT, [], DONE, "1 network, nothing is wrong"),
        (WARNED, [], DONE, "1 network, 1 warning"),
        (WARNED, ["--strict"], WRONG_MODEL, "1 network, 1 warning"),
        (TWO, [], WRONG_MODEL, "2 networks, 2 errors"),
        (TWO, ["--network=N"], WRONG_MODEL, "1 network, 1 error"),
        ("network M {", [], WRONG_MODEL, "1 error"),
        ("network M { input: (S, 4) where S <= 9 layers: Flatten() Dense(3) }", ["--dim=S=8"], DONE,
         "1 network, nothing is wrong"),
    ],
)  # fmt: skip
def test_the_last_word_of_each_file(
    text: str, flags: list[str], code: int, summary: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, text, *flags) == code
    assert capsys.readouterr().out == f"{tmp_path / 'm.nr'}: {summary}\n"


def test_messages_of_all_networks_come_in_order_and_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared = (
        "define Bad { Dense(0) } network M { input: (8) layers: Bad() } network N { input: (8) layers: Bad() Dens(1) }"
    )
    assert check(tmp_path, shared, "--error-format=json") == WRONG_MODEL
    told = capsys.readouterr()
    assert told.out == ""
    assert [json.loads(line)["code"] for line in told.err.splitlines()] == ["E0306", "E0201"]


def test_a_network_that_needs_arguments_is_checked_where_it_gets_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = "network Inner(n) { input: (8) layers: Dense(n) }"
    assert check(tmp_path, f"{inner} network M {{ input: (8) layers: Inner(3) }}") == DONE
    assert check(tmp_path, f"{inner} network M {{ input: (8) layers: Inner(0) }}") == WRONG_MODEL
    assert check(tmp_path, inner) == WRONG_MODEL
    assert "error[E0301]: `Inner` needs `n`" in capsys.readouterr().err
    assert check(tmp_path, inner, "--set", "n=3") == DONE


def test_folders_are_looked_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.nr").write_text(RIGHT)
    (tmp_path / "b.txt").write_text("no model")
    assert check(tmp_path, TWO) == WRONG_MODEL
    capsys.readouterr()
    assert cli.run(["check", str(tmp_path)]) == WRONG_MODEL
    assert [line.rpartition("/")[2] for line in capsys.readouterr().out.splitlines()] == [
        "a.nr: 1 network, nothing is wrong", "m.nr: 2 networks, 2 errors",
    ]  # fmt: skip


def test_what_is_no_model_is_a_wrong_command_line(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("no model")
    assert cli.run(["check", str(tmp_path / "b.txt")]) == WRONG_COMMAND_LINE


@pytest.mark.thorough
def test_ten_thousand_layers_are_checked(tmp_path: Path) -> None:
    assert check(tmp_path, f"network M {{ input: (4) layers: {'Dense(4, relu) ' * 10_000}}}") == DONE
