"""What `make demo` runs: compiles digits.nr for this machine and classifies 360 images it has never seen.

Needs the core of neuralc alone: no torch, no scikit-learn, no compiler or linker.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from datasets import Images, Split, held_out_digits
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

import neuralc

EXAMPLES = Path(__file__).resolve().parent
MODEL = EXAMPLES / "digits.nr"
BUILD = EXAMPLES.parent / "build" / "demo"
BATCHES = (1, 64)
SHOWN = 8
"""How many images are drawn."""


def main() -> None:
    console = Console(highlight=False)
    console.print(Panel.fit(Text(MODEL.read_text(encoding="utf-8").rstrip()), title=shown(MODEL), border_style="blue"))
    obj, levels = compile_with_command(console)
    started = time.perf_counter()
    with console.status("compiling in process"):
        model = neuralc.compile(MODEL, opt=2, threads=1)
    seconds = time.perf_counter() - started
    test = held_out_digits()
    probabilities = model(test.images)
    console.print(pictures(test, probabilities, console.color_system is not None))
    accuracy = float((probabilities.argmax(axis=1) == test.labels).mean())
    latencies = {batch: median_latency(model, test.images[:batch]) for batch in BATCHES}

    facts = Table.grid(padding=(0, 2))
    facts.add_row("images", f"{len(test.labels)} held out, 8x8 pixels")
    facts.add_row("compiled", f"in {seconds:.1f} s, by neuralc.compile, -O2")
    for batch, latency in latencies.items():
        facts.add_row(
            "latency", f"{latency:.1f} us, batch {batch}, 1 thread, median ({latency / batch:.1f} us an image)"
        )
    weights = MODEL.with_suffix(".safetensors").stat().st_size
    facts.add_row(
        "sizes", f"code {obj.stat().st_size / 1e3:.0f} kB with its packed weights, weights file {weights / 1e3:.0f} kB"
    )
    facts.add_row("IR dumps", f"{shown(levels)} (index.html shows what each pass changed)")
    console.print(facts)
    console.print(f"\naccuracy {accuracy:.1%}".replace("%", " %"), style="bold green")


def compile_with_command(console: Console) -> tuple[Path, Path]:
    """An object file by the command line, with the IR after every pass; gives the file and the folder of dumps."""
    BUILD.mkdir(parents=True, exist_ok=True)
    obj, levels = BUILD / "digits.o", BUILD / "ir"
    flags = ["-O2", "--emit=obj", "-o", shown(obj), f"--dump-ir={shown(levels)}"]
    console.print(f"[dim]$[/] neuralc {shown(MODEL)} {' '.join(flags)}", soft_wrap=True)
    with console.status("compiling"):
        subprocess.run([sys.executable, "-m", "neuralc", shown(MODEL), *flags], check=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("level", "IR in its last form", "lines"):
        table.add_column(column)
    dumps = sorted(levels.glob("*.mlir"))
    for level in ("graph", "tensor", "kernel"):
        last = [dump for dump in dumps if level_of(dump) == level][-1]
        table.add_row(f"[bold]{level}[/]", shown(last), str(len(last.read_text(encoding="utf-8").splitlines())))
    console.print(table, "")
    return obj, levels


def level_of(dump: Path) -> str:
    """The level of a dump, from its name: `008-graph-to-tensor` holds the tensor level."""
    name = dump.stem.partition("-")[2]
    return name.rpartition("-to-")[2] if "-to-" in name else name.partition("-")[0].replace("input", "graph")


def median_latency(model: Callable[[Images], Images], images: Images, seconds: float = 0.4) -> float:
    """Microseconds for one call, the median over about `seconds`."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        model(images)
        times.append(time.perf_counter() - started)
    return statistics.median(times[len(times) // 10 :]) * 1e6


def pictures(test: Split, probabilities: Images, color: bool) -> Group:
    """One image of each of the first classes and, where there is any, a mistake, with what the model says of them."""
    predictions = probabilities.argmax(axis=1)
    right = predictions == test.labels
    wrong = np.flatnonzero(~right)[:1]
    classes = range(SHOWN - len(wrong))
    chosen = [*(int(np.flatnonzero(right & (test.labels == label))[0]) for label in classes), *wrong]
    draw = in_blocks if color else in_shades
    table = Table.grid(padding=(0, 2))
    table.add_row(*(draw(test.images[index, :, :, 0]) for index in chosen))
    table.add_row(*(caption(predictions[index], test.labels[index], probabilities[index].max()) for index in chosen))
    return Group(table, "")


def caption(prediction: int, label: int, probability: float) -> Text:
    if prediction == label:
        return Text(f"{prediction}  {probability:.0%}", style="green")
    return Text(f"{prediction}, not {label}", style="bold red")


def in_blocks(image: Images) -> Text:
    """An image in half blocks: the upper pixel is the colour of the character, the lower one that behind it."""
    rows = []
    for upper, lower in zip(image[0::2], image[1::2], strict=True):
        styles = (f"{gray(above)} on {gray(below)}" for above, below in zip(upper, lower, strict=True))
        rows.append(Text.assemble(*(("▀", style) for style in styles)))
    return Text("\n").join(rows)


def in_shades(image: Images) -> Text:
    """An image without colours, for files and pipes: two pixels a character."""
    pairs = (image[0::2] + image[1::2]) / 2
    return Text("\n".join("".join(" ░▒▓█"[round(4 * float(value))] for value in row) for row in pairs))


def gray(value: float) -> str:
    level = round(255 * float(value))
    return f"rgb({level},{level},{level})"


def shown(path: Path) -> str:
    """A path as it is typed from here."""
    return os.path.relpath(path)


if __name__ == "__main__":
    main()
