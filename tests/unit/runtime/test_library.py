"""Loading a model from a file: what is not one is refused with a sentence, before it can end the process."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.native_modules import MLP, mlp_store, native

from neuralc.passes.target import Target
from neuralc.runtime import ModelError, errors, load


def refusal(code: str, text: str):
    return pytest.raises(ModelError, match=rf"(?s)^error\[{code}\]: .*{text}")


@pytest.mark.parametrize("part", [0, 3, 20, 63, 64, 1000, 4096, 0.5, 0.9, -1])
def test_a_truncated_library_is_refused(library: Path, tmp_path: Path, part: float) -> None:
    data = library.read_bytes()
    path = tmp_path / "m.so"
    path.write_bytes(data[: int(len(data) * part) if isinstance(part, float) else part])
    with refusal("E0903", "is truncated|is empty|is not a shared library"):
        load(path)


def test_a_file_that_is_missing_or_a_folder_is_refused(tmp_path: Path) -> None:
    with refusal("E0902", "no such file"):
        load(tmp_path / "m.so")
    with refusal("E0902", "is a directory"):
        load(tmp_path)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.so"
    path.write_text("network M { input: (8) layers: Dense(3) }")
    with refusal("E0903", "is not a shared library"):
        load(path)


def test_an_object_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.o"
    path.write_bytes(b"".join(native(MLP, mlp_store()).object()))
    with refusal("E0903", "is an object or a program"):
        load(path)


def test_a_library_for_another_processor_is_refused(library: Path, tmp_path: Path) -> None:
    data = bytearray(library.read_bytes())
    data[18:20] = (243 if data[18] == 183 else 183).to_bytes(2, "little")  # e_machine
    path = tmp_path / "m.so"
    path.write_bytes(data)
    with refusal("E0903", "is for another processor"):
        load(path)


def test_a_library_that_is_no_model_is_refused() -> None:
    import _ctypes

    with refusal("E0905", "not a model of neuralc"):
        load(_ctypes.__file__)


def test_a_library_of_another_abi_version_is_refused(library: Path, tmp_path: Path) -> None:
    from neuralc.emit.llvm import products

    def other_version(target: Target) -> str:
        found = products.support_text(target)
        return found.replace("@nrc_abi_version() #0 {\n  ret i32 4", "@nrc_abi_version() #0 {\n  ret i32 7")

    with pytest.MonkeyPatch.context() as patch:
        text = other_version(Target.host())
        assert text != products.support_text(Target.host())
        patch.setattr(products, "support_text", lambda target: text)
        path = tmp_path / "m.so"
        path.write_bytes(b"".join(native(MLP, mlp_store(), target=Target.host()).library()))
    with refusal("E0906", "ABI version 7, this runtime has 4"):
        load(path)


def test_a_model_for_a_processor_with_more_features_is_refused(tmp_path: Path) -> None:
    if Target.host().has("amx-int8"):
        pytest.skip("this processor has all features the test asks for")
    path = tmp_path / "m.so"
    path.write_bytes(b"".join(native(MLP, mlp_store(), target=Target.cpu("sapphirerapids")).library()))
    with refusal("E0907", r"compiled for processors with (avx512|amx)\S+, this one lacks it"):
        load(path)


@pytest.mark.parametrize("threads", [-1, 1025])
def test_an_impossible_number_of_threads_is_refused(library: Path, threads: int) -> None:
    with refusal("E0909", "between 1 and 1024"):
        load(library, threads=threads)


def test_loading_and_running_need_numpy_alone(library: Path) -> None:
    program = (
        "import sys, numpy; from neuralc.runtime import load; model = load(sys.argv[1]);"
        "model(numpy.ones((3, 32), 'f'));"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'xdsl', 'llvmlite', 'lark', 'click'}))"
    )
    done = subprocess.run([sys.executable, "-c", program, library], capture_output=True, check=True, timeout=60)
    assert done.stdout.strip() == b""


def test_codes_of_the_runtime_are_those_of_the_compiler() -> None:
    from neuralc.grammar.diagnostics import CODES

    for code, title in errors.CODES.items():
        assert CODES[code].title == title
