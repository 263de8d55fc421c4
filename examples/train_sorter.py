"""Trains sorter.nr by running the PyTorch code that neuralc writes for it, and saves its weights: about two minutes.

    python examples/train_sorter.py

Words are random, so there is no end of them; the loss counts what is written behind `>`. Seeds are set: the same
machine and versions give the same weights.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from sort_letters import LETTERS, LONGEST, MODEL
from torch import Tensor, nn
from train import BUILD, SEED, imported, progress

from neuralc.dialects.graph import the_model
from neuralc.emit.torch import emit
from neuralc.frontends.nr.load import load

BATCHES = 100
"""Batches of an epoch."""


def main() -> None:
    console = Console()
    program = load(MODEL, network="Whole")
    source = BUILD / "sorter_torch.py"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(emit(program.module), encoding="utf-8")
    code = imported(source)
    attributes = the_model(program.module).attributes
    torch.set_num_threads(1)  # the model is too small to share
    torch.manual_seed(SEED)
    generator = np.random.default_rng(SEED)
    model: nn.Module = code.Whole()
    epochs, size = attributes["train"].literal("epochs"), attributes["train"].literal("batch_size")
    optimizer = torch.optim.Adam(model.parameters(), lr=attributes["optimizer"].literal("learning_rate"))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * BATCHES)
    bar = progress(console, "sorter")
    with bar:
        task = bar.add_task("", total=epochs, loss=float("nan"))
        for _ in range(epochs):
            total = 0.0
            for _ in range(BATCHES):
                text = words(generator, size)
                loss = written(model(text[:, :-1]), text[:, 1:])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item()
            bar.update(task, advance=1, loss=total / BATCHES)
    code.save(model, str(MODEL.with_suffix(".safetensors")))
    console.print(f"[bold]sorter[/]  words without a mistake [bold green]{accuracy(model, generator):.1%}[/]")


def accuracy(model: nn.Module, generator: np.random.Generator) -> float:
    """Of words of all lengths, letter by letter behind what is right so far."""
    model.eval()
    right = []
    with torch.no_grad():
        for _ in range(BATCHES):
            text = words(generator, 10)
            found = model(text[:, :-1]).argmax(-1)
            right.append(((found == text[:, 1:]) | ~behind(text[:, 1:])).all(1))
    return float(torch.cat(right).float().mean())


def words(generator: np.random.Generator, count: int) -> Tensor:
    """Texts `word>sorted.` of words of one length."""
    length = int(generator.integers(1, LONGEST + 1))
    letters = generator.integers(0, 26, (count, length))
    marks = [np.full((count, 1), LETTERS.index(mark)) for mark in ">."]
    return torch.from_numpy(np.concatenate([letters, marks[0], np.sort(letters, 1), marks[1]], 1))


def behind(text: Tensor) -> Tensor:
    """Which places of a text, without its first letter, are written: those behind `>`."""
    return (text == LETTERS.index(">")).cumsum(1) - (text == LETTERS.index(">")).long() > 0


def written(logits: Tensor, text: Tensor) -> Tensor:
    """The cross-entropy of what is written."""
    losses = F.cross_entropy(logits.transpose(1, 2), text, reduction="none")
    return losses[behind(text)].mean()


if __name__ == "__main__":
    main()
