"""Metrics and their parameters, by the names of Keras 3; every loss is a metric too.

The order is Keras's but for `name`, which is last everywhere.
"""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, OneOf, Optional, Parameter, Parameters, Several, Whole
from neuralc.grammar.training.kinds import COUNT, INDEX, NAME, NOT_NEGATIVE, POSITIVE, UNIT
from neuralc.grammar.training.losses import FROM_LOGITS, IGNORED, LAST_AXIS, LOSSES, SMOOTHING
from neuralc.grammar.training.table import Entry, Table, needs, p

_NAME = p("name", NAME, None)
_CLASSES = needs("num_classes", Whole(2), "how many classes there are")
_OF_CLASSES = needs("target_class_ids", Several(INDEX), "the classes that count")
_SPARSE_TARGETS = p("sparse_y_true", Flag(), True, "targets are class numbers, not one-hot")
_SPARSE_PREDICTIONS = p("sparse_y_pred", Flag(), True, "predictions are class numbers, not one-hot")
_DENSE_PREDICTIONS = p("sparse_y_pred", Flag(), False, "predictions are class numbers, not one-hot")
_THRESHOLD = p("threshold", UNIT, 0.5, "from where on a prediction is 1")
_THRESHOLDS = p("thresholds", Optional(Several(UNIT)), None, "from where on a prediction is 1; 0.5 unless said")
_AVERAGE = p("average", Optional(OneOf(("micro", "macro", "weighted"))), None, "how the classes become one number")
_OF_ALL = p("threshold", Optional(UNIT), None, "from where on a prediction is 1; the largest one unless said")
_K = p("k", COUNT, 5, "how many guesses there are")
_AXIS = p("axis", Whole(), -1, "the axis of the vectors")
_RETRIEVAL: Parameters = (
    _THRESHOLDS,
    p("top_k", Optional(COUNT), None, "count the best guesses only"),
    p("class_id", Optional(INDEX), None, "the one class that counts"),
)
_GRID: Parameters = (
    p("num_thresholds", COUNT, 200, "thresholds that are tried"),
    p("class_id", Optional(INDEX), None, "the one class that counts"),
)


def _metric(name: str, keras: str, doc: str, *parameters: Parameter, aliases: tuple[str, ...] = ()) -> Entry:
    return Entry(name, (*parameters, _NAME), f"keras.metrics.{keras}", doc, aliases)


