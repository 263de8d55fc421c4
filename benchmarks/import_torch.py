"""`python -m benchmarks.import_torch NAME...`: seconds and peak memory of importing PyTorch modules, each in a process.

The names are those of tests/support/torch_modules, and `bert_base`, which needs the package `transformers`. Memory is
the peak resident size of the process, which holds Python, torch and the module itself, beside the bytes of the weights;
`before` is what it had when the import began.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

TESTS = Path(__file__).resolve().parents[1] / "tests"


@click.command()
@click.argument("names", nargs=-1)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures here too.")
@click.option("--one", is_flag=True, hidden=True)
def main(names: tuple[str, ...], json_path: Path | None, one: bool) -> None:
    """Measure how long modules take to import, and how much memory."""
    if one:
        click.echo(json.dumps(_measure(names[0])))
        return
    table = Table("module", "weights MB", "seconds", "of CPU", "before MB", "peak MB", "peak / weights")
    rows: list[dict[str, Any]] = []
    for name in names or ("bert_base",):
        arguments = [sys.executable, "-m", "benchmarks.import_torch", "--one", name]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if done.returncode:
            table.add_row(name, "failed", (done.stderr.strip().splitlines() or ["?"])[-1][:80])
            continue
        row = json.loads(done.stdout.splitlines()[-1])
        rows.append(row)
        ratio = row["peak_mb"] / row["weights_mb"]
        figures = (row["weights_mb"], row["seconds"], row["cpu"], row["before_mb"], row["peak_mb"], ratio)
        table.add_row(name, *(f"{figure:.2f}" for figure in figures))
    Console().print(table)
    if json_path is not None:
        json_path.write_text(json.dumps(rows, indent=1) + "\n")


def _measure(name: str) -> dict[str, Any]:
    import torch

    import neuralc

    torch.set_num_threads(1)
    module, arguments, dynamic = MODULES.get(name, lambda: _example(name))()
    before, started, processor = _peak(), time.perf_counter(), time.process_time()
    neuralc.from_torch(module, arguments, dynamic=dynamic)
    seconds, cpu = time.perf_counter() - started, time.process_time() - processor
    weights = sum(each.numel() * each.element_size() for each in module.state_dict().values()) / 1e6
    times = {"seconds": seconds, "cpu": cpu}
    return {"name": name, "weights_mb": weights, **times, "before_mb": before, "peak_mb": _peak()}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _example(name: str) -> tuple[Any, Any, Any]:
    sys.path.insert(0, str(TESTS))
    from support.torch_modules import MODULES as examples

    found = next((example for example in examples if example.name == name), None)
    if found is None:
        raise click.ClickException(f"no module `{name}`; there are {', '.join(each.name for each in examples)}")
    return found.module(), found.inputs(), found.dynamic


def _bert_base() -> tuple[Any, Any, Any]:
    """Devlin et al. 2019, without trained weights."""
    import torch
    from torch import Tensor, nn
    from transformers import BertConfig, BertModel

    class Bert(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = BertModel(BertConfig())

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
            return self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    arguments = (torch.randint(0, 30522, (1, 64)), torch.ones(1, 64, dtype=torch.long))
    return Bert().eval(), arguments, None


MODULES: dict[str, Callable[[], tuple[Any, Any, Any]]] = {"bert_base": _bert_base}

if __name__ == "__main__":
    main()
