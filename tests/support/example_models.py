"""The networks of examples/models with random weights, next to a framework's model that has the same ones.

reference = of_torch(UNet, [x])
pair = Pair(reference, program("unet"), folder)
pair.exact(x)          float64 against float64
pair.native(x)         native fp32 at -O2 against float64
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors.numpy import save_file
from support.compare import Array
from support.onnx_code import by_onnxruntime, emitted, with_states
from support.pipelines import as_tuple, compile_native
from support.torch_code import run_torch_code
from torch import nn

from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.frontends import nr
from neuralc.frontends.nr import LoadedProgram, WeightDeclaration
from neuralc.passes.target import Target
from neuralc.runtime import Model
from neuralc.weights_file import bind_weights

FOLDER = Path(__file__).parents[2] / "examples" / "models"


def program(name: str, network: str | None = None, **settings: Any) -> LoadedProgram:
    """An example with values for its parameters."""
    return nr.load(FOLDER / f"{name}.nr", network=network, settings=settings)


class Reference(Protocol):
    """A framework's model."""

    def state(self, declared: Sequence[WeightDeclaration]) -> Mapping[str, Array]:
        """Its weights in fp32, under our names or by a convention that neuralc recognises."""
        ...

    def outputs(self, *inputs: Array) -> list[Array]:
        """What it computes in float64."""
        ...


@dataclass(frozen=True)
class Pair:
    """A program and a reference with the same weights, which neuralc reads from a file."""

    reference: Reference
    program: LoadedProgram
    folder: Path
    padded: bool = False
    """The first output has a step for each token of the first input; what stands at padding is nobody's."""

    def exact(self, *inputs: Array) -> float:
        """The largest difference of the reference semantics, relative to the largest value."""
        return self._difference(inputs, run_module(self.program.module, inputs, self.store()))

    def emitted(self, *inputs: Array) -> float:
        """The same for the PyTorch code that neuralc writes, in float64."""
        named = dict(zip(the_model(self.program.module).inputs, inputs, strict=True))
        return self._difference(inputs, run_torch_code(self.program.module, named, self.store()))

    def as_onnx(self, *inputs: Array) -> float:
        """The same for the ONNX model that neuralc writes, which onnxruntime runs in fp32."""
        named = dict(zip(the_model(self.program.module).inputs, map(_single, inputs), strict=True))
        given = with_states(self.program.module, named, self.store())
        found = by_onnxruntime(emitted(self.program.module, self.store()), given)
        return self._difference(inputs, found[: len(the_model(self.program.module).outputs)])

    def native(self, *inputs: Array) -> float:
        """The same for native code in fp32 at -O2; the module of the program is changed."""
        return self._difference(inputs, as_tuple(self.compiled()(*[_single(each) for each in inputs])))

    def _difference(self, inputs: Sequence[Array], found: Sequence[Array]) -> float:
        wanted = self.reference.outputs(*inputs)
        if self.padded:
            real = (inputs[0] != 0)[..., None]
            found, wanted = [found[0] * real, *found[1:]], [wanted[0] * real, *wanted[1:]]
        return relative_difference(found, wanted)

    def compiled(self) -> Model:
        return compile_native(self.program.module, self.store(), 2, Target.host())

    def store(self) -> WeightStore:
        path = self.folder / "weights.safetensors"
        save_file({n: np.ascontiguousarray(a) for n, a in self.reference.state(self.program.weights).items()}, path)
        return bind_weights(self.program, path).store


def _single(array: Array) -> Array:
    return array.astype("float32") if array.dtype == np.float64 else array


def relative_difference(found: Sequence[Array], wanted: Sequence[Array]) -> float:
    """Of all outputs the worst. Each has to depend on the input: an output that is the same for all is no check."""
    assert [each.shape for each in found] == [each.shape for each in wanted]
    for each in wanted:
        assert len(each) > 1
        assert np.ptp(each, axis=0).max() > 0.005 * np.abs(each).max()
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(found, wanted, strict=True))


# --- PyTorch ---------------------------------------------------------------------------------------------------------
UNITS = (
    nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.LayerNorm, nn.Linear, nn.Embedding, nn.LSTM,
    nn.TransformerEncoderLayer,
)  # fmt: skip


@dataclass(frozen=True)
class TorchReference:
    module: nn.Module
    names: Mapping[str, str] = field(default_factory=dict)
    """Names of tensors that neuralc would not recognise, and what it calls them."""

    def state(self, declared: Sequence[WeightDeclaration]) -> Mapping[str, Array]:
        """Our paths before PyTorch's names of tensors: unit by unit, in order."""
        paths = list(dict.fromkeys(_unit_path(weight) for weight in declared))
        units = list(_units(self.module))
        assert len(paths) == len(units)
        return {
            f"{path}.{self.names.get(name, name)}": tensor.numpy()
            for path, unit in zip(paths, units, strict=True)
            for name, tensor in unit.state_dict().items()
        }

    def outputs(self, *inputs: Array) -> list[Array]:
        with torch.no_grad():
            found = self.module.double()(*[torch.from_numpy(each) for each in inputs])
        self.module.float()
        return [each.numpy() for each in (found if isinstance(found, tuple) else (found,))]


