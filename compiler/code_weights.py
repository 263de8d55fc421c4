"""Weights files that code of a framework wrote, code that neuralc had written for the model: their names and layouts.

The plan by which such a file is made of the weights of the model is made again, and goes the other way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.types import element_of, numpy_dtype
from neuralc.dialects.weights import WeightStore
from neuralc.emit.placements import ChangedNeutral, WeightPlan
from neuralc.frontends.nr.functions import WeightDeclaration
from neuralc.grammar.diagnostics import NeuralcError, Span, error

Array = NDArray[Any]


@dataclass(frozen=True)
class CodeOfModel:
    """The code that neuralc writes for a model, as far as files of its weights go."""

    module: ModuleOp
    own: WeightStore | None = None
    """The weights that came with the model: those of an import."""
    imported: bool = False

    def plans(self, names: Collection[str]) -> Iterator[CodeWeights]:
        """What a file may be that has these names: that of code for training, or for inference."""
        from neuralc.emit.code_forms import FORMS
        from neuralc.emit.written_model import WrittenModel

        # A weight of Keras has the path of its layer in front, with slashes.
        forms = ("keras",) if any("/" in name for name in names) else ("torch", "jax")
        for inference in (False, True):
            written = WrittenModel(self.module, self.own, self.imported, inference)
            for form in forms:
                try:
                    plan = FORMS[form].file_of(written).weights
                except NeuralcError:
                    continue  # no code, and so no file of it
                yield CodeWeights(FORMS[form].name, FORMS[form].format, plan, self.own)


@dataclass(frozen=True)
class CodeWeights:
    """What the code of a form has in its weights file."""

    form: str
    format: str
    """What files of this framework say in their metadata."""
    plan: WeightPlan
    own: WeightStore | None

    @property
    def said(self) -> str:
        return f"the model's {self.form} code"

    @property
    def reorders(self) -> list[str]:
        """What has the name of a weight of the model, and is another arrangement of weights."""
        keys = {part.key for each in self.plan.placements for part in each.parts}
        return [each.name for each in self.plan.placements if each.name in keys and not each.is_its_weight]

    def names(self, found: Collection[str]) -> list[str]:
        """What a file has to have; it may lack what the model does not have either."""
        needed = [each.name for each in self.plan.placements]
        return needed + [each.name for each in self.plan.neutral if each.name in found]

    def store(
        self, stored: Mapping[str, Array], declared: Sequence[WeightDeclaration], span: Span | None
    ) -> WeightStore:
        """The weights of the model, each made where it is read. Raises NeuralcError E0502."""
        lost = [
            weight.name
            for weight in declared
            if not self.plan.holds(weight.name, weight.shape) and weight.name not in (self.own or ())
        ]
        if lost:
            raise error(
                "E0502",
                f"the {self.form} code of the model does not have all of its weights",
                span,
                note=[f"missing: {name}" for name in lost],
            )
        try:
            self.plan.check(stored)
        except ChangedNeutral as changed:
            raise error(
                "E0502",
                "the file has weights that the model does not have",
                span,
                note=str(changed),
                help="train without them: `requires_grad_(False)`, as the code says it",
            ) from None
        return WeightStore({weight.name: partial(self._made, weight, stored) for weight in declared})

    def _made(self, weight: WeightDeclaration, stored: Mapping[str, Array]) -> Array:
        whole = self.plan.holds(weight.name, weight.shape)
        own = None if whole or self.own is None else self.own[weight.name]
        return self.plan.weight(weight.name, np.dtype(numpy_dtype(element_of(weight.type))), stored, own)
