"""Writes the table of these models into examples/README.md: `python examples/models/table.py`, or `make docs`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
README = FOLDER.parent / "README.md"
START, END = "<!-- models -->\n", "<!-- end of models -->\n"


@dataclass(frozen=True)
class Model:
    """A file of this folder; costs are those of `given`, flags of `neuralc inspect`."""

    name: str
    title: str
    paper: str
    reference: str
    given: tuple[str, ...] = ()
    at: str = "an image"


MODELS = (
    Model("resnet50", "ResNet-50", "He et al. 2016", "`keras.applications`"),
    Model("mobilenet_v2", "MobileNetV2", "Sandler et al. 2018", "`keras.applications`"),
    Model("inception_v3", "Inception v3", "Szegedy et al. 2016", "`keras.applications`"),
    Model("unet", "U-Net", "Ronneberger et al. 2015", "PyTorch", ("--dim=H=256", "--dim=W=256"), "256x256 pixels"),
    Model("gan", "DCGAN, both nets", "Radford et al. 2016", "PyTorch", at="a real image and a made one"),
    Model("two_inputs", "questions about images", "Antol et al. 2015", "PyTorch", ("--sizes=S=16",), "16 words"),
    Model("tagger", "bidirectional LSTM", "Huang et al. 2015", "PyTorch", ("--sizes=S=16",), "16 words"),
    Model("bert", "BERT-base", "Devlin et al. 2019", "PyTorch", ("--sizes=S=128",), "128 tokens"),
    Model("gpt", "GPT-2 small", "Radford et al. 2019", "PyTorch", ("--sizes=S=128",), "128 tokens"),
)


def table() -> str:
    """The rows, from what `neuralc inspect` says."""
    rows = [
        "| model | what it is | lines | parameters | floating-point operations | held against |",
        "|---|---|---|---|---|---|",
    ]
    for model in MODELS:
        found = inspect(model)
        lines = len((FOLDER / f"{model.name}.nr").read_text("utf-8").splitlines())
        link = f"[{model.name}.nr](models/{model.name}.nr)"
        cost = f"{short(found['flops'])} for {model.at}"
        title = f"{model.title} ({model.paper})"
        rows.append(f"| {link} | {title} | {lines} | {short(found['parameters'])} | {cost} | {model.reference} |")
    return "\n".join(rows) + "\n"


def inspect(model: Model) -> dict[str, Any]:
    command = [sys.executable, "-m", "neuralc", "inspect", "--format=json", *model.given, f"{model.name}.nr"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def short(number: int) -> str:
    """Three digits and a prefix: `25.6 M`."""
    for factor, prefix in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= factor:
            return f"{number / factor:.3g} {prefix}"
    return str(number)


def updated(text: str) -> str:
    """A page with the table of today between its two marks."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{table()}{END}{after}"


if __name__ == "__main__":
    README.write_text(updated(README.read_text("utf-8")), "utf-8")
    print(README)