def of_torch(
    build: Callable[[], nn.Module], inputs: Sequence[Array], names: Mapping[str, str] | None = None
) -> TorchReference:
    """Random weights; the statistics of norms are those of the inputs, so that values stay in range."""
    torch.manual_seed(0)
    module = build()
    norms = [unit for unit in module.modules() if isinstance(unit, nn.BatchNorm2d)]
    for unit in module.modules():
        if isinstance(unit, nn.Conv2d | nn.ConvTranspose2d):
            fan = unit.in_channels * unit.kernel_size[0] * unit.kernel_size[1]
            fan //= unit.stride[0] * unit.stride[1] if isinstance(unit, nn.ConvTranspose2d) else 1
            nn.init.normal_(unit.weight, std=(2 / fan) ** 0.5)
        elif isinstance(unit, nn.Linear):
            nn.init.normal_(unit.weight, std=unit.in_features**-0.5)
        elif isinstance(unit, nn.LSTM):
            for name, bias in unit.named_parameters():
                if name.startswith("bias_hh"):
                    nn.init.zeros_(bias)  # ours is the sum of both in fp32
        elif isinstance(unit, nn.BatchNorm2d | nn.LayerNorm):
            nn.init.uniform_(unit.weight, 0.5, 1.5)
            nn.init.normal_(unit.bias, std=0.1)
    for norm in norms:
        norm.momentum = None  # the mean of all batches: of this one
    with torch.no_grad():
        module.train()(*[torch.from_numpy(_single(each)) for each in inputs])
        for norm in norms:
            norm.running_var = torch.from_numpy(spread(norm.running_var.numpy()).astype("float32"))
    return TorchReference(module.eval(), names or {})


def _units(module: nn.Module) -> list[nn.Module]:
    if isinstance(module, UNITS):
        return [module]
    return [unit for child in module.children() for unit in _units(child)]


def _unit_path(weight: WeightDeclaration) -> str:
    """The path of our layer that is one unit of PyTorch."""
    parts = weight.name.split(".")[:-1]
    for index, part in enumerate(parts):
        if part in ("attention", "attention_norm", "feed_forward", "feed_forward_norm"):
            return ".".join(parts[:index])  # of a layer of a transformer
    return ".".join(parts[:-1] if parts[-1] in ("forward", "backward") else parts)


# --- Keras -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class KerasReference:
    model: Any
    layers: Sequence[Any]
    """Those with weights, in our order."""

    def state(self, declared: Sequence[WeightDeclaration]) -> Mapping[str, Array]:
        paths = list(dict.fromkeys(weight.name.rpartition(".")[0] for weight in declared))
        assert len(paths) == len(self.layers)
        ours = {weight.name for weight in declared}
        values = {
            f"{path}.{_last(weight)}": _array(weight).astype("float32")
            for path, layer in zip(paths, self.layers, strict=True)
            for weight in layer.weights
        }
        # The convolutions of ResNet50 have biases in Keras, which are 0 here, and none in ours.
        assert not any(value.any() for name, value in values.items() if name not in ours)
        return {name: value for name, value in values.items() if name in ours}

    def outputs(self, *inputs: Array) -> list[Array]:
        with torch.no_grad():
            found = self.model(inputs[0], training=False)
        return [found.numpy()]


def of_keras(name: str, size: int, images: Array) -> KerasReference:
    """As `of_torch`, of a network of `keras.applications`."""
    from support.keras_applications import application, keras

    model, layers = application(name, size)
    generator = np.random.default_rng(0)
    for layer in layers:
        for weight in layer.weights:
            weight.assign(_random(generator, type(layer).__name__, weight))
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # the statistics of this batch
    with torch.no_grad():
        model(images, training=True)
    for layer in layers:
        for weight in layer.weights:
            value = _array(weight)
            weight.assign((spread(value) if _last(weight) == "moving_variance" else value).astype("float32"))
    return KerasReference(model, layers)


def spread(variance: Array) -> Array:
    """Variances around their mean: those of two images at one place may be 0, which is no net that anyone has."""
    return variance.mean() * np.random.default_rng(0).uniform(0.5, 1.8, variance.shape)


def _array(weight: Any) -> Array:
    """The value of a variable of Keras on PyTorch."""
    value: Array = weight.value.detach().numpy()
    return value


def _last(weight: Any) -> str:
    return str(weight.path).rpartition("/")[2]


def _random(generator: np.random.Generator, layer: str, weight: Any) -> Array:
    shape = tuple(weight.shape)
    match _last(weight):
        case "kernel":
            window = shape[:2] if layer == "DepthwiseConv2D" else shape[:-1]
            gain = 1 if layer == "Dense" else 2
            return generator.normal(size=shape) * np.sqrt(gain / np.prod(window))
        case "gamma":
            return generator.uniform(0.5, 1.5, shape)
        case "beta":
            return generator.normal(size=shape) * 0.1
        case _:
            return np.zeros(shape)


def images(generator: np.random.Generator, batch: int, size: int, channels: int = 3) -> Array:
    """Noise on a coarse pattern: nets tell images by what is in them, and noise alone looks the same everywhere."""
    coarse = generator.normal(size=(batch, 3, 3, channels))
    pattern = coarse.repeat(-(-size // 3), axis=1).repeat(-(-size // 3), axis=2)[:, :size, :size]
    return pattern + 0.5 * generator.normal(size=(batch, size, size, channels))


def tokens(generator: np.random.Generator, count: int, batch: int, steps: int) -> Array:
    """Sentences of different lengths: tokens from 1, padding of 0 behind them."""
    lengths = generator.integers(1, steps + 1, (batch, 1))
    lengths[0] = steps
    words = generator.integers(1, count, (batch, steps))
    return np.where(np.arange(steps) < lengths, words, 0).astype("int32")
