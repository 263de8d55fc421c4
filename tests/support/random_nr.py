"""Random `.nr` models over images: windows of all kinds, residual blocks, repetition, macros in several sizes."""

from __future__ import annotations

import numpy as np

ACTIVATIONS = (
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "tanh",
    "sigmoid",
    "softsign",
    "hard_sigmoid",
    "linear",
)


def random_nr(rng: np.random.Generator) -> str:
    """The text of a model with one input, about eight layers and values of moderate size."""
    return _Writer(rng).text()


class _Writer:
    """`size` and `channels` are those of the image so far."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._size = rng.integers(6, 11, 2)
        self._channels = int(rng.integers(1, 5))

    def text(self) -> str:
        height, width = self._size
        macro = f"define Block(filters, size=3) {{ {self._block_body()} }}"
        head = f"network Net {{ input: ({height}, {width}, {self._channels}) layers:"
        body = [self._image_layer() for _ in range(int(self._rng.integers(3, 7)))]
        tail = self._pick(["Flatten()", "GlobalAveragePooling2D()", "GlobalMaxPooling2D()"])
        dense = f"Dense({self._integer(2, 8)}, {self._activation()}) * {self._integer(1, 3)}"
        return "\n".join([macro, head, *body, tail, dense, "Dropout(0.3)", 'Output(4, "softmax")', "}"])

    def _block_body(self) -> str:
        middle = self._pick(["BatchNormalization()", "Dropout(0.2)", "BatchNormalization(scale=False)", "Identity()"])
        return f'Conv2D(filters, size, padding="same") {middle} Activation({self._activation()})'

    def _image_layer(self) -> str:
        choices = [self._conv, self._depthwise, self._pool, self._block, self._residual, self._plain]
        return choices[int(self._rng.integers(len(choices)))]()

    def _conv(self) -> str:
        window, strides = self._window(3), self._strides()
        padding = self._padding()
        groups = self._channels if self._flag() else 1
        filters = groups * self._integer(1, 3)
        self._slide(window, strides, padding)
        self._channels = filters
        return (
            f"Conv2D({filters}, {window}, {self._activation()}, strides={strides}, padding={padding}, groups={groups}, "
            f"use_bias={str(self._flag()).lower()})"
        )

    def _depthwise(self) -> str:
        window, stride = self._window(3), self._integer(1, 2)
        padding, multiplier = self._padding(), self._integer(1, 2)
        self._slide(window, (stride, stride), padding)
        self._channels *= multiplier
        return f"DepthwiseConv2D({window}, strides={stride}, padding={padding}, depth_multiplier={multiplier})"

    def _pool(self) -> str:
        window, strides = self._window(3), self._strides()
        padding = self._padding()
        self._slide(window, strides, padding)
        return f"{self._pick(['Max', 'Average'])}Pooling2D({window}, strides={strides}, padding={padding})"

    def _block(self) -> str:
        self._channels = self._integer(1, 5)
        return f"Block({self._channels}, {self._integer(1, 4)}) * {self._integer(1, 3)}"

    def _residual(self) -> str:
        inner = f'Conv2D({self._channels}, {self._integer(1, 3)}, {self._activation()}, padding="same")'
        return f"ResidualConnection {{ {inner} {self._plain()} }} * {self._integer(1, 2)}"

    def _plain(self) -> str:
        return self._pick(
            [
                "BatchNormalization()",
                "PReLU()",
                "PReLU(shared_axes=[1, 2])",
                "ReLU(max_value=2.0)",
                "Dropout(0.4)",
                "Softmax(axis=2)",
                f"Activation({self._activation()})",
                f"Dense({self._channels})",
            ]
        )

    def _slide(self, window: tuple[int, int], strides: tuple[int, int], padding: str) -> None:
        room = self._size if "same" in padding else self._size - np.array(window) + 1
        self._size = -(-room // np.array(strides))

    def _window(self, most: int) -> tuple[int, int]:
        height, width = (self._integer(1, min(most, int(size))) for size in self._size)
        return (height, width)

    def _strides(self) -> tuple[int, int]:
        return (self._integer(1, 2), self._integer(1, 2))

    def _padding(self) -> str:
        return self._pick(['"same"', '"valid"'])

    def _activation(self) -> str:
        return f'"{self._pick(ACTIVATIONS)}"'

    def _pick(self, choices: list[str] | tuple[str, ...]) -> str:
        return str(choices[int(self._rng.integers(len(choices)))])

    def _integer(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high + 1))

    def _flag(self) -> bool:
        return bool(self._rng.random() < 0.5)
