"""Processors and GPUs by name: the data behind `passes/target.py`.

The names are LLVM's (`llc -mcpu=help`) and NVIDIA's. A processor lists the features that decide code; a test compiles
for each name and looks whether LLVM agrees. LLVM ends the process at a name it does not know, so only these pass.
"""

from __future__ import annotations

from dataclasses import dataclass

from neuralc.grammar.diagnostics import suggest, usage_error


@dataclass(frozen=True)
class Architecture:
    """An instruction set: the triple used when only a processor is named, and the plainest processor."""

    triple: str
    plain_cpu: str


@dataclass(frozen=True)
class Vectors:
    """Vector registers a feature brings; `fma_feature` is the one that adds FMA, empty where it is there anyway."""

    feature: str
    bytes: int
    registers: int
    fma_feature: str


@dataclass(frozen=True)
class Gpu:
    """Limits of a GPU architecture (CUDA C++ Programming Guide, technical specifications per compute capability)."""

    shared_memory: int
    """Bytes one block may use, after opting in."""
    registers_per_block: int = 65536
    registers_per_thread: int = 255
    threads_per_block: int = 1024
    warp_size: int = 32
    max_grid: int = 2**31 - 1


ARCHITECTURES: dict[str, Architecture] = {
    "x86_64": Architecture("x86_64-unknown-linux-gnu", "x86-64"),
    "aarch64": Architecture("aarch64-unknown-linux-gnu", "generic"),
    "riscv64": Architecture("riscv64-unknown-linux-gnu", "generic-rv64"),
    "wasm32": Architecture("wasm32-unknown-unknown", "generic"),
}

VECTORS: dict[str, tuple[Vectors, ...]] = {
    "x86_64": (
        Vectors("", 16, 16, "fma"),
        Vectors("avx", 32, 16, "fma"),
        Vectors("avx512f", 64, 32, "avx512f"),
    ),
    # SVE registers have no fixed length at compile time: NEON is what a fixed number of lanes can use.
    "aarch64": (Vectors("", 16, 32, ""),),
    "riscv64": (Vectors("", 4, 32, ""), Vectors("v", 16, 32, "")),
    "wasm32": (Vectors("", 4, 16, "relaxed-simd"), Vectors("simd128", 16, 16, "relaxed-simd")),
}

_V1 = frozenset({"sse2"})
_V2 = _V1 | {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt"}
_AVX = _V2 | {"avx"}
_V3 = _AVX | {"avx2", "fma", "f16c", "bmi", "bmi2"}
_V4 = _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
_VNNI = _V4 | {"avx512vnni"}
_BF16 = _VNNI | {"avx512bf16"}
_AMX = _BF16 | {"amx-tile", "amx-int8", "amx-bf16", "avx512fp16"}
_NEON = frozenset({"neon"})
_ARM82 = _NEON | {"fullfp16", "dotprod"}
_ARM86 = _ARM82 | {"bf16", "i8mm"}

CPUS: dict[str, dict[str, frozenset[str]]] = {
    "x86_64": {
        **dict.fromkeys(("x86-64", "core2", "penryn"), _V1),
        **dict.fromkeys(("x86-64-v2", "nehalem", "westmere", "silvermont", "goldmont", "tremont"), _V2),
        **dict.fromkeys(("sandybridge", "ivybridge", "btver2"), _AVX),
        **dict.fromkeys(
            ("x86-64-v3", "haswell", "broadwell", "skylake", "gracemont", "alderlake", "raptorlake", "meteorlake"), _V3
        ),
        **dict.fromkeys(("arrowlake", "lunarlake", "sierraforest", "znver1", "znver2", "znver3"), _V3),
        **dict.fromkeys(("x86-64-v4", "skylake-avx512"), _V4),
        **dict.fromkeys(
            ("cascadelake", "icelake-client", "icelake-server", "tigerlake", "rocketlake"),
            _VNNI,
        ),
        **dict.fromkeys(("cooperlake", "znver4", "znver5"), _BF16),
        **dict.fromkeys(("sapphirerapids", "emeraldrapids", "graniterapids"), _AMX),
    },
    "aarch64": {
        **dict.fromkeys(("generic", "cortex-a53", "cortex-a57", "cortex-a72"), _NEON),
        **dict.fromkeys(
            ("cortex-a55", "cortex-a75", "cortex-a76", "cortex-a78", "cortex-x1", "neoverse-n1", "apple-m1"),
            _ARM82,
        ),
        **dict.fromkeys(("neoverse-v1", "neoverse-n2", "neoverse-v2", "neoverse-n3", "neoverse-v3"), _ARM86 | {"sve"}),
        **dict.fromkeys(("cortex-a710", "cortex-x2", "cortex-x3", "cortex-x4"), _ARM86 | {"sve"}),
        **dict.fromkeys(("apple-m2", "apple-m3", "apple-m4", "ampere1"), _ARM86),
    },
    "riscv64": {"generic-rv64": frozenset({"m", "a", "f", "d", "c", "v"})},
    "wasm32": {"generic": frozenset({"simd128"})},
}

GPUS: dict[str, Gpu] = {
    "sm_75": Gpu(64 * 1024),
    "sm_80": Gpu(163 * 1024),
    "sm_86": Gpu(99 * 1024),
    "sm_87": Gpu(163 * 1024),
    "sm_89": Gpu(99 * 1024),
    "sm_90": Gpu(227 * 1024),
    "sm_100": Gpu(227 * 1024),
    "sm_120": Gpu(99 * 1024),
}


def architecture_of(triple: str) -> str:
    """`x86_64` of `x86_64-unknown-linux-gnu`. Raises UsageError E0822 for one we have no code generator for."""
    architecture = {"arm64": "aarch64", "amd64": "x86_64"}.get(first := triple.partition("-")[0], first)
    if architecture not in ARCHITECTURES or "-" not in triple:
        known = [entry.triple for entry in ARCHITECTURES.values()]
        raise usage_error(
            "E0822", f"unknown triple `{triple}`", note=f"known: {', '.join(known)}", help=suggest(triple, known)
        )
    return architecture
