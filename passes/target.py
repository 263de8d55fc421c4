"""The machine that code is made for, as data: every decision of the kernel level and of the emitters reads it here.

A CPU's features are tested on the machine, or listed for a processor by name; nothing is guessed from a family name.

    Target.host()                     this machine: features asked of it, caches read from the system
    Target.cpu("x86-64-v3")           a processor by LLVM's name, in the table below
    Target.cuda("sm_80")              a GPU architecture by its compute capability
    resolve_target("cpu", mcpu="native")    what the command line says
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from xdsl.ir import Attribute

from neuralc.dialects.types import element_bytes
from neuralc.grammar.diagnostics import suggest, usage_error
from neuralc.passes.host import Caches, host, process_triple
from neuralc.passes.target_table import ARCHITECTURES, CPUS, GPUS, VECTORS, Gpu, architecture_of

TargetName = Literal["cpu", "cuda", "tpu"]
NAMES: tuple[TargetName, ...] = ("cpu", "cuda", "tpu")


@dataclass(frozen=True)
class Target:
    """What code is generated for. Fields that a kind of target does not have are 0, empty or None."""

    name: TargetName
    triple: str
    cpu_name: str = ""
    """LLVM's name of the processor."""
    features: frozenset[str] = frozenset()
    """The features it has, by LLVM's names; those that decide code are listed for every processor of the table."""
    vector_bytes: int = 0
    """Width of a vector register, for floats."""
    vector_registers: int = 0
    has_fma: bool = False
    """Multiply-add with one rounding in hardware; without it `llvm.fma` is a library call."""
    caches: Caches = field(default_factory=Caches)
    threads: int = 1
    """Hardware threads this process may use; 1 for a machine that is not this one."""
    arch: str = ""
    """`sm_80`, for a GPU."""
    gpu: Gpu | None = None
    host_features: str = ""
    """LLVM's feature string of this very machine; empty where the processor's name says all."""

    @staticmethod
    def host() -> Target:
        """This machine."""
        return _host()

    @staticmethod
    def cpu(mcpu: str | None = None, triple: str | None = None) -> Target:
        """A processor by name; None and `native` mean this machine, or the plainest one of another architecture.

        Raises UsageError E0821 for an unknown processor and E0822 for an unknown triple.
        """
        host_triple = process_triple()
        triple = triple or _triple_of(mcpu, host_triple)
        architecture = architecture_of(triple)
        if mcpu in (None, "native"):
            if triple == host_triple:
                return _host()
            if mcpu == "native":
                raise usage_error(
                    "E0821",
                    f"`--mcpu native` is this machine, `{triple}` is another",
                    help="name a processor of that architecture",
                )
            mcpu = ARCHITECTURES[architecture].plain_cpu
        known = CPUS[architecture]
        if mcpu not in known:
            raise _unknown_cpu(str(mcpu), architecture)
        return _named(mcpu, triple, known[mcpu])

    @staticmethod
    def cuda(arch: str = "sm_80") -> Target:
        """A GPU architecture. Raises UsageError E0823 for one that is not in the table."""
        if arch not in GPUS:
            known = ", ".join(GPUS)
            raise usage_error(
                "E0823",
                f"unknown GPU architecture `{arch}`",
                note=f"known: {known}",
                help=suggest(arch, GPUS) or "`nvidia-smi --query-gpu=compute_cap --format=csv` tells: 8.0 is `sm_80`",
            )
        return Target("cuda", "nvptx64-nvidia-cuda", arch=arch, gpu=GPUS[arch])

    # -- what passes ask ---------------------------------------------------------------------------------------------

    @property
    def lanes(self) -> int:
        """fp32 values in a vector register; 0 for a GPU, where lanes are not ours to choose."""
        return self.vector_bytes // 4

    def lanes_of(self, element_type: Attribute) -> int:
        """Values of a type in a vector register, at least 1; 0 for a GPU."""
        if not self.vector_bytes:
            return 0
        return max(1, self.vector_bytes // element_bytes(element_type))

    def has(self, feature: str) -> bool:
        return feature in self.features

    @property
    def feature_string(self) -> str:
        """What LLVM takes beside the processor's name."""
        # Server chips prefer 256-bit vectors in code that LLVM vectorized itself; ours says what it wants.
        wide = ["-prefer-256-bit"] if self.vector_bytes == 64 else []
        return ",".join([*([self.host_features] if self.host_features else []), *self._extra_features(), *wide])

    def _extra_features(self) -> list[str]:
        """Features that the processor's name does not bring along: those of a table entry called `generic`."""
        generic = not self.host_features and self.cpu_name.startswith("generic")
        return [f"+{feature}" for feature in sorted(self.features)] if generic else []

    @property
    def flops_per_cycle(self) -> int:
        """fp32 operations one core finishes per cycle with two vector pipes: an estimate for cost models."""
        return self.lanes * 2 * (2 if self.has_fma else 1)

    @property
    def description(self) -> str:
        """One line for people: `znver3, 8 lanes of fp32, 16 vector registers, FMA`."""
        if self.name == "tpu":
            return "TPUs, by XLA"
        if self.gpu is not None:
            return f"{self.arch}, {self.gpu.shared_memory // 1024} KiB shared memory a block"
        fma = "FMA" if self.has_fma else "no FMA"
        return f"{self.cpu_name}, {self.lanes} lanes of fp32, {self.vector_registers} vector registers, {fma}"


def resolve_target(
    name: str = "cpu", *, mcpu: str | None = None, triple: str | None = None, arch: str | None = None
) -> Target:
    """The target that `--target`, `--mcpu`, `--triple` and `--arch` name together.

    Raises UsageError E0820 for an unknown target, E0821 to E0823 for the rest, E0814 for a flag of the other target.
    """
    if name == "cpu":
        if arch is not None:
            raise usage_error(
                "E0814", "`--arch` is for `--target cuda`", help="a processor is named by `--mcpu`, such as `native`"
            )
        return Target.cpu(mcpu if mcpu != "native" or triple is None else None, triple)
    if name == "cuda":
        if mcpu not in (None, "native") or triple is not None:
            flag = "--mcpu" if mcpu not in (None, "native") else "--triple"
            raise usage_error("E0814", f"`{flag}` is for `--target cpu`", help="a GPU is named by `--arch`")
        return Target.cuda(arch or "sm_80")
    if name == "tpu":
        if mcpu not in (None, "native") or triple is not None or arch is not None:
            flag = "--arch" if arch is not None else "--triple" if triple is not None else "--mcpu"
            raise usage_error("E0814", f"`{flag}` is not for `--target tpu`", help="XLA compiles where the TPU is")
        return Target("tpu", "tpu")
    raise usage_error("E0820", f"unknown target `{name}`", note=f"known: {', '.join(NAMES)}", help=suggest(name, NAMES))


def _triple_of(mcpu: str | None, host_triple: str) -> str:
    """The triple of a processor named without one: the host's where it fits, else that of its architecture."""
    host_architecture = architecture_of(host_triple)
    if mcpu in (None, "native") or mcpu in CPUS[host_architecture]:
        return host_triple
    for architecture, known in CPUS.items():
        if mcpu in known:
            return ARCHITECTURES[architecture].triple
    raise _unknown_cpu(str(mcpu), host_architecture)


def _unknown_cpu(mcpu: str, architecture: str) -> Exception:
    home = next((name for name, known in CPUS.items() if mcpu in known), None)
    if home is not None:
        return usage_error(
            "E0821", f"`{mcpu}` is no {architecture} processor", help=f"its triple is `{ARCHITECTURES[home].triple}`"
        )
    return usage_error(
        "E0821",
        f"unknown processor `{mcpu}`",
        note=f"known for {architecture}: {', '.join(CPUS[architecture])}",
        help=suggest(mcpu, [name for known in CPUS.values() for name in known]) or "`native` is this machine",
    )


def _named(mcpu: str, triple: str, features: frozenset[str]) -> Target:
    """A processor of the table; it is not this machine, so its caches are typical sizes and it has one thread."""
    width, registers, fma = vectors_of(architecture_of(triple), features)
    return Target("cpu", triple, mcpu, features, width, registers, fma)


def vectors_of(architecture: str, features: frozenset[str]) -> tuple[int, int, bool]:
    """Bytes of a vector register, how many there are, and whether FMA is one instruction."""
    rows = VECTORS[architecture]
    best = max((row for row in rows if row.feature in features or not row.feature), key=lambda row: row.bytes)
    return best.bytes, best.registers, best.fma_feature in features or not best.fma_feature


@lru_cache(maxsize=1)
def _host() -> Target:
    here = host()
    features = frozenset(name for name, present in here.features.items() if present)
    width, registers, fma = vectors_of(architecture_of(here.triple), features)
    flags = ",".join(f"{'+' if present else '-'}{name}" for name, present in sorted(here.features.items()))
    return Target(
        "cpu",
        here.triple,
        here.cpu_name,
        features,
        width,
        registers,
        fma,
        here.caches,
        here.threads,
        host_features=flags,
    )
