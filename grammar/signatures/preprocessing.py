"""Layers that take data as they come: images as a camera gives them, numbers in their own units."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, Numbers, OneOf, Optional, Parameter, Real, Several, Whole
from neuralc.grammar.signatures.base import ELEMENTS, FORMAT, Signature, p

_HEIGHT = Parameter("height", Whole(1), doc="height of the result")
_WIDTH = Parameter("width", Whole(1), doc="width of the result")

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "Rescaling",
        (
            Parameter("scale", Numbers(), doc="factor; of a list, one for each place of the last axis"),
            p("offset", Numbers(), 0.0, "added to the product"),
        ),
        "Keras 3 Rescaling",
        "x * scale + offset, as floats",
        shapes="any -> the same",
        masking="keep",
        example="input: (8, 8, 3) uint8 layers: Rescaling(0.00392157) Flatten() Dense(3)",
    ),
    Signature(
        "Normalization",
        (
            p("axis", Optional(Several(Whole())), (-1,), "the axes along which mean and variance differ; None: none"),
            p("mean", Optional(Numbers()), None, "the mean; a weight unless said"),
            p("variance", Optional(Numbers()), None, "the variance; a weight unless said"),
            p("invert", Flag(), False, "x * deviation + mean instead"),
        ),
        "Keras 3 Normalization",
        "(x - mean) / max(sqrt(variance), 1e-7), as floats; what `adapt` of Keras counts is not kept",
        shapes="any -> the same",
        masking="keep",
        example="input: (4) layers: Normalization(mean=(1, 2, 3, 4), variance=(1, 1, 4, 4)) Dense(3)",
    ),
    Signature(
        "Resizing",
        (
            _HEIGHT,
            _WIDTH,
            p(
                "interpolation",
                OneOf(("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5", "area", "gaussian", "mitchellcubic")),
                "bilinear",
                "how values between pixels are made; this version has the first five",
            ),
            p("crop_to_aspect_ratio", Flag(), False, "cut off what has another aspect ratio than the result"),
            p("pad_to_aspect_ratio", Flag(), False, "put borders around the image until it has that aspect ratio"),
            p("fill_mode", OneOf(("constant",)), "constant", "what the borders hold: `fill_value`"),
            p("fill_value", Real(), 0.0, "the value of the borders"),
            p("antialias", Flag(), False, "widen the filter where the image becomes smaller; nearest has no filter"),
            FORMAT,
        ),
        "Keras 3 Resizing, as it is on PyTorch",
        "the image at another size; of integers the result is rounded",
        shapes="(batch, h, w, channels) -> (batch, height, width, channels)",
        example="input: (12, 10, 3) uint8 layers: Resizing(8, 8) Rescaling(0.01) Flatten() Dense(3)",
    ),
    Signature(
        "CenterCrop",
        (_HEIGHT, _WIDTH, FORMAT),
        "Keras 3 CenterCrop",
        "the middle of the image, as floats; an image that is smaller is cut to the aspect ratio and resized",
        shapes="(batch, h, w, channels) -> (batch, height, width, channels)",
        example="input: (12, 10, 3) uint8 layers: CenterCrop(8, 8) Flatten() Dense(3)",
    ),
    Signature(
        "Cast",
        (Parameter("to", OneOf(ELEMENTS), doc="the type of the result"),),
        "keras.ops.cast; a float that no integer of the type holds becomes the nearest one, NaN 0",
        "values as another type: floats are cut to integers, integers rounded to floats; true is what is not 0",
        shapes="any -> the same",
        masking="keep",
        retypes=True,
        example='input: (16) uint8 layers: Cast("float32") Dense(3)',
    ),
)
