"""The command line: exit codes, where messages and products go, and what is left behind when something fails."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from neuralc import cli, products
from neuralc.cli_errors import DONE, FAULT, WRONG_COMMAND_LINE, WRONG_MODEL
from neuralc.driver import Compilation, Options, compile_to, load

MODEL = """network Tiny {
  input: (8)
  layers:
    Dense(4, "relu")
    Output(3, "softmax")
}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.nr"
    path.write_text(MODEL)
    return path


def test_the_product_goes_to_stdout_and_messages_to_stderr(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([str(model), "--emit=graph", "--pass-pipeline=", "-o", "-"]) == DONE
    out, err = capsys.readouterr()
    assert out.startswith("builtin.module {")
    assert err.startswith("note[W0501]")


def test_without_a_destination_the_product_stands_beside_the_model(model: Path) -> None:
    assert cli.run([str(model), "--emit=torch"]) == DONE
    assert sorted(path.name for path in model.parent.iterdir()) == ["tiny.nr", "tiny_torch.py"]


def test_a_wrong_model_is_code_1(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model.write_text(MODEL.replace("Dense", "Dens"))
    assert cli.run([str(model), "--emit=graph"]) == WRONG_MODEL
    assert "error[E0201]" in capsys.readouterr().err
    assert list(model.parent.iterdir()) == [model]


def test_a_wrong_command_line_is_code_2(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([str(model), "--emit=nothing"]) == WRONG_COMMAND_LINE
    assert cli.run([str(model), "--nonsense"]) == WRONG_COMMAND_LINE
    assert cli.run([str(model), "--emit=cuda", "--target=cuda", "-o", "-"]) == WRONG_COMMAND_LINE
    assert cli.run(["run"]) == WRONG_COMMAND_LINE
    assert list(model.parent.iterdir()) == [model]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"network", b"{" * 5000])
def test_files_that_are_no_model_are_code_1(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.nr"
    path.write_bytes(content)
    assert cli.run([str(path), "--emit=graph"]) == WRONG_MODEL
    assert capsys.readouterr().err.startswith("error[E")


def test_a_fault_of_ours_is_code_3_with_the_ir_and_the_command_that_shows_it(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(compilation: Compilation, kind: str) -> str:
        raise IndexError("list index out of range")

    monkeypatch.setitem(products.EMITTERS, "graph", replace(products.EMITTERS["graph"], make=broken))
    reproducer = model.parent / "r.mlir"
    arguments = [str(model), "--emit=graph", "--pass-pipeline=", f"--reproducer={reproducer}"]
    assert cli.run(arguments) == FAULT
    err = capsys.readouterr().err
    assert "error[E9901]: emitting graph failed: IndexError: list index out of range" in err
    assert f"run it again with `neuralc {reproducer} --emit=graph" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in model.parent.iterdir()) == ["r.mlir", "tiny.nr"]
    monkeypatch.setenv("NEURALC_TRACEBACK", "1")
    assert cli.run(arguments) == FAULT
    assert "Traceback" in capsys.readouterr().err


def test_messages_for_editors_are_one_json_object_a_line(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model.write_text(MODEL.replace("Dense", "Dens").replace("Output", "Outpt"))
    assert cli.run([str(model), "--error-format", "json"]) == WRONG_MODEL
    messages = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(message["code"], message["line"]) for message in messages] == [("E0201", 4), ("E0201", 5)]
    assert cli.run([str(model), "--nonsense", "--error-format=json"]) == WRONG_COMMAND_LINE
    assert json.loads(capsys.readouterr().err)["code"] == "E0801"


def test_a_compilation_knows_its_level_and_continues_from_a_dump(model: Path) -> None:
    compilation = load(model, Options())
    assert compilation.level == "graph"
    assert set(compilation.weights) == {"dense.kernel", "dense.bias", "output.kernel", "output.bias"}
    dump = model.with_name("dump.mlir")
    assert cli.run([str(model), "--emit=graph", "--pass-pipeline=", "-o", str(dump)]) == DONE
    again = load(dump, Options(dims={"batch": 4}))
    compile_to(again, "model")
    assert again.level == "graph"
    assert "tensor<4x8xf32>" in str(again.module)


def test_dumped_weights_are_found_beside_a_dump(model: Path) -> None:
    folder = model.with_name("dump")
    arguments = [str(model), "--emit=graph", "--pass-pipeline=graph-dce", f"--dump-ir={folder}", "-o", "/dev/null"]
    assert cli.run(arguments) == DONE
    original, resumed = load(model, Options()), load(folder / "000-input.mlir", Options())
    assert {name: resumed.weights.digest(name) for name in resumed.weights} == {
        name: original.weights.digest(name) for name in original.weights
    }


@pytest.mark.parametrize("setting", ["dense.units=5", "dense.unit=4", "dense.units", "=4", "a-b=4", "dense.units="])
def test_a_setting_that_fits_no_search_is_a_wrong_command_line(model: Path, setting: str) -> None:
    model.write_text(MODEL.replace("Dense(4", "Dense(HPO(choice(4, 16))"))
    assert cli.run([str(model), "--emit=graph", "--set", setting]) == WRONG_COMMAND_LINE
    assert list(model.parent.iterdir()) == [model]


def test_research_files_compile(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper = model.with_suffix(".rnr")
    paper.write_text(MODEL + "research Tiny { metrics { accuracy: 88.3 } }")
    assert cli.run([str(paper), "--emit=graph", "--pass-pipeline=", "-o", "-"]) == DONE
    assert 'research = [#graph.research<"Tiny", metrics = {accuracy = 88.3}>]' in capsys.readouterr().out
