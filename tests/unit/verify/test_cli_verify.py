"""`neuralc verify`: two ways of computing a model are compared, and what differs is named."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

from support.onnx_graphs import model, node, port

from neuralc import cli
from neuralc.cli_errors import DONE, WRONG_COMMAND_LINE, WRONG_MODEL
from neuralc.emit.torch import emitter
from neuralc.verify import reference

RNG = np.random.default_rng(0)
WEIGHTS = {
    "w1": RNG.standard_normal((8, 6)).astype(np.float32),
    "b1": RNG.standard_normal(6).astype(np.float32),
    "w2": RNG.standard_normal((6, 3)).astype(np.float32),
}

NR = """network Tiny {
  input: (8)
  layers:
    Dense(4, "relu")
    Output(3, "softmax")
}
"""


@pytest.fixture
def mlp(tmp_path: Path) -> Path:
    """x -> Gemm -> h -> Relu -> a -> MatMul -> y, and the count of its rows."""
    nodes = [
        node("Gemm", ["x", "w1", "b1"], ["h"], name="/fc1"),
        node("Relu", ["h"], ["a"], name="/act"),
        node("MatMul", ["a", "w2"], ["y"], name="/fc2"),
    ]
    path = tmp_path / "mlp.onnx"
    path.write_bytes(model(nodes, [port("x", ["N", 8])], ["y"], WEIGHTS, opset=20, ir_version=9).SerializeToString())
    return path


@pytest.fixture
def changed(mlp: Path) -> Path:
    """The weights of `mlp` with one number of the second layer changed."""
    from safetensors.numpy import save_file

    weights = {name: array.copy() for name, array in WEIGHTS.items()}
    weights["w2"][0, 1] += 1
    save_file(weights, mlp.parent / "changed.safetensors")
    return mlp.parent / "changed.safetensors"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "tiny.nr").write_text(NR)
    return tmp_path / "tiny.nr"


def verify(*arguments: object) -> int:
    return cli.run(["verify", *map(str, arguments)])


def as_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code = verify(*arguments, "--json")
    return code, json.loads(capsys.readouterr().out)


# --- agreement -----------------------------------------------------------------------------------------------------
def test_a_model_agrees_with_onnxruntime(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    assert verify(mlp, "--against", "onnxruntime", "--sizes", "N=3") == DONE
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith("agrees: 1 output with onnxruntime ")
    assert "sizes N=3" in out
    assert "f32 3x3" in out


@pytest.mark.thorough
def test_a_program_agrees_with_its_pytorch_code(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    assert verify(program, "--against", "torch") == DONE
    assert "agrees: 1 output with torch " in capsys.readouterr().out


@pytest.mark.parametrize("opt", [0, 1, 2])
def test_a_program_agrees_with_the_interpreter(program: Path, opt: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(program, f"-O{opt}") == DONE
    assert "agrees: 1 output with the interpreter in float64" in capsys.readouterr().out


@pytest.mark.thorough
def test_layers_have_the_names_of_the_file(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    code, found = as_json(capsys, mlp, "--against", "onnxruntime", "--layers")
    assert code == DONE
    assert [layer["name"] for layer in found["layers"]] == ["h", "a", "y"]
    assert [layer["place"] for layer in found["layers"]] == ["node /fc1", "node /act", "node /fc2"]
    assert [output["name"] for output in found["outputs"]] == ["y"]
    assert found["left_out"] == 0


@pytest.mark.thorough
def test_values_that_were_folded_on_import_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    nodes = [node("Shape", ["x"], ["s"]), node("Reshape", ["x", "s"], ["r"]), node("Relu", ["r"], ["y"])]
    path = tmp_path / "m.onnx"
    path.write_bytes(model(nodes, [port("x", ["N", 8])], ["y"], opset=20, ir_version=9).SerializeToString())
    code, found = as_json(capsys, path, "--against", "onnxruntime", "--layers")
    assert code == DONE
    assert "s" not in [layer["name"] for layer in found["layers"]]
    assert found["left_out"] >= 1


@pytest.mark.thorough
def test_layers_inside_of_blocks_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parents[3] / "examples" / "mnist.nr"
    code, found = as_json(capsys, path, "--layers", "--against", "interp", "--sizes", "batch=1")
    assert code == DONE
    assert "graph.call" not in {layer["op"] for layer in found["layers"]}
    assert all(layer["place"].startswith("mnist.nr:") for layer in found["layers"])


# --- differences ---------------------------------------------------------------------------------------------------
def test_a_changed_weight_is_found(mlp: Path, changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    assert verify(mlp, "--against", "onnxruntime", "--weights", changed) == WRONG_MODEL
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith("differs: 1 of 1 output from onnxruntime ")
    assert "values differ, the worst at [" in out


@pytest.mark.thorough
def test_the_first_layer_that_goes_wrong_is_named(mlp: Path, changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    arguments = (mlp, "--against", "onnxruntime", "--layers", "--weights", changed)
    assert verify(*arguments) == WRONG_MODEL
    verdict = capsys.readouterr().out.splitlines()[-1]
    assert verdict.endswith("; the first is `y` (graph.dense at node /fc2), its operands agree")
    code, found = as_json(capsys, *arguments)
    assert (code, found["agrees"], found["first_wrong"]) == (WRONG_MODEL, False, "y")
    assert [layer["agrees"] for layer in found["layers"]] == [True, True, False]
    assert found["alone"]["agrees"]  # what ours computes is right for the weights it has
    assert found["layers"][2]["worst"][1] == 1


def test_an_op_that_is_computed_wrongly_is_told_from_one_with_wrong_operands(
    mlp: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from neuralc import cli_verify

    kept = cli_verify._run

    def wrong_from_the_relu_on(compilation: Any, request: Any, arrays: Any) -> dict[str, Any]:
        return {name: array + 1 if name != "h" else array for name, array in kept(compilation, request, arrays).items()}

    monkeypatch.setattr(cli_verify, "_run", wrong_from_the_relu_on)
    assert verify(mlp, "--layers") == WRONG_MODEL
    out = capsys.readouterr().out.splitlines()
    assert out[-1].endswith("; the first is `a` (graph.relu at node /act), its operands agree")
    assert out[-2].startswith("a: wrong in float64 for the operands it had: 12 of 12 values differ")


@pytest.mark.thorough
def test_a_fault_that_hides_when_all_values_are_kept_is_told(
    mlp: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from neuralc import cli_verify

    kept = cli_verify._run

    def wrong_when_fused(compilation: Any, request: Any, arrays: Any) -> dict[str, Any]:
        found = kept(compilation, request, arrays)
        return found if len(found) > 1 else {name: array + 1 for name, array in found.items()}

    monkeypatch.setattr(cli_verify, "_run", wrong_when_fused)
    assert verify(mlp, "--layers") == WRONG_MODEL
    assert "every layer agrees when all are kept" in capsys.readouterr().out


@pytest.mark.thorough
def test_a_tolerance_can_be_given(mlp: Path, changed: Path) -> None:
    pytest.importorskip("onnxruntime")
    arguments = (mlp, "--against", "onnxruntime", "--weights", changed)
    assert verify(*arguments, "--atol", "100") == DONE
    assert verify(mlp, "--against", "interp", "--rtol", "0", "--atol", "1e-12") == WRONG_MODEL


# --- inputs --------------------------------------------------------------------------------------------------------
@pytest.mark.thorough
def test_given_inputs_are_taken_and_say_the_sizes(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(mlp.parent / "x.npy", np.ones((5, 8), np.float32))
    for text in (mlp.parent / "x.npy", f"x={mlp.parent / 'x.npy'}"):
        code, found = as_json(capsys, mlp, "--input", text)
        assert (code, found["outputs"][0]["shape"]) == (DONE, [5, 3])
        assert found["settings"] == {"opt": 2, "sizes": {"N": 5}, "inputs": "given"}


def test_a_size_can_be_fixed_at_compile_time(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    code, found = as_json(capsys, mlp, "--dim", "N=4", "--against", "onnxruntime")
    assert (code, found["outputs"][0]["shape"]) == (DONE, [4, 3])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sizes", "N"],
        ["--sizes", "M=3"],
        ["--input", "z=x.npy"],
        ["--against", "abacus"],
        ["--rtol", "-1"],
    ],
)
def test_a_wrong_command_line_is_code_2(mlp: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(mlp, *arguments) == WRONG_COMMAND_LINE
    assert capsys.readouterr().err.startswith("error[E08")


@pytest.mark.thorough
@pytest.mark.parametrize("framework", ["torch", "keras", "jax", "onnxruntime"])
def test_what_is_written_for_a_framework_is_compared_layer_by_layer(
    program: Path, framework: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = as_json(capsys, program, "--against", framework, "--layers")
    assert code == DONE
    assert found["layers"]
    assert all(layer["agrees"] for layer in found["layers"])


@pytest.mark.thorough
def test_a_model_that_keeps_values_agrees_with_its_jax_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "kept.nr"
    path.write_text("network Kept { input: (5, 3) layers: LSTM(4, stateful=true) }")
    assert verify(path, "--against", "jax", "--sizes", "batch=2") == DONE
    assert "agrees: 1 output with jax " in capsys.readouterr().out


# --- the other framework -------------------------------------------------------------------------------------------
def test_a_missing_package_is_an_error_with_the_command(
    mlp: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "find_spec", lambda name: None)
    assert verify(mlp, "--against", "onnxruntime") == WRONG_MODEL
    err = capsys.readouterr().err
    assert err.startswith("error[E0921]")
    assert "pip install onnxruntime onnx" in err


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        ("raise SystemExit('no kernel for this operator')", "no kernel for this operator"),
        ("raise SystemExit(7)", "ended with code 7"),
        ("import time; time.sleep(60)", "did not end within 0.5 seconds"),
    ],
)
def test_a_framework_that_fails_is_one_message(
    mlp: Path, code: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "find_spec", lambda name: name)
    monkeypatch.setattr(reference, "WORKER", ("-c", code))
    timeout = "0.5" if "sleep" in code else "60"
    assert verify(mlp, "--against", "onnxruntime", "--timeout", timeout) == WRONG_MODEL
    err = capsys.readouterr().err
    assert err.startswith("error[E0920]: onnxruntime could not run the model")
    assert told in err


def test_an_input_that_the_framework_refuses_is_one_message(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    np.save(mlp.parent / "x.npy", np.ones((5, 9), np.float32))
    assert verify(mlp, "--against", "onnxruntime", "--input", mlp.parent / "x.npy") == WRONG_MODEL
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert err.startswith("error[E09")


def test_a_model_without_pytorch_code_is_refused_once(
    program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(emitter, "FORM", replace(emitter.FORM, lowerings={}))
    assert verify(program, "--against", "torch") == WRONG_MODEL
    err = capsys.readouterr().err
    assert err.count("error[") == 1
    assert "error[E0850]: torch cannot run tiny: neuralc has no PyTorch code for it" in err
    assert "more" in err


# --- reports -------------------------------------------------------------------------------------------------------
@pytest.mark.thorough
def test_a_report_goes_to_a_file(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(mlp, "-o", mlp.parent / "report.txt") == DONE
    assert verify(mlp, "-o", mlp.parent / "report.json") == DONE
    verdict = capsys.readouterr().out.splitlines()[0]
    assert (mlp.parent / "report.txt").read_text().splitlines()[-1] == verdict
    assert json.loads((mlp.parent / "report.json").read_text())["verdict"] == verdict


@pytest.mark.thorough
def test_what_is_piped_is_plain_and_whole(mlp: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "neuralc", "verify", str(mlp), "--layers"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\u2026" not in done.stdout
    assert done.stderr == ""


def test_the_verb_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == DONE
    assert "neuralc verify" in capsys.readouterr().out
    assert cli.run(["verify", "--help"]) == DONE
    assert "neuralc verify model.onnx --against onnxruntime" in capsys.readouterr().out
