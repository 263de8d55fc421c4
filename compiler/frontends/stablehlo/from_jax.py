"""neuralc.from_jax: a jax function as a model, its parameters as weights that are named by their paths."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from neuralc.frontends.stablehlo import bindings
from neuralc.frontends.stablehlo.load import imported
from neuralc.frontends.stablehlo.module import Port
from neuralc.frontends.stablehlo.ports import identifier, path_of, unique
from neuralc.grammar.diagnostics import error

if TYPE_CHECKING:
    from neuralc.imported import ImportedModel


def from_jax(
    function: Callable[..., Any], params: Any, *args: Any, dynamic: Any = None, name: str | None = None
) -> ImportedModel:
    """The model that `function(params, *args)` computes; `function(*args)` where `params` is None.

    params: a tree (dicts, lists, tuples, dataclasses that are registered) of arrays. They become weights with the
        names of their paths, `encoder.0.kernel`, and share their memory.
    args: arrays, or `jax.ShapeDtypeStruct`: only shapes and dtypes count. They become inputs with the names that the
        function has for them; trees become an input for each leaf.
    dynamic: sizes that a run decides, as `jax.export.symbolic_args_specs` takes them: "batch, ..." for one argument or
        for all, a tuple with one entry for each argument.

    Raises NeuralcError: E0615 without jax, E0654 where jax cannot lower the function, E0653 for what is not compiled.
    """
    jax = bindings.require_jax("`neuralc.from_jax`")
    leaves = jax.tree_util.tree_flatten_with_path(params)[0]
    weights = [_array(jax, leaf) for _, leaf in leaves]
    names = unique(path_of(jax.tree_util.keystr(path)) or "params" for path, _ in leaves)
    try:
        specs = _specs(jax, args, dynamic)
        tree = jax.tree_util.tree_unflatten(
            jax.tree_util.tree_structure(params), [jax.ShapeDtypeStruct(each.shape, each.dtype) for each in weights]
        )
        given = specs if params is None else (tree, *specs)
        lowered = jax.jit(function, keep_unused=True).trace(*given).lower(lowering_platforms=("cpu",))
        code = lowered.compiler_ir("stablehlo")
    except Exception as problem:  # whatever tracing the user's function raises
        raise error(
            "E0654", f"jax cannot lower `{_name(function)}`", note=str(problem)[:600] or type(problem).__name__
        ) from problem
    ports = [Port(each, array) for each, array in zip(names, weights, strict=True)]
    ports += _inputs(jax, function, specs, 0 if params is None else 1)
    return imported(code, name or _name(function), ports)


def _specs(jax: Any, args: Sequence[Any], dynamic: Any) -> tuple[Any, ...]:
    shapes = jax.tree_util.tree_map(lambda leaf: leaf if hasattr(leaf, "shape") else np.asarray(leaf), tuple(args))
    found: tuple[Any, ...]
    if dynamic is None:
        found = jax.tree_util.tree_map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, jax.dtypes.canonicalize_dtype(leaf.dtype)), shapes
        )
        return found
    wanted = tuple(dynamic) if isinstance(dynamic, list | tuple) else dynamic
    found = import_module("jax.export").symbolic_args_specs(shapes, wanted)
    return found


def _array(jax: Any, leaf: Any) -> np.ndarray[Any, Any]:
    """The values of a parameter, of the dtype that jax computes in: a view, unless jax itself would convert them."""
    array = np.asarray(leaf)
    return array.astype(jax.dtypes.canonicalize_dtype(array.dtype), copy=False)


def _inputs(jax: Any, function: Callable[..., Any], specs: Sequence[Any], first: int) -> list[Port]:
    """A port for each leaf of the arguments, called as the function calls them."""
    called = _parameters(function)[first:]
    paths: list[str] = []
    shapes: list[tuple[int | str, ...]] = []
    for index, spec in enumerate(specs):
        own = called[index] if index < len(called) else f"x{index}"
        for path, leaf in jax.tree_util.tree_flatten_with_path(spec)[0]:
            paths.append(own + jax.tree_util.keystr(path))
            shapes.append(tuple(size if isinstance(size, int) else str(size) for size in leaf.shape))
    return [Port(name, None, shape) for name, shape in zip(unique(map(identifier, paths)), shapes, strict=True)]


def _parameters(function: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter.name for parameter in parameters if parameter.kind in positional]


def _name(function: Callable[..., Any]) -> str:
    """What the function is called; a method as its class, `functools.partial` as what is inside."""
    function = getattr(function, "func", function)
    owner = getattr(function, "__self__", None)
    if owner is not None and not inspect.ismodule(owner):
        return type(owner).__name__
    found = str(getattr(function, "__name__", type(function).__name__))
    return "model" if found == "<lambda>" else found
