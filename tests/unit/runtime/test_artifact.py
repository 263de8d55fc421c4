"""What native code is made of: the host program, the weights in the object, the linker."""

import ctypes
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.native_modules import MLP, mlp_reference, mlp_store, native

from neuralc.dialects.weights import WeightStore
from neuralc.emit.llvm import link
from neuralc.emit.llvm.link_object import embed
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.target import Target
from neuralc.runtime import load

HERE = Target.host()


def refusal(code: str, text: str):
    return pytest.raises(NeuralcError, match=rf"(?s)\[{code}\]: .*{text}")


# --- the host program -------------------------------------------------------------------------------------------------


def test_a_module_without_host_program_is_refused() -> None:
    with refusal("E0840", "the module has 0"):
        native(MLP[: MLP.index("kernel.host")], mlp_store())


def test_memory_that_is_not_planned_is_refused() -> None:
    with refusal("E0840", "`kernel.alloc` has no native form.*kernel-plan-memory"):
        native(MLP.replace("kernel.arena 0", "kernel.alloc"), mlp_store()).library()


def test_a_weight_without_values_is_refused() -> None:
    made = native(MLP, WeightStore({"kernel": mlp_store()["kernel"]}))
    with refusal("E0504", "bias"):
        assert made.weights


def test_an_arena_too_large_for_the_machine_is_a_status(tmp_path: Path) -> None:
    unbounded = MLP.replace("from 1 to 1000", "from 1")
    path = tmp_path / "m.so"
    path.write_bytes(b"".join(native(unbounded, mlp_store(), target=HERE).library()))
    library = ctypes.CDLL(str(path))
    library.nrc_get_model.restype = ctypes.c_void_p
    context = ctypes.c_void_p()
    assert library.nrc_context_create(ctypes.c_void_p(library.nrc_get_model()), None, ctypes.byref(context)) == 0
    for size in (2**62, 2**56, 2**50):  # overflows 64 bits; is negative as a number of bytes; is more than there is
        assert library.nrc_context_reserve(context, (ctypes.c_int64 * 1)(size)) == 5
    assert library.nrc_context_reserve(context, (ctypes.c_int64 * 1)(4)) == 0
    library.nrc_context_destroy(context)


def test_the_same_module_gives_the_same_bytes() -> None:
    first, second = (native(MLP, mlp_store(), target=HERE) for _ in range(2))
    assert first.llvm_text == second.llvm_text
    assert b"".join(first.object()) == b"".join(second.object())
    assert b"".join(first.library()) == b"".join(second.library())


@pytest.mark.parametrize("processor", ["x86-64", "skylake-avx512", "neoverse-n1", "generic-rv64"])
def test_objects_are_made_for_other_processors(processor: str) -> None:
    text = MLP.replace("v8", "v4")
    made = native(text, mlp_store(), target=Target.cpu(processor))
    machine = struct.unpack_from("<H", b"".join(made.object()), 18)[0]
    assert machine == {"x86": 62, "sky": 62, "neo": 183, "gen": 243}[processor[:3]]
    assert "nrc_run" in made.assembly


# --- the weights in the object ----------------------------------------------------------------------------------------


def test_weights_are_in_the_object_as_they_are(tmp_path: Path) -> None:
    made = native(MLP, mlp_store(), target=HERE)
    block = made.weights.tobytes()
    place = b"".join(made.object()).find(block)
    assert place % 64 == 0
    assert made.code.find(block) < 0


def test_other_object_formats_are_refused() -> None:
    with refusal("E0841", "ELF"):
        list(embed(b"\xcf\xfa\xed\xfe" + bytes(60), "nrc_weights_m", 0, ()))


def test_weights_begin_at_multiples_of_64_in_every_form(tmp_path: Path) -> None:
    made = native(MLP, mlp_store(), target=HERE)
    assert made.weights.ctypes.data % 64 == 0
    assert all(place.offset % 64 == 0 for place in made.layout.places.values())


# --- the linker -------------------------------------------------------------------------------------------------------


def test_without_compiler_and_zig_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(link, "find_spec", lambda name: None)
    with refusal("E0842", r"needs a linker.*neuralc\[link\]"):
        link.link_command(HERE.triple, ["m.o"])


def test_a_linker_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "badcc"
    script.write_text("#!/bin/sh\necho no such thing >&2\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    with refusal("E0843", "badcc` failed.*no such thing"):
        list(link.link_shared([[b""]], HERE.triple))


def test_zig_links_where_there_is_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    made = native(MLP, mlp_store(), target=HERE).object()
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("CC", raising=False)
    command = link.link_command(HERE.triple, ["m.o"])
    assert command[:3] == [sys.executable, "-m", "ziglang"]
    if command[3] == "cc":
        pytest.skip("the C library of this process is not a file; `zig cc` builds one for minutes")
    path = tmp_path / "m.so"
    path.write_bytes(b"".join(link.link_shared([made], HERE.triple)))
    x = np.random.default_rng(2).standard_normal((9, 32)).astype(np.float32)
    np.testing.assert_allclose(load(path, threads=2)(x), mlp_reference(x), atol=1e-4)


@pytest.mark.thorough
def test_only_the_c_interface_is_exported(library: Path) -> None:
    tool = "nm"
    try:
        done = subprocess.run([tool, "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("needs nm")
    names = {line.split()[-1] for line in done.stdout.splitlines()}
    header = (Path(__file__).parents[3] / "runtime" / "neuralc.h").read_text()
    assert {name for name in names if not name.startswith("nrc_")} <= {"_init", "_fini"}
    assert {name for name in names if name.startswith("nrc_") and f"{name}(" not in header} == {"nrc_model_mlp"}
