"""The tables of an emitted file for parameters that are put together from parts of the arrays in a weights file.

PARTS = {
    "lstm.kernel": [("onnx::LSTM_117", (0, blocks(0, 2, 3, 1, size=5)), (1, 0))],
    "lstm.bias": [
        ("onnx::LSTM_119", (0, blocks(0, 2, 3, 1, size=5)), (0,)),
        ("onnx::LSTM_119", (0, blocks(4, 6, 7, 5, size=5)), (0,)),
    ],
}
SUMS = {"lstm.bias"}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from neuralc.emit.python.expressions import literal
from neuralc.emit.python.places import index_of
from neuralc.emit.python.plan import Row
from neuralc.emit.python.writer import Writer

COMMENT = (
    "# Parameters that are parts of arrays of a weights file: the array, the places in it, and the",
    "# order of its axes. Several are rows of the parameter.",
)
COMMENT_OF_SUMS = "# Parameters that are the sum of their parts instead."
COMMENT_OF_SHAPES = "# The shapes of those arrays."


class PartsTable:
    """The parameters of `rows` that `is_part` says so of, or that have several rows."""

    def __init__(self, rows: Sequence[Row], is_part: Callable[[Row], bool]) -> None:
        every: dict[str, list[Row]] = {}
        for row in rows:
            every.setdefault(row.parameter, []).append(row)
        self.parts = {name: found for name, found in every.items() if len(found) > 1 or is_part(found[0])}
        self.sums = [name for name, found in self.parts.items() if len(found) > 1 and found[0].into is None]
        self.shapes = {row.key: row.stored for found in self.parts.values() for row in found}

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def has_blocks(self) -> bool:
        """Whether the tables call `blocks`."""
        return any("blocks(" in _part(row)[1] for found in self.parts.values() for row in found)

    def write(self, writer: Writer) -> None:
        writer.lines(COMMENT)
        with writer.block("PARTS = {"):
            for name, rows in self.parts.items():
                self._write(writer, name, [_part(row) for row in rows])
        writer.line("}")
        if self.sums:
            writer.line(COMMENT_OF_SUMS)
            names = [literal(name) for name in self.sums]
            if writer.fits(f"SUMS = {{{', '.join(names)}}}"):
                writer.line(f"SUMS = {{{', '.join(names)}}}")
            else:
                with writer.block("SUMS = {"):
                    writer.lines([f"{name}," for name in names])
                writer.line("}")
        writer.line(COMMENT_OF_SHAPES)
        with writer.block("SHAPES = {"):
            writer.lines([f"{literal(key)}: {literal(shape)}," for key, shape in self.shapes.items()])
        writer.line("}")

    def _write(self, writer: Writer, name: str, parts: Sequence[Sequence[str]]) -> None:
        texts = [f"({', '.join(part)})" for part in parts]
        whole = f"{literal(name)}: [{', '.join(texts)}],"
        if writer.fits(whole):
            writer.line(whole)
            return
        with writer.block(f"{literal(name)}: ["):
            for part, text in zip(parts, texts, strict=True):
                if writer.fits(f"{text},"):
                    writer.line(f"{text},")
                else:
                    writer.broken("(", part, "),")
        writer.line("],")


def _part(row: Row) -> tuple[str, str, str]:
    index = index_of(row.places).text if row.places else "..."
    return literal(row.key), index, literal(row.axes)
