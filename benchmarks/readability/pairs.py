"""The models and forms that are compared, and what each code calls the same weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
MODELS = HERE.parents[1] / "examples" / "models"
NAMES = ("resnet50", "bert", "tagger")
FORMS = ("torch", "keras", "jax")

Renames = Sequence[tuple[str, str]]

_STAGE = (
    ("conv_norm_2", "expand"),
    ("conv_norm_1", "spatial"),
    ("shortcut.conv_norm.", "shortcut."),
)
_NORM = (("gamma", "scale"), ("beta", "offset"), ("moving_", ""))
_ENCODER = (
    ("embedding_1", "segments"),
    ("transformer_encoder", "layers"),
    ("layer_normalization", "norm"),
)

RENAMES: Mapping[tuple[str, str], Renames] = {
    ("resnet50", "torch"): (
        *((f"trunk.stage_{index}.", f"stages.{index}.") for index in (1, 2, 3)),
        ("trunk.stage.", "stages.0."),
        ("trunk.", ""),
        ("main_", ""),
        ("residual_", ""),
        ("shortcut_conv_norm.", "shortcut."),
        ("same.", "blocks."),
        *_STAGE[:2],
        ("conv_norm.", "reduce."),
        ("conv2d", "conv"),
        ("batch_normalization", "norm"),
    ),
    ("resnet50", "keras"): (
        *((f"trunk-stage_{index}-", f"stage{index + 1}_") for index in (1, 2, 3)),
        ("trunk-stage-", "stage1_"),
        ("trunk-", ""),
        ("main-bottleneck-", "block1_"),
        *(
            (f"same-{index}-residual-bottleneck-", f"block{index + 2}_")
            for index in range(5)
        ),
        ("shortcut-conv_norm-", "shortcut_"),
        ("conv_norm_2-", "3_"),
        ("conv_norm_1-", "2_"),
        ("conv_norm-", "1_"),
        ("conv2d", "conv"),
        ("batch_normalization", "norm"),
    ),
    ("resnet50", "jax"): (
        *((f"trunk.stage_{index}.", f"stages.{index}.") for index in (1, 2, 3)),
        ("trunk.stage.", "stages.0."),
        ("trunk.", ""),
        ("main.", ""),
        ("residual.bottleneck.", ""),
        ("same.", "blocks."),
        *_STAGE,
        ("conv_norm.", "reduce."),
        ("conv2d", "conv"),
        ("batch_normalization", "norm"),
        *_NORM,
    ),
    ("bert", "torch"): (
        *_ENCODER,
        ("positional_encoding", "positions.weight"),
        ("embedding", "words"),
        ("attention_output", "output"),
        ("dense", "pooler"),
    ),
    ("bert", "keras"): (
        ("Bert/", ""),
        ("positional_encoding", "positions/table"),
        ("embedding_1", "parts"),
        ("embedding/", "words/"),
        ("transformer_encoder-", "layer_"),
        ("layer_normalization", "norm"),
        ("attention_output", "projection"),
        ("feed_forward_norm", "projection_norm"),
        ("feed_forward/output", "projection"),
        ("feed_forward/", ""),
        ("dense", "pooler"),
    ),
    ("bert", "jax"): (
        *_ENCODER,
        ("positional_encoding", "positions"),
        ("embedding", "words"),
        ("attention_output", "output"),
        ("dense", "pooler"),
        *_NORM,
    ),
    ("tagger", "torch"): (("bidirectional", "lstm"),),
    ("tagger", "keras"): (),
    ("tagger", "jax"): (("bidirectional.", ""),),
}
"""What to replace in names of weights of emitted code, one after the other."""


@dataclass(frozen=True)
class Pair:
    """A model in a form, written by neuralc and by hand."""

    model: str
    form: str

    @property
    def by_hand(self) -> Path:
        return HERE / f"{self.model}_{self.form}.py"

    def emitted(self) -> str:
        """As `neuralc examples/models/MODEL.nr --emit=FORM` writes it."""
        from neuralc.emit.structure_of_programs import with_layers
        from neuralc.frontends.nr.load import load

        module = with_layers(load(MODELS / f"{self.model}.nr").module)
        text: str = import_module(f"neuralc.emit.{self.form}").emit(module)
        return text

    @property
    def renames(self) -> Renames:
        return RENAMES[self.model, self.form]


PAIRS = tuple(Pair(model, form) for model in NAMES for form in FORMS)
