"""neuralc.from_jax: a jax function as a model, its parameters as weights that are named by their paths."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from functools import wraps
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

COLLECTION = "params"
"""What variables of Flax have beside other collections: what is trained."""


def from_jax(
    function: Callable[..., Any], params: Any, *args: Any, dynamic: Any = None, name: str | None = None
) -> ImportedModel:
    """The model that `function(params, *args)` computes; `function(*args)` where `params` is None.

    function: with `params` None it may also be a tree that is called and has its parameters itself: an `nnx.Module`.
    params: a tree (dicts, lists, tuples, dataclasses that are registered) of arrays. They become weights with the
        names of their paths, `encoder.0.kernel`, and share their memory; those of variables of Flax, which are
        collections like "params", begin below these. What is no array (a function, a key of random numbers) stays what
        it is.
    args: arrays, or `jax.ShapeDtypeStruct`: only shapes and dtypes count. They become inputs with the names that the
        function has for them; trees become an input for each leaf.
    dynamic: sizes that a run decides, as `jax.export.symbolic_args_specs` takes them: "batch, ..." for one argument or
        for all, a tuple with one entry for each argument.

    Raises NeuralcError: E0615 without jax, E0654 where jax cannot lower the function, E0653 for what is not compiled.
    """
    jax = bindings.require_jax("`neuralc.from_jax`")
    if params is None and _holds_arrays(jax, function):
        function, params = _applied(function), function
    leaves, tree = jax.tree_util.tree_flatten_with_path(params)
    held = {index: _array(jax, leaf) for index, (_, leaf) in enumerate(leaves) if _is_array(jax, leaf)}
    names = unique(_paths(jax, [leaves[index][0] for index in held]))

    @wraps(function)
    def run(arrays: Sequence[Any], *args: Any) -> Any:
        given = dict(zip(held, arrays, strict=True))
        rebuilt = [given.get(index, leaf) for index, (_, leaf) in enumerate(leaves)]
        return function(jax.tree_util.tree_unflatten(tree, rebuilt), *args)

    try:
        specs = _specs(jax, args, dynamic)
        arrays = [jax.ShapeDtypeStruct(each.shape, each.dtype) for each in held.values()]
        traced, given = (function, specs) if params is None else (run, (arrays, *specs))
        lowered = jax.jit(traced, keep_unused=True).trace(*given).lower(lowering_platforms=("cpu",))
        code = lowered.compiler_ir("stablehlo")
    except Exception as problem:  # whatever tracing the user's function raises
        raise error(
            "E0654", f"jax cannot lower `{_name(function)}`", note=str(problem)[:600] or type(problem).__name__
        ) from problem
    ports = [Port(each, array) for each, array in zip(names, held.values(), strict=True)]
    ports += _inputs(jax, function, specs, 0 if params is None else 1)
    return imported(code, name or _name(function), ports)


def _applied(module: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(type(module).__call__)
    def run(module: Callable[..., Any], *args: Any) -> Any:
        return module(*args)

    run.__name__ = type(module).__name__
    return run


def _holds_arrays(jax: Any, function: Callable[..., Any]) -> bool:
    """Whether what is called is a tree with parameters in it; another callable is a leaf."""
    return any(leaf is not function and _is_array(jax, leaf) for leaf in jax.tree_util.tree_leaves(function))


def _is_array(jax: Any, leaf: Any) -> bool:
    """Whether a leaf has numbers: a key of random numbers has none that are a model's."""
    if jax.dtypes.issubdtype(getattr(leaf, "dtype", np.float32), jax.dtypes.prng_key):
        return False
    return hasattr(leaf, "dtype") or isinstance(leaf, bool | int | float | complex)


def _paths(jax: Any, paths: Sequence[Any]) -> list[str]:
    """The names of weights. A box around one array, as Flax has them, is no step of a path.

    Nor is the collection that it is in, among variables of Flax: `{"params": .., "batch_stats": ..}`.
    """
    inside = Counter(path[:-1] for path in paths)
    boxed = (len(path) > 1 and inside[path[:-1]] == 1 and getattr(path[-1], "name", "") == "value" for path in paths)
    steps = [path[:-1] if box else path for path, box in zip(paths, boxed, strict=True)]
    without = [path[1:] for path in steps]
    if any(getattr(path[0], "key", "") == COLLECTION for path in steps if path) and all(without):
        steps = without if len(set(without)) == len(without) else steps
    return [path_of(jax.tree_util.keystr(path)) or "params" for path in steps]


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
