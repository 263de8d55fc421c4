"""Names that emitted code must not give away: what the file imports or defines, and what keras.layers.Layer means."""

from __future__ import annotations

from neuralc.emit.keras.helper_source import functions

FUNCTION_NAMES = frozenset({"build_model", "load", "load_file", "save", "save_file", "weights", *functions()})
"""What a function that is a block may not be called."""

LAYER_ATTRIBUTES = frozenset(
    {
        "activity_regularizer", "add_loss", "add_metric", "add_variable", "add_weight", "autocast", "build",
        "build_from_config", "built", "call", "compute_dtype", "compute_mask", "compute_output_shape",
        "compute_output_spec", "count_params", "dtype", "dtype_policy", "from_config", "get_build_config", "get_config",
        "get_weights", "index", "input", "input_dtype", "input_spec", "load_own_variables", "losses", "metrics",
        "metrics_variables", "name", "non_trainable_variables", "non_trainable_weights", "output", "path", "quantize",
        "quantization_mode", "quantized_build", "quantized_call", "remat_mode", "rematerialized_call",
        "save_own_variables", "set_weights", "stateless_call", "supports_jit", "supports_masking",
        "symbolic_call", "trainable", "trainable_variables", "trainable_weights", "variable_dtype", "variables",
        "weights", "x", "y", "z",
    }
)  # fmt: skip
"""The public attributes of keras.layers.Layer (Keras 3.15), and the variables of a body."""

LOCAL_NAMES = frozenset(
    {
        "body",
        "functools",
        "itertools",
        "keras",
        "layers",
        "math",
        "np",
        "ops",
        "otherwise",
        "re",
        "self",
        "then",
        *functions(),
    }
)
"""What a parameter or variable of a body may not be called: names of the file that it uses."""
