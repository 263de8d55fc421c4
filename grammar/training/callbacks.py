"""Callbacks of training: what happens between epochs. Those of Keras 3 that hold no Python function."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, OneOf, Optional, Parameter, Real, Whole
from neuralc.grammar.training.kinds import BELOW_ONE, COUNT, INDEX, MODE, NOT_NEGATIVE, TEXT, Either
from neuralc.grammar.training.optimizers import SCHEDULES
from neuralc.grammar.training.table import CallOf, Entry, Table, needs, p

_MONITOR = p("monitor", TEXT, "val_loss", "the number that is watched: a loss or a metric, `val_` on held-out data")
_MODE = p("mode", MODE, "auto", "whether the number should fall or rise")
_VERBOSE = p("verbose", Whole(0, 2), 0, "how much is printed")
_OFTEN = p("save_freq", Either(COUNT, OneOf(("epoch",))), "epoch", "every epoch, or after so many steps")


def _callback(name: str, doc: str, *parameters: Parameter) -> Entry:
    return Entry(name, parameters, f"keras.callbacks.{name}", doc)


EARLY_STOPPING = _callback(
    "EarlyStopping",
    "ends the training when a number gets no better",
    _MONITOR,
    p("min_delta", NOT_NEGATIVE, 0, "less than this is no better"),
    p("patience", INDEX, 0, "epochs to wait"),
    _VERBOSE,
    _MODE,
    p("baseline", Optional(Real()), None, "the number that has to be reached"),
    p("restore_best_weights", Flag(), False, "go back to the weights of the best epoch"),
    p("start_from_epoch", INDEX, 0, "epochs before watching begins"),
)

CALLBACKS = Table(
    "callback",
    "E0220",
    (
        EARLY_STOPPING,
        _callback(
            "ModelCheckpoint",
            "writes the weights",
            needs("filepath", TEXT, "the file to write"),
            _MONITOR,
            _VERBOSE,
            p("save_best_only", Flag(), False, "only when the number is better"),
            p("save_weights_only", Flag(), False, "without the model itself"),
            _MODE,
            _OFTEN,
            p("initial_value_threshold", Optional(Real()), None, "the number to be better than at first"),
        ),
        _callback(
            "ReduceLROnPlateau",
            "lowers the learning rate when a number gets no better",
            _MONITOR,
            p("factor", BELOW_ONE, 0.1, "the new rate over the old one"),
            p("patience", INDEX, 10, "epochs to wait"),
            _VERBOSE,
            _MODE,
            p("min_delta", NOT_NEGATIVE, 0.0001, "less than this is no better"),
            p("cooldown", INDEX, 0, "epochs to rest after lowering"),
            p("min_lr", NOT_NEGATIVE, 0.0, "the least rate"),
        ),
        _callback(
            "LearningRateScheduler",
            "sets the learning rate of each epoch",
            needs("schedule", CallOf(SCHEDULES), "a schedule that counts epochs"),
            _VERBOSE,
        ),
        _callback(
            "CSVLogger",
            "writes a line for each epoch",
            needs("filename", TEXT, "the file to write"),
            p("separator", TEXT, ",", "between two entries"),
            p("append", Flag(), False, "go on with a file that is there"),
        ),
        _callback(
            "TensorBoard",
            "writes what TensorBoard shows",
            p("log_dir", TEXT, "logs", "the folder to write to"),
            p("histogram_freq", INDEX, 0, "epochs between two histograms of weights"),
            p("write_graph", Flag(), True, "write the model"),
            p("write_images", Flag(), False, "write weights as images"),
            p("write_steps_per_second", Flag(), False, "write the speed"),
            p("update_freq", Either(COUNT, OneOf(("epoch", "batch"))), "epoch", "how often numbers are written"),
            p("profile_batch", INDEX, 0, "the batch that is profiled"),
            p("embeddings_freq", INDEX, 0, "epochs between two pictures of embeddings"),
            p("embeddings_metadata", Optional(TEXT), None, "the file that names the embeddings"),
        ),
        _callback(
            "BackupAndRestore",
            "goes on where an interrupted training was",
            needs("backup_dir", TEXT, "the folder to write to"),
            _OFTEN,
            p("double_checkpoint", Flag(), False, "keep the state before the last one too"),
            p("delete_checkpoint", Flag(), True, "remove the state at the end"),
        ),
        _callback(
            "SwapEMAWeights",
            "takes the moving average of the weights for evaluation",
            p("swap_on_epoch", Flag(), False, "at the end of each epoch, not for evaluation alone"),
        ),
        _callback(
            "TerminateOnNaN",
            "ends the training when the loss is no number",
            p("raise_error", Flag(), False, "as an error"),
        ),
    ),
)
