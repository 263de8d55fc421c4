"""Targets: what is known about a machine, and the messages for machines that are not known."""

import re
from pathlib import Path

import pytest
from llvmlite import binding
from xdsl.dialects.builtin import f16, f32, f64, i8

from neuralc.grammar.diagnostics import UsageError
from neuralc.passes.host import Caches, read_caches
from neuralc.passes.target import Target, resolve_target
from neuralc.passes.target_table import CPUS

FMA = """
define <16 x float> @f(<16 x float> %a, <16 x float> %b, <16 x float> %c) {
  %r = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %c)
  ret <16 x float> %r
}
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
"""


ADD = """
define <16 x float> @f(<16 x float> %a, <16 x float> %b) {
  %r = fadd <16 x float> %a, %b
  ret <16 x float> %r
}
"""


def assembly(target: Target, text: str = FMA) -> str:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    machine = binding.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu_name, features=target.feature_string
    )
    return str(machine.emit_assembly(binding.parse_assembly(text)))


@pytest.mark.parametrize("name", CPUS["x86_64"])
def test_llvm_agrees_with_the_table_about_vectors_and_fma(name: str) -> None:
    target = Target.cpu(name, "x86_64-unknown-linux-gnu")
    text = assembly(target)
    widest = max(re.findall(r"[xyz]mm", text))
    assert target.vector_bytes == {"xmm": 16, "ymm": 32, "zmm": 64}[widest]
    assert target.has_fma == ("vfmadd" in text)


@pytest.mark.parametrize("name", CPUS["aarch64"])
def test_llvm_knows_the_arm_processors(name: str) -> None:
    target = Target.cpu(name, "aarch64-unknown-linux-gnu")
    assert (target.lanes, target.vector_registers, target.has_fma) == (4, 32, True)
    assert "fmla\tv" in assembly(target)


def test_other_architectures_have_vectors_where_their_features_say_so() -> None:
    assert Target.cpu(triple="riscv64-unknown-linux-gnu").lanes == 4
    assert "vfma" in assembly(Target.cpu(triple="riscv64-unknown-linux-gnu"))
    assert "f32x4" in assembly(Target.cpu(triple="wasm32-unknown-unknown"), ADD)


def test_this_machine_is_what_llvm_says_it_is() -> None:
    host = Target.host()
    assert host.cpu_name == binding.get_host_cpu_name()
    assert host.triple == binding.get_process_triple()
    assert host.threads >= 1
    assert host.lanes >= 1
    flags = {flag[1:] for flag in host.host_features.split(",") if flag.startswith("+")}
    assert host.features == flags


def test_native_and_nothing_are_this_machine() -> None:
    assert Target.cpu() is Target.host()
    assert Target.cpu("native") is Target.host()
    assert resolve_target("cpu", mcpu="native") is Target.host()
    assert resolve_target() is Target.host()


@pytest.mark.parametrize(
    ("name", "lanes", "registers", "fma"),
    [("x86-64", 4, 16, False), ("haswell", 8, 16, True), ("znver3", 8, 16, True), ("skylake-avx512", 16, 32, True)],
)
def test_named_processors(name: str, lanes: int, registers: int, fma: bool) -> None:
    target = Target.cpu(name, "x86_64-unknown-linux-gnu")
    assert (target.lanes, target.vector_registers, target.has_fma) == (lanes, registers, fma)


def test_lanes_follow_the_size_of_an_element() -> None:
    target = Target.cpu("haswell", "x86_64-unknown-linux-gnu")
    assert [target.lanes_of(element) for element in (f64, f32, f16, i8)] == [4, 8, 16, 32]
    assert Target.cuda().lanes_of(f32) == 0


def test_a_processor_of_another_architecture_brings_its_triple() -> None:
    arm, intel = Target.cpu("neoverse-n1"), Target.cpu("icelake-server")
    assert arm.triple.startswith("aarch64")
    assert intel.triple.startswith("x86_64")


def test_avx512_code_is_not_narrowed_to_256_bits() -> None:
    assert "-prefer-256-bit" in Target.cpu("icelake-server", "x86_64-unknown-linux-gnu").feature_string
    assert Target.cpu("haswell", "x86_64-unknown-linux-gnu").feature_string == ""


def test_gpus() -> None:
    ampere = Target.cuda("sm_80")
    assert ampere.gpu is not None
    assert ampere.gpu.shared_memory == 163 * 1024
    assert resolve_target("cuda") == ampere
    assert resolve_target("cuda", mcpu="native", arch="sm_90").arch == "sm_90"


@pytest.mark.parametrize(
    ("settings", "code", "message", "help"),
    [
        ({"name": "gpu"}, "E0820", "unknown target `gpu`", "did you mean `cpu`?"),
        ({"mcpu": "znver33"}, "E0821", "unknown processor `znver33`", "did you mean `znver3`?"),
        ({"mcpu": "?"}, "E0821", "unknown processor `?`", "`native` is this machine"),
        (
            {"triple": "x86-64-unknown-linux"},
            "E0822",
            "unknown triple `x86-64-unknown-linux`",
            "did you mean `x86_64-unknown-linux-gnu`?",
        ),
        ({"name": "cuda", "arch": "sm80"}, "E0823", "unknown GPU architecture `sm80`", "did you mean `sm_80`?"),
        ({"arch": "sm_80"}, "E0814", "`--arch` is for `--target cuda`", None),
        ({"name": "cuda", "mcpu": "znver3"}, "E0814", "`--mcpu` is for `--target cpu`", None),
        (
            {"mcpu": "znver3", "triple": "aarch64-unknown-linux-gnu"},
            "E0821",
            "`znver3` is no aarch64 processor",
            "its triple is `x86_64-unknown-linux-gnu`",
        ),
    ],
)
def test_unknown_machines(settings: dict[str, str], code: str, message: str, help: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_target(**settings)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (code, message)
    assert help is None or diagnostic.help == help


def test_caches_are_read_from_the_system(tmp_path: Path) -> None:
    for index, (level, kind, size) in enumerate([(1, "Data", "48K"), (1, "Instruction", "32K"), (2, "Unified", "2M")]):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        (folder / "level").write_text(f"{level}\n")
        (folder / "type").write_text(f"{kind}\n")
        (folder / "size").write_text(f"{size}\n")
    (tmp_path / "index3").mkdir()  # as a container shows it
    assert read_caches(tmp_path) == Caches(48 << 10, 2 << 20, 2 << 20)


def test_caches_of_a_system_that_tells_nothing_are_typical(tmp_path: Path) -> None:
    assert read_caches(tmp_path) == Caches()
