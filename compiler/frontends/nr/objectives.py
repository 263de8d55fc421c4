"""Whether the losses of a network fit its outputs. Only what is certainly a mistake is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph import ModelOp
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import format_shape, shape_of
from neuralc.grammar.configured import Configured
from neuralc.grammar.diagnostics import Diagnostic, error, warning
from neuralc.grammar.values import Space

_CATEGORICAL = frozenset(
    {
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "categorical_focal_crossentropy",
        "categorical_generalized_cross_entropy",
    }
)
_BINARY = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
_OF_PROBABILITIES = _CATEGORICAL | _BINARY


def check_objectives(model: ModelOp, clauses: Mapping[str, Any]) -> list[Diagnostic]:
    """Warnings about losses. Raises NeuralcError where there is not one for each output, or one for all."""
    losses: tuple[Any, ...] = clauses.get("loss", ())
    outputs = list(model.terminator.operands)
    if len(losses) > 1 and len(losses) != len(outputs):
        count = f"{len(outputs)} output{'s' if len(outputs) > 1 else ''}"
        shown = f"the network has {count}, {', '.join(model.outputs)}"
        span = losses[-1].span if isinstance(losses[-1], Configured | Space) else None
        raise error(
            "E0315",
            f"{len(losses)} losses for {count}",
            span,
            note=shown,
            help="give one for all, or one for each output",
        )
    pairs = zip(losses * len(outputs) if len(losses) == 1 else losses, outputs, strict=False)
    return [found for loss, output in pairs if isinstance(loss, Configured) for found in _fit(loss, output)]


def _fit(loss: Configured, output: SSAValue) -> Iterator[Diagnostic]:
    """Warnings about one loss and the value it is given."""
    if loss.name not in _OF_PROBABILITIES:
        return
    last, logits = output.owner, loss.arguments.get("from_logits", False)
    proper = "softmax" if loss.name in _CATEGORICAL else "sigmoid"
    if logits is True and isinstance(last, graph.SoftmaxOp if proper == "softmax" else graph.SigmoidOp):
        yield _misfit(
            loss,
            f"`{loss.name}` takes logits, and the output went through {proper} already",
            f"leave out `from_logits`, or the {proper} of the last layer",
        )
    elif logits is False and isinstance(last, graph.DenseOp | graph.ConvOp):
        yield _misfit(
            loss,
            f"`{loss.name}` takes probabilities, and the output is a sum without activation",
            f'give the last layer `activation="{proper}"`'
            + ("" if loss.name == "categorical_generalized_cross_entropy" else ", or the loss `from_logits=true`"),
        )
    elif logits is False and isinstance(last, graph.LogSoftmaxOp):
        yield _misfit(
            loss,
            f"`{loss.name}` takes probabilities, and the output is their logarithm",
            "use softmax in place of log_softmax",
        )
    yield from _one_class(loss, output)


def _one_class(loss: Configured, output: SSAValue) -> Iterator[Diagnostic]:
    shape, last = shape_of(output.type), output.owner
    if loss.name in _CATEGORICAL and shape and shape[-1] == 1 and loss.arguments.get("axis", -1) == -1:
        yield _misfit(
            loss,
            f"`{loss.name}` chooses among classes, and the output {format_shape(shape)} has one",
            "one unit with sigmoid goes with `binary_crossentropy`",
        )
    elif isinstance(last, graph.SoftmaxOp) and shape[normalize_axis(last.literal("axis"), len(shape))] == 1:
        yield _misfit(loss, "softmax over one unit is always 1: nothing can be learned", "use sigmoid")


def _misfit(loss: Configured, message: str, help: str) -> Diagnostic:
    return warning("W0303", message, loss.span, help=help)
