"""The part of an emitted file that reads and writes weights: what a file calls them, `load` and `save`."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.emit.python.expressions import literal
from neuralc.emit.python.parts import PartsTable
from neuralc.emit.python.plan import Row
from neuralc.emit.python.writer import Writer

_BLOCKS = '''\
def blocks(*order: int, size: int) -> np.ndarray:
    """The places of blocks along an axis, in another order."""
    return np.concatenate([np.arange(size) + block * size for block in order])
'''

_FILES = '''\
def load(path: str) -> Params:
    """The parameters of a safetensors file."""
    stored = load_file(path)
    tree = jax.eval_shape(init, jax.random.key(0))
    return jax.tree.map_with_path(
        lambda keys, leaf: taken(stored, path_of(keys), leaf.shape), tree
    )


def save(params: Params, path: str) -> None:
    """Write the parameters to a safetensors file that neuralc reads."""
    stored = {}
    for keys, value in jax.tree.leaves_with_path(params):
        put(stored, path_of(keys), value)
    save_file(stored, path)


def path_of(keys: tuple[Any, ...]) -> str:
    """The path of a parameter in the tree, as one text."""
    return keystr(keys, simple=True, separator=".")
'''

_GET = '''\
def taken(stored: Params, path: str, shape: tuple[int, ...]) -> Array:
    """The parameter at a path of the tree, from the arrays of a weights file."""
    if path not in PARTS:
        return stored[{name}]
    parts = [stored[key][places].transpose(axes) for key, places, axes in PARTS[path]]
    return {joined}.reshape(shape)
'''

_PUT = '''\
def put(stored: Params, path: str, value: Array) -> None:
    """The parameter at a path of the tree, into the arrays of a weights file."""
    if path not in PARTS:
        stored[{name}] = value
        return
    {split}
    for (key, places, axes), part in zip(PARTS[path], parts, strict=True):
        whole = stored.get(key, jnp.zeros(SHAPES[key], value.dtype))
        shape = whole[places].transpose(axes).shape
        part = part.reshape(shape).transpose(np.argsort(axes))
        stored[key] = whole.at[places].set(part)
'''

_SPLIT = "parts = jnp.split(value, len(PARTS[path]))"
_SPLIT_OR_SUM = """\
count = len(PARTS[path])
    if path in SUMS:
        parts = [value] + [jnp.zeros_like(value)] * (count - 1)
    else:
        parts = jnp.split(value, count)"""


class FilesWriter:
    """Writes the tables and functions for the parameters of `rows`, which are called by their paths in the tree."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._parts = PartsTable(rows, _is_moved)
        named = [row for row in rows if row.parameter not in self._parts.parts]
        self._stored = {row.parameter: row.key for row in named if row.parameter != row.key}

    def write(self, writer: Writer) -> None:
        if self._parts.has_blocks:
            _write_text(writer, _BLOCKS)
        if self._stored or self._parts:
            writer.blank(2)
        if self._stored:
            writer.line("# What a weights file calls the parameters whose path it does not have.")
            with writer.block("STORED = {"):
                writer.lines([f"{literal(path)}: {literal(key)}," for path, key in self._stored.items()])
            writer.line("}")
        if self._parts:
            self._parts.write(writer)
            self._write_parts(writer)
        else:
            self._write_whole(writer)

    def _write_whole(self, writer: Writer) -> None:
        """Every parameter is an array of the file, as it lies there."""
        writer.blank(2)
        with writer.block("def load(path: str) -> Params:"):
            writer.docstring("The parameters of a safetensors file.")
            writer.line("stored = load_file(path)")
            writer.line("tree = jax.eval_shape(init, jax.random.key(0))")
            writer.line("return jax.tree.map_with_path(lambda keys, _: stored[name_of(keys)], tree)")
        writer.blank(2)
        with writer.block("def save(params: Params, path: str) -> None:"):
            writer.docstring("Write the parameters to a safetensors file that neuralc reads.")
            writer.line("leaves = jax.tree.leaves_with_path(params)")
            writer.line("save_file({name_of(keys): value for keys, value in leaves}, path)")
        writer.blank(2)
        with writer.block("def name_of(keys: tuple[Any, ...]) -> str:"):
            writer.docstring("What a weights file calls the parameter at a path of the tree.")
            path = 'keystr(keys, simple=True, separator=".")'
            if self._stored:
                writer.line(f"path = {path}")
                writer.line("return STORED.get(path, path)")
            else:
                writer.line(f"return {path}")

    def _write_parts(self, writer: Writer) -> None:
        name = "STORED.get(path, path)" if self._stored else "path"
        sums = self._parts.sums
        _write_text(writer, _FILES)
        joined = "(sum(parts) if path in SUMS else jnp.concatenate(parts))" if sums else "jnp.concatenate(parts)"
        _write_text(writer, _GET.format(name=name, joined=joined))
        _write_text(writer, _PUT.format(name=name, split=_SPLIT_OR_SUM if sums else _SPLIT))


def _is_moved(row: Row) -> bool:
    """Whether a parameter is not an array of the file as it lies there."""
    return bool(row.places or row.shape) or row.axes != tuple(range(len(row.axes)))


def _write_text(writer: Writer, text: str) -> None:
    writer.blank(2)
    writer.lines(text.splitlines())
