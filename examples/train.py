"""Trains the examples by running the PyTorch code that neuralc writes for them, and saves their weights.

    python examples/train.py                  # all of them, about a minute each on two cores
    python examples/train.py digits mlp

For each model: emit torch code into build/examples, train it with the optimizer, epochs and batch size that the model
itself states, print the accuracy on held-out images, write `<model>.safetensors` beside the model. Images of MNIST are
shifted by up to two pixels in training. Seeds are set: the same machine and versions give the same weights.
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from datasets import DATASETS, DIGITS_TEST, Split
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from safetensors.numpy import save_file
from torch import Tensor, nn

from neuralc.dialects.graph import the_model
from neuralc.emit.torch import emit
from neuralc.frontends.nr.load import load
from neuralc.settings import load_weights

EXAMPLES = Path(__file__).parent
BUILD = EXAMPLES.parent / "build" / "examples"
SEED = 7
MAX_SHIFT = {"mnist": 2, "mlp": 1}
"""How far training images are moved, in pixels; digits fill their eight pixels."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="model", help=f"of {', '.join(DATASETS)}; all when none is named")
    models = parser.parse_args().models or list(DATASETS)
    if unknown := sorted(set(models) - set(DATASETS)):
        parser.error(f"no example is called {', '.join(unknown)}; there are {', '.join(DATASETS)}")
    console = Console()
    for name in models:
        train, test = DATASETS[name]()
        if name == "digits":
            save_images(test)
        accuracy, size = run(name, train, test, console)
        console.print(f"[bold]{name}[/]  held-out accuracy [bold green]{accuracy:.1%}[/]  weights {size / 1e3:.0f} kB")


def run(name: str, train: Split, test: Split, console: Console) -> tuple[float, int]:
    """Train one model; gives its accuracy on `test` and the bytes of the file written."""
    program = load(EXAMPLES / f"{name}.nr")
    source = BUILD / f"{name}_torch.py"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(emit(program.module), encoding="utf-8")
    code = imported(source)
    attributes = the_model(program.module).attributes
    torch.manual_seed(SEED)
    model = getattr(code, program.name)()
    fit(model, train, attributes, MAX_SHIFT.get(name, 0), progress(console, name))
    trained = source.with_suffix(".safetensors")
    code.save(model, str(trained))
    # From the names and layouts of PyTorch to those of the program.
    store = load_weights(trained, program.module)
    weights = EXAMPLES / f"{name}.safetensors"
    save_file({name: np.ascontiguousarray(array) for name, array in store.items()}, weights)
    return accuracy(model, test), weights.stat().st_size


def fit(model: nn.Module, train: Split, attributes: dict[str, Any], shift: int, bar: Progress) -> None:
    """Minimise the cross-entropy; the learning rate falls to zero along a cosine."""
    epochs, batch_size = attributes["train"].literal("epochs"), attributes["train"].literal("batch_size")
    images, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    steps = len(images) // batch_size
    optimizer = torch.optim.Adam(model.parameters(), lr=attributes["optimizer"].literal("learning_rate"))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    model.train()
    with bar:
        task = bar.add_task("", total=epochs, loss=float("nan"))
        for _ in range(epochs):
            total = 0.0
            for batch in torch.randperm(len(images))[: steps * batch_size].split(batch_size):
                loss = cross_entropy(model(shifted(images[batch], shift)), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item()
            bar.update(task, advance=1, loss=total / steps)


def cross_entropy(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Of probabilities, as Keras has it: the models end in softmax."""
    return F.nll_loss(probabilities.clamp_min(1e-7).log(), labels)


def shifted(images: Tensor, most: int) -> Tensor:
    """Each image moved by an offset of its own of up to `most` pixels; what comes in is black."""
    if not most:
        return images
    side = round(images[0].numel() ** 0.5)
    planes = F.pad(images.reshape(-1, side, side), (most, most, most, most))
    windows = planes.unfold(1, side, 1).unfold(2, side, 1)  # (image, down, right, height, width)
    down, right = torch.randint(2 * most + 1, (2, len(images)))
    return windows[torch.arange(len(images)), down, right].reshape(images.shape)


def accuracy(model: nn.Module, test: Split) -> float:
    model.eval()
    with torch.no_grad():
        predictions = model(torch.from_numpy(test.images)).argmax(1).numpy()
    return float((predictions == test.labels).mean())


def save_images(test: Split) -> None:
    """The held-out digits as bytes, for the demonstration."""
    images = np.rint(test.images * 16).astype(np.uint8)
    np.savez_compressed(DIGITS_TEST, images=images, labels=test.labels.astype(np.uint8))


def imported(source: Path) -> ModuleType:
    """The emitted file as a module."""
    spec = importlib.util.spec_from_file_location(source.stem, source)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {source}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def progress(console: Console, name: str) -> Progress:
    columns = (
        TextColumn(f"[bold]{name:7}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("epochs  loss {task.fields[loss]:.4f}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console)


if __name__ == "__main__":
    main()
