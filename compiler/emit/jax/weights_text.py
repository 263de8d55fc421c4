"""Where the parameters of an emitted file stand in a weights file: its tables, and `load` and `save`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neuralc.emit.python.expressions import Value, literal
from neuralc.emit.python.plan import Row
from neuralc.emit.python.writer import Writer


def write_weights(writer: Writer, rows: Sequence[Row]) -> None:
    """The names of the file, and what makes its arrays the parameters, as far as that does not go without saying."""
    stored = {row.parameter: row.key for row in rows if row.parameter != row.key}
    axes = {row.key: row.axes for row in rows if row.axes != tuple(range(len(row.axes)))}
    shapes = {row.key: row.shape for row in rows if row.shape}
    writer.blank(2)
    _table(writer, "STORED", "What a weights file calls the parameters whose path it does not have.", stored)
    _table(writer, "AXES", "The orders of axes that make arrays of the file parameters.", axes)
    _table(writer, "SHAPES", "The sizes of these axes, where a parameter has some of them as one.", shapes)
    writer.blank(2 if stored or axes or shapes else 0)
    _write_load(writer, turned=bool(axes), reshaped=bool(shapes))
    writer.blank(2)
    _write_save(writer, turned=bool(axes), reshaped=bool(shapes))
    writer.blank(2)
    _write_name_of(writer, renamed=bool(stored))


def _table(writer: Writer, name: str, meaning: str, entries: Mapping[str, Value]) -> None:
    if not entries:
        return
    writer.line(f"# {meaning}")
    with writer.block(f"{name} = {{"):
        writer.lines([f"{literal(key)}: {literal(value)}," for key, value in entries.items()])
    writer.line("}")


def _write_load(writer: Writer, *, turned: bool, reshaped: bool) -> None:
    with writer.block("def load(path: str) -> Params:"):
        writer.docstring("The parameters of a safetensors file.")
        writer.line("stored = load_file(path)")
        writer.line("tree = jax.eval_shape(init, jax.random.key(0))")
        if not turned and not reshaped:
            writer.line("return jax.tree.map_with_path(lambda keys, _: stored[name_of(keys)], tree)")
            return
        writer.blank()
        with writer.block("def parameter(keys: tuple[Any, ...], like: jax.ShapeDtypeStruct) -> Array:"):
            writer.line("value = stored[name_of(keys)]")
            if turned:
                with writer.block("if name_of(keys) in AXES:"):
                    writer.line("value = value.transpose(AXES[name_of(keys)])")
            writer.line("return value.reshape(like.shape)" if reshaped else "return value")
        writer.blank()
        writer.line("return jax.tree.map_with_path(parameter, tree)")


def _write_save(writer: Writer, *, turned: bool, reshaped: bool) -> None:
    with writer.block("def save(params: Params, path: str) -> None:"):
        writer.docstring("Write the parameters to a safetensors file that neuralc reads.")
        if not turned and not reshaped:
            writer.line("leaves = jax.tree.leaves_with_path(params)")
            writer.line("save_file({name_of(keys): value for keys, value in leaves}, path)")
            return
        writer.line("stored = {}")
        with writer.block("for keys, value in jax.tree.leaves_with_path(params):"):
            writer.line("name = name_of(keys)")
            if reshaped:
                writer.line("value = value.reshape(SHAPES.get(name, value.shape))")
            if turned:
                with writer.block("if name in AXES:"):
                    writer.line("value = jnp.moveaxis(value, range(value.ndim), AXES[name])")
            writer.line("stored[name] = value")
        writer.line("save_file(stored, path)")


def _write_name_of(writer: Writer, *, renamed: bool) -> None:
    with writer.block("def name_of(keys: tuple[Any, ...]) -> str:"):
        writer.docstring("What a weights file calls the parameter at a path of the tree.")
        path = 'keystr(keys, simple=True, separator=".")'
        if renamed:
            writer.line(f"path = {path}")
            writer.line("return STORED.get(path, path)")
        else:
            writer.line(f"return {path}")
