"""Which form of a 3x3 convolution is faster, and whether the model of passes/lower/cpu/winograd_cost.py knows it.

    python -m benchmarks.winograd                    the layers of ResNets and of a U-Net, one thread
    python -m benchmarks.winograd --threads 2 --batch 8
    python -m benchmarks.winograd --layers 56x56x64,28x28x128-256

Each layer is compiled alone, with bias and ReLU, in every form; rounds alternate between the forms.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neuralc.api import finish
from neuralc.dialects.tensor.winograd import ALGORITHMS
from neuralc.driver import Options, load
from neuralc.grammar.diagnostics import Source
from neuralc.passes.lower.cpu.winograd_cost import cost_of
from neuralc.passes.lower.cpu.winograd_plan import choose_plan
from neuralc.passes.pipelines import pipeline, with_winograd
from neuralc.passes.target import Target

DIRECT = 0
FORMS = {DIRECT: "direct", 2: "F(2,3)", 4: "F(4,3)"}
"""By the tile of the algorithm."""
LAYERS = (
    "56x56x64,28x28x128,14x14x256,7x7x512,128x128x32,64x64x64,32x32x128,16x16x256,128x128x64-32,32x32x256-128,"
    "16x16x128-256,112x112x16,8x8x64,4x4x512,28x28x8,56x56x64-8,224x224x3-64"
)


@dataclass(frozen=True)
class Setting:
    """What all layers are measured with."""

    threads: int
    batch: int
    mcpu: str
    rounds: int
    seconds: float


@dataclass(frozen=True)
class Layer:
    """A convolution with padding, stride 1."""

    height: int
    width: int
    channels: int
    outputs: int

    @staticmethod
    def parse(text: str) -> Layer:
        """`height x width x channels`, with `-outputs` where these are other than the channels."""
        sizes, _, outputs = text.partition("-")
        height, width, channels = map(int, sizes.split("x"))
        return Layer(height, width, channels, int(outputs or channels))

    def __str__(self) -> str:
        size = f"{self.height}x{self.width}x{self.channels}"
        return size if self.outputs == self.channels else f"{size}-{self.outputs}"

    @property
    def program(self) -> str:
        shape = f"({self.height}, {self.width}, {self.channels})"
        layer = f'Conv2D({self.outputs}, (3, 3), padding="same", activation="relu")'
        return f"network Layer {{ input: {shape} layers: {layer} }}"

    def gain(self, tile: int, setting: Setting) -> float:
        """How many times faster an algorithm is than the direct form, by the model."""
        batch, target, algorithm = setting.batch, Target.cpu(setting.mcpu), ALGORITHMS[tile]
        tiles = batch * -(-self.height // tile) * -(-self.width // tile)
        plan = choose_plan(algorithm, tiles, self.channels, self.outputs, target.lanes, target)
        return cost_of(plan, batch * self.height * self.width, self.channels, self.outputs, target).gain


def measure(layer: Layer, setting: Setting) -> dict[int, float]:
    """Median seconds of a call by form, whatever the model says."""
    calls = {tile: _call(layer, tile, setting) for tile in FORMS}
    found: dict[int, list[float]] = {tile: [] for tile in FORMS}
    for number in range(setting.rounds):
        for tile in FORMS if number % 2 else reversed(FORMS):
            found[tile].append(_round(calls[tile], setting.seconds))
    return {tile: statistics.median(times) for tile, times in found.items()}


def _call(layer: Layer, tile: int, setting: Setting) -> Callable[[], object]:
    chosen = {"tensor-winograd": f"tensor-winograd{{tiles={tile} least-gain=0.0 growth=-1.0}}"}
    entries = with_winograd(pipeline(2), "off" if tile == DIRECT else "auto")
    passes = ",".join(chosen.get(entry.spec, entry.spec) for entry in entries)
    batch = setting.batch
    options = Options(threads=setting.threads, mcpu=setting.mcpu, dims={"batch": batch}, pass_pipeline=passes)
    model = finish(load(Source("<layer>", layer.program), options), "cpu")
    shape = (batch, layer.height, layer.width, layer.channels)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    out = np.asarray(model(x))
    return lambda: model(x, out=out)


def _round(call: Callable[[], object], seconds: float) -> float:
    times, begin = [], time.perf_counter()
    while not times or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.winograd")
    parser.add_argument("--layers", default=LAYERS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.03)
    parser.add_argument("--mcpu", default="native", help="code for a processor that this machine can be")
    given = vars(parser.parse_args(arguments))
    layers = [Layer.parse(text) for text in given.pop("layers").split(",")]
    setting = Setting(**given)
    names = "".join(f"{name:>11} {'gain':>6} {'model':>6}" for tile, name in FORMS.items() if tile != DIRECT)
    print(f"{'layer':>16} {FORMS[DIRECT]:>10}{names}")
    for layer in layers:
        print(_row(layer, measure(layer, setting), setting), flush=True)


def _row(layer: Layer, found: Mapping[int, float], setting: Setting) -> str:
    cells = [f"{layer!s:>16}", f"{1e6 * found[DIRECT]:7.0f} us"]
    for tile in ALGORITHMS:
        gain = found[DIRECT] / found[tile]
        cells.append(f"{1e6 * found[tile]:7.0f} us {gain:6.2f} {layer.gain(tile, setting):6.2f}")
    return " ".join(cells)


if __name__ == "__main__":
    main(sys.argv[1:])
