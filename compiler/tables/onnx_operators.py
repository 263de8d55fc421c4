"""Every ONNX operator: the graph ops that it becomes, or why it is not compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

RANDOM = "random numbers: not yet"
SEQUENCE = "sequences and optionals: values of the compiler are tensors"
STRING = "strings: never"
TRAINING = "training: gradients are another framework's"
TREES = "trees: not yet"
VECTOR_MACHINES = "support vector machines: not yet"
MAPS = "dictionaries: values of the compiler are tensors"
DATA_DEPENDENT = "the size of its result depends on data: not yet"

REASONS: Mapping[tuple[str, str], str] = {
    **{("", name): RANDOM for name in (
        "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
    )},
    **{("", name): SEQUENCE for name in (
        "ConcatFromSequence", "Optional", "OptionalGetElement", "OptionalHasElement", "SequenceAt",
        "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength", "SequenceMap",
        "SplitToSequence",
    )},
    **{("", name): STRING for name in (
        "RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer",
    )},
    ("", "NonMaxSuppression"): DATA_DEPENDENT,
    **{("", name): TRAINING for name in ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")},
    ("", "ImageDecoder"): "compressed images: decode them before",
    **{("ai.onnx.ml", name): TREES for name in (
        "TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor",
    )},
    **{("ai.onnx.ml", name): VECTOR_MACHINES for name in ("SVMClassifier", "SVMRegressor")},
    **{("ai.onnx.ml", name): MAPS for name in ("CastMap", "DictVectorizer", "ZipMap")},
    **{("ai.onnx.ml", name): STRING for name in ("CategoryMapper", "LabelEncoder", "OneHotEncoder")},
    **{("ai.onnx.preview.training", name): TRAINING for name in ("Adagrad", "Adam", "Gradient", "Momentum")},
}  # fmt: skip
"""Operators that are not compiled, by domain and name."""


PARTLY: Mapping[str, str] = dict.fromkeys(
    ("Compress", "NonZero", "Unique"), f"of values the import knows; else {DATA_DEPENDENT}"
)
"""What is to be said of operators that are compiled in some cases."""


@dataclass(frozen=True)
class Row:
    """An operator: `makes` are graph ops; `reason` says why there are none, or when."""

    domain: str
    name: str
    version: int
    makes: tuple[str, ...] = ()
    reason: str = ""


def rows() -> Iterator[Row]:
    """All operators that the installed onnx defines, by domain and name."""
    from onnx import defs

    from neuralc.frontends.onnx.registry import operators

    handlers = operators()
    newest: dict[tuple[str, str], defs.OpSchema] = {}
    for schema in defs.get_all_schemas_with_history():
        key = schema.domain, schema.name
        if key not in newest or newest[key].since_version < schema.since_version:
            newest[key] = schema
    for (domain, name), schema in sorted(newest.items()):
        version = int(schema.since_version)
        if (domain, name) in REASONS:
            yield Row(domain, name, version, reason=REASONS[domain, name])
        elif (domain, name) in handlers:
            yield Row(domain, name, version, handlers[domain, name].makes, PARTLY.get(name, "none: the value itself"))
        elif getattr(schema, "has_function", False) or getattr(schema, "has_context_dependent_function", False):
            yield Row(domain, name, version, reason="by the function that ONNX defines it with")
        else:
            yield Row(domain, name, version, reason="not yet")
