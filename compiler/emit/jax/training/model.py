"""What a training script has to know of the JAX code that it imports."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from neuralc.emit.jax.emitter import file_of
from neuralc.emit.python.expressions import literal
from neuralc.emit.training.frozen import fixed_parameters


@dataclass(frozen=True)
class Kept:
    """The parameters that are not trained: their names, or ends of names that no others have."""

    names: Sequence[str]
    ends: bool

    @property
    def trained(self) -> str:
        """The condition for a parameter at `keys` to be trained."""
        name = "name_of(keys[-1:])" if self.ends else "name_of(keys)"
        if len(self.names) == 1:
            return f"{name} != {literal(self.names[0])}"
        return f"{name} not in {literal(tuple(self.names))}"


@dataclass(frozen=True)
class Model:
    """The functions of the code, and what its `train_forward` takes and gives."""

    functions: frozenset[str]
    keyed: bool
    """Whether training needs keys for noise."""
    moves: bool
    """Whether training moves statistics, which `train_forward` gives beside the results."""
    penalized: bool
    """Whether `train_forward` gives what is added to the loss."""
    fixed: Sequence[str]
    """The parameters that are not trained."""
    kept: Kept | None
    """The same in short."""

    @staticmethod
    def of(module: ModuleOp, code: str) -> Model:
        functions = {node.name: node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)}
        trains = functions.get("train_forward")
        text = "" if trains is None else ast.unparse(trains)
        keyed = trains is not None and any(each.arg == "key" for each in trains.args.args)
        placements = file_of(module).weights.placements
        fixed = fixed_parameters(module, placements)
        kept = _kept(fixed, [each.name for each in placements])
        return Model(frozenset(functions), keyed, "train.moved(" in text, "train.penalty" in text, fixed, kept)


def _kept(fixed: Sequence[str], parameters: Sequence[str]) -> Kept | None:
    if not fixed:
        return None
    ends = {_end(name) for name in fixed}
    trained = {_end(name) for name in parameters if name not in fixed}
    return Kept(fixed, ends=False) if ends & trained else Kept(sorted(ends), ends=True)


def _end(name: str) -> str:
    return name.rpartition(".")[2]
