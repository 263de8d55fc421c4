"""The set: which models are measured, where each comes from, and what its inputs are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS = Path(__file__).resolve().parent / "kernels"


@dataclass(frozen=True)
class Input:
    """Of a network: its name, and its shape behind the batch."""

    name: str
    shape: tuple[int, ...]
    below: int = 0
    """Whole numbers below this; 0 for floats."""


@dataclass(frozen=True)
class Network:
    """A network of benchmarks/models with weights from a seed, exported with a symbolic batch."""

    name: str
    title: str
    make: str
    """`module:function` in benchmarks/models."""
    inputs: tuple[Input, ...]
    batches: tuple[int, ...] = ()
    """The only ones that the model takes; empty where it takes any."""

    def dims(self, batch: int) -> Mapping[str, int]:
        """What is fixed when the model is compiled for a batch."""
        return {"batch": batch}


@dataclass(frozen=True)
class Trained:
    """A trained ONNX model that a wheel on PyPI ships."""

    name: str
    title: str
    requirement: str
    member: str
    """The file inside of the wheel."""
    sha256: str
    """Of that file."""
    licence: str
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Symbolic sizes beside the batch."""
    batches: tuple[int, ...] = ()

    def dims(self, batch: int) -> Mapping[str, int]:
        return dict(self.sizes) if self.batches else {"batch": batch, **self.sizes}


@dataclass(frozen=True)
class Kernel:
    """A single layer as a program, against the loop of multiply-adds in registers."""

    name: str
    title: str
    path: Path
    batches: tuple[int, ...]

    def dims(self, batch: int) -> Mapping[str, int]:
        return {"batch": batch}


Subject = Network | Trained | Kernel


def _images(side: int, channels: int = 3) -> tuple[Input, ...]:
    return (Input("image", (channels, side, side)),)


def _sentences(tokens: int) -> tuple[Input, ...]:
    return (Input("input_ids", (tokens,), 30522), Input("attention_mask", (tokens,), 2))


MODELS: tuple[Subject, ...] = (
    Network("digits", "digits 8x8", "small:Digits", _images(8, 1)),
    Network("mnist", "mnist 28x28", "small:Mnist", _images(28, 1)),
    Network("mlp", "MLP 784-256-128-10", "small:Perceptron", (Input("pixels", (784,)),)),
    Network("lstm", "LSTM 2x128, 50 steps", "recurrent:Sequences", (Input("frames", (50, 64)),)),
    Network("gru", "GRU tagger, 32 words", "recurrent:Tagger", (Input("words", (32,), 5000),)),
    Trained(
        "silero",
        "silero VAD, a step",
        "silero-vad==6.2.3",
        "silero_vad/data/silero_vad_openvino_16k.onnx",
        "7776b81ad1b0350c15d7f1555943b9232eb53e9ca5d989c6d0cea9ebc8664d87",
        "MIT",
        batches=(1,),
    ),
    Trained(
        "ppocr",
        "PP-OCR cls 48x192",
        "rapidocr==3.10.0",
        "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
        "Apache-2.0",
        sizes={"x_d2": 48, "x_d3": 192},
    ),
    Network("mobilenetv2", "MobileNetV2", "mobilenet:MobileNetV2", _images(224)),
    Network("resnet18", "ResNet-18", "resnet:resnet18", _images(224)),
    Network("resnet50", "ResNet-50", "resnet:resnet50", _images(224)),
    Network("unet", "U-Net 128x128", "unet:UNet", _images(128)),
    Network("vit", "ViT-tiny", "transformers:ViTTiny", _images(224)),
    Network("minilm32", "MiniLM, 32 tokens", "transformers:MiniLM", _sentences(32)),
    Network("minilm128", "MiniLM, 128 tokens", "transformers:MiniLM", _sentences(128)),
    Network("gpt2", "GPT-2, 4 layers, 32 tokens", "transformers:GPT2", (Input("input_ids", (32,), 50257),)),
)

KERNEL_SUITE: tuple[Subject, ...] = (
    Kernel("gemm_512", "matrix product 512x512x512", KERNELS / "gemm_512.nr", (512,)),
    Kernel("conv_3x3", "convolution 3x3, 28x28, 128 to 128", KERNELS / "conv_3x3.nr", (1,)),
    Kernel("conv_1x1", "convolution 1x1, 28x28, 512 to 128", KERNELS / "conv_1x1.nr", (1,)),
    Kernel("softmax_1000", "softmax of 256 rows of 1000", KERNELS / "softmax_1000.nr", (256,)),
    Kernel("attention_512", "attention, 8 heads of 512x64", KERNELS / "attention_512.nr", (8,)),
)
"""Single layers on one core."""
