"""How much of the arena is needed: its bytes beside the largest sum of bytes that live at once, for models.

    python -m benchmarks.memory MODEL...

Symbolic sizes count as what the plan takes them for. Neither runs nor compiles beyond the kernel level.
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from neuralc import driver
from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import declared_dims
from neuralc.passes.kernel.plan_memory import buffer_lifetimes, inherit, place, typical
from neuralc.passes.pipelines import pipeline

MIB = 2.0**20
PLAN = "kernel-plan-memory"


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(models: tuple[Path, ...]) -> None:
    """Compare the arena of each model with what lives at once."""
    table = Table("model", "buffers", "written in place", "apart MiB", "live MiB", "arena MiB", "arena / live")
    for column in table.columns[1:]:
        column.justify = "right"
    for model in models:
        table.add_row(model.name, *_row(model))
    Console().print(table)


def _row(model: Path) -> list[str]:
    before = [entry for entry in pipeline(2) if entry.spec not in (PLAN, "kernel-verify-target")]
    compilation = driver.load(model, driver.Options(pass_pipeline=",".join(entry.spec for entry in before)))
    driver.compile_to(compilation, "kernel")
    ops = compilation.module.body.block.ops
    kernels = {op.sym_name.data: op for op in ops if isinstance(op, kernel.FuncOp)}
    host = next(op for op in ops if isinstance(op, kernel.HostOp))
    minima = {name: op.minimum.data.value for name, op in declared_dims(compilation.module).items()}
    apart, _ = buffer_lifetimes(host)
    shared = inherit(host, apart, kernels)
    moments = range(max((each.last for each in shared), default=-1) + 1)
    live = max((sum(each.weight for each in shared if each.first <= at <= each.last) for at in moments), default=0)
    arena = typical(place(shared, minima, Dim.constant(0))[1])
    sizes = [f"{size / MIB:.2f}" for size in (sum(each.weight for each in apart), live, arena)]
    return [str(len(apart)), str(len(apart) - len(shared)), *sizes, f"{arena / max(1, live):.3f}"]


if __name__ == "__main__":
    main()
