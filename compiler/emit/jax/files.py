"""The part of an emitted file that reads and writes weights: `load` and `save`, by the paths of the tree."""

from __future__ import annotations

from neuralc.emit.placements import WeightPlan
from neuralc.emit.python.structure import Structure
from neuralc.emit.python.writer import Writer

_FILES = '''\
def load(path: str) -> Params:
    """The parameters of a safetensors file."""
    stored = load_file(path)
    tree = jax.eval_shape(init, jax.random.key(0))
    return jax.tree.map_with_path(lambda keys, _: stored[name_of(keys)], tree)


def save(params: Params, path: str) -> None:
    """Write the parameters to a safetensors file that neuralc reads."""
    leaves = jax.tree.leaves_with_path(params)
    save_file({name_of(keys): value for keys, value in leaves}, path)


def name_of(keys: tuple[Any, ...]) -> str:
    """What a weights file calls the parameter at a path of the tree."""
    return keystr(keys, simple=True, separator=".")
'''


def weight_plan(structure: Structure) -> WeightPlan:
    """The parameters by their paths in the tree."""
    return WeightPlan(structure.placements(structure.rows))


def write_files(writer: Writer) -> None:
    """`load`, `save` and what both call."""
    writer.blank(2)
    writer.lines(_FILES.splitlines())
