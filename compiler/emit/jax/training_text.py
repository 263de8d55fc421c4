"""How an emitted file trains: `Training`, which goes through the functions, and `train_forward` around `forward`.

A batch norm in training has a second result, the statistics that it moves. Written out, each function that holds one
would take and return a tree of statistics beside its values, and be twice as long as at inference. Instead the step of
training is handed in: it collects statistics while JAX traces, by the parameter that each replaces. `train_forward`
makes it and returns parameters with the new statistics, so that what is differentiated and compiled is a pure function.
Noise alone needs no such step: it takes keys.
"""

from __future__ import annotations

from neuralc.emit.jax.steps import draws, moves, penalizes, steps_of
from neuralc.emit.python.classes import ClassText
from neuralc.emit.python.plan import ClassPlan
from neuralc.emit.python.writer import Writer


def write_training(writer: Writer, model: ClassPlan) -> None:
    """The class, with the parts that the model needs."""
    moving, penalized = moves(model), penalizes(model)
    writer.blank(2)
    with writer.block("class Training:"):
        parts = ["statistics that batch norms move"] if moving else []
        parts += ["what is added to the loss"] if penalized else []
        writer.docstring(
            f"A step of training: {', '.join(parts)}.",
            "It fills while a function is traced, so `train_forward` makes a new one for each.",
        )
        writer.blank()
        with writer.block("def __init__(self) -> None:"):
            writer.lines(["self._moved: dict[int, Array] = {}"] if moving else [])
            writer.lines(["self.penalty = jnp.zeros(())"] if penalized else [])
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


def write_train_forward(writer: Writer, model: ClassText, *, stateful: bool) -> None:
    keys, moving, penalized = draws(model.plan), moves(model.plan), penalizes(model.plan)
    results = len(model.lowered.results)
    result = "Array" if results == 1 else f"tuple[{', '.join(['Array'] * results)}]"
    result = f"tuple[{result}, Params]" if stateful else result
    returned = [result, *(["Params"] if moving else []), *(["Array"] if penalized else [])]
    returns = result if len(returned) == 1 else f"tuple[{', '.join(returned)}]"
    parameters = ["params: Params"] if model.plan.holds_weights else []
    parameters += ["state: Params"] if stateful else []
    parameters += [f"{argument}: Array" for argument in model.arguments]
    parameters += ["key: Array"] if keys else []
    writer.blank(2)
    writer.definition("train_forward", parameters, returns)
    with writer.indented():
        more = ["parameters with moved statistics"] if moving else []
        more += ["what is added to the loss"] if penalized else []
        writer.docstring(f"The results in training{''.join(f', {part}' for part in more)}.")
        trees = [*(["params"] if model.plan.holds_weights else []), *(["state"] if stateful else [])]
        steps = {"keys": f"iter(jax.random.split(key, {keys}))", "train": "train"}
        call = f"forward({', '.join([*trees, *model.arguments, *(steps[step] for step in steps_of(model.plan))])})"
        if len(returned) == 1:
            writer.code(f"return {call}")
            return
        writer.line("train = Training()")
        writer.code(f"result = {call}")
        values = ["result", *(["train.moved(params)"] if moving else []), *(["train.penalty"] if penalized else [])]
        writer.line(f"return {', '.join(values)}")
