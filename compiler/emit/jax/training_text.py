"""How an emitted file trains: `Training`, which goes through the functions, and `train_forward` around `forward`.

A batch norm in training has a second result, the statistics that it moves. Written out, each function that holds one
would take and return a tree of statistics beside its values, and be twice as long as at inference. Instead the step of
training is handed in: it collects statistics while JAX traces, by the parameter that each replaces. `train_forward`
makes it and returns parameters with the new statistics, so that what is differentiated and compiled is a pure function.
"""

from __future__ import annotations

from collections.abc import Collection

from neuralc.emit.python.classes import ClassText
from neuralc.emit.python.writer import Writer

_KEYED = ("alpha_dropout", "drop_all", "dropout", "gate_masks", "noise", "shared_dropout")


def write_training(writer: Writer, used: Collection[str], *, penalized: bool) -> None:
    """The class, with the parts that the model needs."""
    keyed, moving = any(key in used for key in _KEYED), "batch_norm" in used
    writer.blank(2)
    with writer.block("class Training:"):
        parts = ["keys for noise"] if keyed else []
        parts += ["statistics that batch norms move"] if moving else []
        parts += ["what is added to the loss"] if penalized else []
        writer.docstring(
            f"A step of training: {', '.join(parts)}.",
            "It fills while a function is traced, so `train_forward` makes a new one for each.",
        )
        writer.blank()
        with writer.block(f"def __init__(self{', key: Array' if keyed else ''}) -> None:"):
            writer.lines(["self._key = key"] if keyed else [])
            writer.lines(["self._moved: dict[int, Array] = {}"] if moving else [])
            writer.lines(["self.penalty = jnp.zeros(())"] if penalized else [])
        if keyed:
            writer.blank()
            with writer.block("def key(self) -> Array:"):
                writer.docstring("A key of its own for each that asks.")
                writer.line("self._key, key = jax.random.split(self._key)")
                writer.line("return key")
        if moving:
            writer.blank()
            with writer.block("def move(self, old: Array, new: Array, momentum: float) -> None:"):
                writer.docstring("Move a statistic toward that of the batch.")
                writer.line("new = lax.stop_gradient(new)")
                writer.line("self._moved[id(old)] = momentum * old + (1 - momentum) * new")
            writer.blank()
            with writer.block("def moved(self, params: Params) -> Params:"):
                writer.docstring("The parameters with the statistics that were moved.")
                writer.line("return jax.tree.map(lambda old: self._moved.get(id(old), old), params)")


def write_train_forward(writer: Writer, model: ClassText, used: Collection[str], *, stateful: bool) -> None:
    keyed, moving = any(key in used for key in _KEYED), "batch_norm" in used
    penalized = "penalized" in used
    results = len(model.lowered.results)
    result = "Array" if results == 1 else f"tuple[{', '.join(['Array'] * results)}]"
    result = f"tuple[{result}, Params]" if stateful else result
    returned = [result, *(["Params"] if moving else []), *(["Array"] if penalized else [])]
    returns = result if len(returned) == 1 else f"tuple[{', '.join(returned)}]"
    parameters = ["params: Params"] if model.plan.holds_weights else []
    parameters += ["state: Params"] if stateful else []
    parameters += [f"{argument}: Array" for argument in model.arguments]
    parameters += ["key: Array"] if keyed else []
    writer.blank(2)
    writer.definition("train_forward", parameters, returns)
    with writer.indented():
        more = ["parameters with moved statistics"] if moving else []
        more += ["what is added to the loss"] if penalized else []
        writer.docstring(f"The results in training{''.join(f', {part}' for part in more)}.")
        trees = [*(["params"] if model.plan.holds_weights else []), *(["state"] if stateful else [])]
        arguments = ", ".join([*trees, *model.arguments])
        step = f"Training({'key' if keyed else ''})"
        if len(returned) == 1:
            writer.line(f"return forward({arguments}, {step})")
            return
        writer.line(f"train = {step}")
        writer.line(f"result = forward({arguments}, train)")
        values = ["result", *(["train.moved(params)"] if moving else []), *(["train.penalty"] if penalized else [])]
        writer.line(f"return {', '.join(values)}")