_OWN: tuple[Entry, ...] = (
    # --- right or wrong ----------------------------------------------------------------------------------------------
    _metric("accuracy", "Accuracy", "the part that is right, in the form that the loss asks for", aliases=("acc",)),
    _metric("binary_accuracy", "BinaryAccuracy", "the part on the right side of a threshold", _THRESHOLD),
    _metric("categorical_accuracy", "CategoricalAccuracy", "the part whose largest entry is that of the target"),
    _metric("sparse_categorical_accuracy", "SparseCategoricalAccuracy", "the same for class numbers as targets"),
    _metric(
        "top_k_categorical_accuracy",
        "TopKCategoricalAccuracy",
        "the part whose target is among the k best guesses",
        _K,
        aliases=("top_k_accuracy",),
    ),
    _metric(
        "sparse_top_k_categorical_accuracy",
        "SparseTopKCategoricalAccuracy",
        "the same for class numbers as targets",
        _K,
        p("from_sorted_ids", Flag(), False, "predictions are class numbers in order"),
    ),
    # --- true and false positives ------------------------------------------------------------------------------------
    _metric("precision", "Precision", "true positives over all that was taken for positive", *_RETRIEVAL),
    _metric("recall", "Recall", "true positives over all that is positive", *_RETRIEVAL),
    _metric("true_positives", "TruePositives", "how many", _THRESHOLDS),
    _metric("true_negatives", "TrueNegatives", "how many", _THRESHOLDS),
    _metric("false_positives", "FalsePositives", "how many", _THRESHOLDS),
    _metric("false_negatives", "FalseNegatives", "how many", _THRESHOLDS),
    _metric(
        "auc",
        "AUC",
        "the area under a curve over all thresholds",
        p("num_thresholds", Whole(2), 200, "thresholds that are tried"),
        p("curve", OneOf(("ROC", "PR")), "ROC", "receiver operating characteristic, or precision over recall"),
        p(
            "summation_method",
            OneOf(("interpolation", "minoring", "majoring")),
            "interpolation",
            "how the area is added up",
        ),
        p("thresholds", Optional(Several(UNIT)), None, "the thresholds, in place of `num_thresholds`"),
        p("multi_label", Flag(), False, "a curve for each label"),
        p("num_labels", Optional(COUNT), None, "how many labels there are"),
        p("label_weights", Optional(Several(NOT_NEGATIVE)), None, "how much each label counts"),
        p("from_logits", Flag(), False, "predictions are logits"),
    ),
    _metric(
        "precision_at_recall",
        "PrecisionAtRecall",
        "the best precision that has a recall",
        needs("recall", UNIT, "the recall to be had"),
        *_GRID,
    ),
    _metric(
        "recall_at_precision",
        "RecallAtPrecision",
        "the best recall that has a precision",
        needs("precision", UNIT, "the precision to be had"),
        *_GRID,
    ),
    _metric(
        "sensitivity_at_specificity",
        "SensitivityAtSpecificity",
        "the best sensitivity that has a specificity",
        needs("specificity", UNIT, "the specificity to be had"),
        *_GRID,
    ),
    _metric(
        "specificity_at_sensitivity",
        "SpecificityAtSensitivity",
        "the best specificity that has a sensitivity",
        needs("sensitivity", UNIT, "the sensitivity to be had"),
        *_GRID,
    ),
    _metric("f1_score", "F1Score", "the harmonic mean of precision and recall", _AVERAGE, _OF_ALL, aliases=("f1",)),
    _metric(
        "fbeta_score",
        "FBetaScore",
        "the same, recall beta times as important",
        _AVERAGE,
        p("beta", POSITIVE, 1.0, "how much recall counts"),
        _OF_ALL,
    ),
    # --- overlap -----------------------------------------------------------------------------------------------------
    _metric(
        "iou",
        "IoU",
        "intersection over union of some classes",
        _CLASSES,
        _OF_CLASSES,
        IGNORED,
        _SPARSE_TARGETS,
        _SPARSE_PREDICTIONS,
        LAST_AXIS,
    ),
    _metric(
        "binary_iou",
        "BinaryIoU",
        "intersection over union of two classes",
        p("target_class_ids", Several(Whole(0, 1)), (0, 1), "the classes that count"),
        _THRESHOLD,
    ),
    _metric(
        "mean_iou",
        "MeanIoU",
        "the mean of intersection over union",
        _CLASSES,
        IGNORED,
        _SPARSE_TARGETS,
        _SPARSE_PREDICTIONS,
        LAST_AXIS,
        aliases=("miou",),
    ),
    _metric(
        "one_hot_iou",
        "OneHotIoU",
        "intersection over union of some classes, one-hot targets",
        _CLASSES,
        _OF_CLASSES,
        IGNORED,
        _DENSE_PREDICTIONS,
        LAST_AXIS,
    ),
    _metric(
        "one_hot_mean_iou",
        "OneHotMeanIoU",
        "the mean of intersection over union, one-hot targets",
        _CLASSES,
        IGNORED,
        _DENSE_PREDICTIONS,
        LAST_AXIS,
    ),
    # --- numbers -----------------------------------------------------------------------------------------------------
    _metric("mean_squared_error", "MeanSquaredError", "mean((target - prediction) ** 2)", aliases=("mse",)),
    _metric("root_mean_squared_error", "RootMeanSquaredError", "the root of it", aliases=("rmse",)),
    _metric("mean_absolute_error", "MeanAbsoluteError", "mean(|target - prediction|)", aliases=("mae",)),
    _metric(
        "mean_absolute_percentage_error",
        "MeanAbsolutePercentageError",
        "100 * mean(|target - prediction| / |target|)",
        aliases=("mape",),
    ),
    _metric(
        "mean_squared_logarithmic_error",
        "MeanSquaredLogarithmicError",
        "mean((log(target + 1) - log(prediction + 1)) ** 2)",
        aliases=("msle",),
    ),
    _metric("log_cosh_error", "LogCoshError", "mean(log(cosh(prediction - target)))", aliases=("log_cosh",)),
    _metric("cosine_similarity", "CosineSimilarity", "cosine of the angle to the target", _AXIS),
    _metric("pearson_correlation", "PearsonCorrelation", "Pearson 1895", _AXIS, aliases=("pearson",)),
    _metric("concordance_correlation", "ConcordanceCorrelation", "Lin 1989", _AXIS, aliases=("ccc",)),
    _metric(
        "r2_score",
        "R2Score",
        "coefficient of determination",
        p(
            "class_aggregation",
            Optional(OneOf(("uniform_average", "variance_weighted_average"))),
            "uniform_average",
            "how several outputs become one number",
        ),
        p("num_regressors", INDEX, 0, "independent variables, for the adjusted form; 0 is the plain one"),
        aliases=("r2",),
    ),
    # --- losses that Keras has as metrics too, with parameters of their own ------------------------------------------
    _metric("binary_crossentropy", "BinaryCrossentropy", "as the loss", FROM_LOGITS, SMOOTHING, aliases=("bce",)),
    _metric(
        "categorical_crossentropy",
        "CategoricalCrossentropy",
        "as the loss",
        FROM_LOGITS,
        SMOOTHING,
        LAST_AXIS,
        aliases=("crossentropy", "cross_entropy", "cce"),
    ),
    _metric(
        "sparse_categorical_crossentropy",
        "SparseCategoricalCrossentropy",
        "as the loss",
        FROM_LOGITS,
        IGNORED,
        LAST_AXIS,
        aliases=("scce",),
    ),
    _metric("kl_divergence", "KLDivergence", "as the loss", aliases=("kld", "kullback_leibler_divergence")),
    _metric("poisson", "Poisson", "as the loss"),
    _metric("hinge", "Hinge", "as the loss"),
    _metric("squared_hinge", "SquaredHinge", "as the loss"),
    _metric("categorical_hinge", "CategoricalHinge", "as the loss"),
)

METRICS = Table(
    "metric",
    "E0205",
    (*_OWN, *(loss for loss in LOSSES.entries if loss.name not in {*(m.name for m in _OWN), "log_cosh"})),
)
"""Keras 3; the other losses are metrics as they are."""
