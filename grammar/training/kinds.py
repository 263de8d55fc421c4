"""Kinds of parameters that clauses have beyond those of layers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from neuralc.grammar.parameters import Converted, Kind, Named, OneOf, Optional, Real, Several, Unfit, Whole
from neuralc.grammar.values import Chosen, Evaluated, Word, describe

UNIT = Real(0, 1)
"""A number from 0 to 1."""
BELOW_ONE = Real(0, 1, open_high=True)
POSITIVE = Real(0, open_low=True)
NOT_NEGATIVE = Real(0)
COUNT = Whole(1)
INDEX = Whole(0)

DEVICES: tuple[str, ...] = ("auto", "cpu", "cuda", "gpu", "tpu")
PRECISION = Named(
    "precision",
    "E0307",
    ("fp64", "fp32", "bf16", "fp16", "int8"),
    {
        "float64": "fp64", "double": "fp64", "float32": "fp32", "float": "fp32", "bfloat16": "bf16", "float16": "fp16",
        "half": "fp16",
    },
)  # fmt: skip


@dataclass(frozen=True)
class Text:
    """A string, or a bare word standing for one."""

    description: str = "a string"

    def convert(self, value: Evaluated) -> Converted:
        plain = value.value if isinstance(value, Chosen) else value
        if isinstance(plain, Word):
            return Converted(plain.text)
        if isinstance(plain, str) and plain:
            return Converted(plain)
        raise Unfit("E0305", f"is {self.description}, not {describe(value)}")


@dataclass(frozen=True)
class Either:
    """What one kind takes, or else another."""

    first: Kind
    second: Kind

    @property
    def description(self) -> str:
        return f"{self.first.description}, or {self.second.description}"

    def convert(self, value: Evaluated) -> Converted:
        try:
            return self.first.convert(value)
        except Unfit:
            pass
        try:
            return self.second.convert(value)
        except Unfit as unfit:
            raise Unfit(unfit.code, f"is {self.description}, not {describe(value)}", unfit.help) from None


@dataclass(frozen=True)
class Device:
    """`cpu`, `cuda:0` and the like."""

    description: str = "the name of a device"

    def convert(self, value: Evaluated) -> Converted:
        text = str(Text(self.description).convert(value).value)
        if re.fullmatch(rf"({'|'.join(DEVICES)})(:\d+)?", text):
            return Converted(text)
        notes = (f"devices are {', '.join(DEVICES)}, or one like cuda:0",)
        raise Unfit("E0210", f'unknown device "{text}"', whole=True, notes=notes)


TEXT = Text()
NAME = Optional(TEXT)
"""The name that Keras gives things: `name="adam"`."""
AXIS = Either(Whole(), Several(Whole()))
MODE = OneOf(("auto", "min", "max"))
