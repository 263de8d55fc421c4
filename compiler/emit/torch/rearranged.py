"""Arrays of a weights file that are more than parameters in another order of axes: those of GRUs from Keras.

Their update gate stands before the reset gate, torch's behind it, and one array has both biases as rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from neuralc.emit.python.plan import Row
from neuralc.emit.python.writer import Writer


@dataclass(frozen=True)
class Rearranged:
    """The arrays whose first two gates change places, along the last axis, and those that are split into two rows."""

    gated: tuple[str, ...]
    rows: tuple[str, ...]

    @staticmethod
    def of(rows: Sequence[Row]) -> Rearranged:
        return Rearranged(
            tuple(dict.fromkeys(row.key for row in rows if row.gates)),
            tuple(dict.fromkeys(row.key for row in rows if row.row is not None)),
        )

    def __bool__(self) -> bool:
        return bool(self.gated or self.rows)

    def placed(self, row: Row) -> Row:
        """The row of a table, where an array that is split is two."""
        return row if row.row is None else replace(row, key=f"{row.key}.{row.row}", row=None)

    def write(self, writer: Writer) -> None:
        """`from_file` and `to_file`, which undoes it."""
        writer.blank(2)
        writer.line("# Arrays of GRUs: the file has the update gate before the reset gate, torch behind it.")
        _write_names(writer, "GATED", self.gated)
        if self.rows:
            writer.line("# Of these, both biases in one array.")
            _write_names(writer, "BIASES", self.rows)
        writer.blank(2)
        with writer.block("def exchange_gates(stored: dict[str, Tensor]) -> None:"):
            writer.docstring("Update and reset gates change places.")
            with writer.block("for key in GATED:"):
                writer.line("first, second, new = stored[key].chunk(3, dim=-1)")
                writer.line("stored[key] = torch.cat((second, first, new), dim=-1)")
        writer.blank(2)
        with writer.block("def from_file(stored: dict[str, Tensor]) -> dict[str, Tensor]:"):
            writer.docstring("The arrays of a file as torch has them.")
            writer.line("exchange_gates(stored)")
            if self.rows:
                with writer.block("for key in BIASES:"):
                    writer.line('stored[f"{key}.0"], stored[f"{key}.1"] = stored.pop(key)')
            writer.line("return stored")
        writer.blank(2)
        with writer.block("def to_file(stored: dict[str, Tensor]) -> dict[str, Tensor]:"):
            writer.docstring("The arrays that torch has as a file has them.")
            if self.rows:
                with writer.block("for key in BIASES:"):
                    writer.line('rows = stored.pop(f"{key}.0"), stored.pop(f"{key}.1")')
                    writer.line("stored[key] = torch.stack(rows)")
            writer.line("exchange_gates(stored)")
            writer.line("return stored")


def _write_names(writer: Writer, name: str, keys: Sequence[str]) -> None:
    quoted = [f'"{key}"' for key in keys]
    together = ", ".join(quoted) if len(quoted) > 1 else f"{quoted[0]},"
    if writer.fits(f"{name} = ({together})"):
        writer.line(f"{name} = ({together})")
        return
    with writer.block(f"{name} = ("):
        writer.lines([f"{each}," for each in quoted])
    writer.line(")")
