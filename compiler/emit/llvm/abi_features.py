"""Which processor features a model needs, and how its artifact asks for them: tables of CPUID bits and HWCAP bits.

An artifact tests each before it runs anything, and is refused with the name of the first that is missing. Listed are
features that LLVM chooses instructions by; what only operating systems use is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuralc.passes.target import Target
from neuralc.passes.target_table import architecture_of

EAX, EBX, ECX, EDX = range(4)
AVX_STATE, AVX512_STATE, AMX_STATE = 0x6, 0xE6, 0x60000
"""Bits of XCR0: the registers that the operating system must save (Intel SDM, volume 1, 13.3)."""

AT_HWCAP, AT_HWCAP2 = 16, 26


@dataclass(frozen=True)
class Feature:
    """Where a feature is asked for. On AArch64 `leaf` is the entry of the auxiliary vector."""

    name: str
    leaf: int
    subleaf: int
    register: int
    mask: int
    state: int = 0


def _bits(leaf: int, subleaf: int, register: int, names: Mapping[str, int], state: int = 0) -> dict[str, Feature]:
    return {name: Feature(name, leaf, subleaf, register, 1 << bit, state) for name, bit in names.items()}


FEATURES: dict[str, dict[str, Feature]] = {
    "x86_64": {
        **_bits(1, 0, EDX, {"cmov": 15, "sse": 25, "sse2": 26}),
        **_bits(1, 0, ECX, {"sse3": 0, "ssse3": 9, "sse4.1": 19, "sse4.2": 20, "movbe": 22, "popcnt": 23}),
        **_bits(1, 0, ECX, {"fma": 12, "avx": 28, "f16c": 29}, AVX_STATE),
        **_bits(7, 0, EBX, {"bmi": 3, "bmi2": 8, "adx": 19}),
        **_bits(7, 0, EBX, {"avx2": 5}, AVX_STATE),
        **_bits(
            7,
            0,
            EBX,
            {"avx512f": 16, "avx512dq": 17, "avx512ifma": 21, "avx512cd": 28, "avx512bw": 30, "avx512vl": 31},
            AVX512_STATE,
        ),
        **_bits(7, 0, ECX, {"gfni": 8}),
        **_bits(
            7,
            0,
            ECX,
            {"avx512vbmi": 1, "avx512vbmi2": 6, "avx512vnni": 11, "avx512bitalg": 12, "avx512vpopcntdq": 14},
            AVX512_STATE,
        ),
        **_bits(7, 0, EDX, {"avx512fp16": 23}, AVX512_STATE),
        **_bits(7, 0, EDX, {"amx-bf16": 22, "amx-tile": 24, "amx-int8": 25}, AMX_STATE),
        **_bits(7, 1, EAX, {"avxvnni": 4, "avxifma": 23}, AVX_STATE),
        **_bits(7, 1, EAX, {"avx512bf16": 5}, AVX512_STATE),
        **_bits(7, 1, EDX, {"avxvnniint8": 4, "avxneconvert": 5}, AVX_STATE),
        **_bits(0x80000001, 0, ECX, {"lzcnt": 5, "tbm": 21}),
        **_bits(0x80000001, 0, ECX, {"xop": 11, "fma4": 16}, AVX_STATE),
    },
    "aarch64": {
        **_bits(AT_HWCAP, 0, 0, {"neon": 1, "crc": 7, "lse": 8, "fullfp16": 10, "rdm": 12, "dotprod": 20, "sve": 22}),
        **_bits(AT_HWCAP2, 0, 0, {"i8mm": 13, "bf16": 14}),
    },
}


def required_features(target: Target) -> tuple[Feature, ...]:
    """The features that code for a target may use, in the order in which processors got them."""
    known = FEATURES.get(architecture_of(target.triple), {})
    return tuple(feature for name, feature in known.items() if name in target.features)
