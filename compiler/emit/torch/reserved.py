"""Names that emitted code must not give away: what the file imports or defines, and what nn.Module means by a name."""

from neuralc.emit.torch.helper_source import functions

CLASS_NAMES = frozenset({"ActivityRegularization", "F", "Function", "Tensor"})

MODULE_ATTRIBUTES = frozenset(
    {
        "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile", "cpu", "cuda",
        "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_extra_state",
        "get_parameter", "get_submodule", "half", "ipu", "load_state_dict", "modules", "mtia", "named_buffers",
        "named_children", "named_modules", "named_parameters", "parameters", "register_backward_hook",
        "register_buffer", "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
        "register_full_backward_pre_hook", "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook", "register_module", "register_parameter",
        "register_state_dict_post_hook", "register_state_dict_pre_hook", "requires_grad_", "set_extra_state",
        "set_submodule", "share_memory", "state_dict", "to", "to_empty", "train", "training", "type", "xpu",
        "zero_grad",
    }
)  # fmt: skip
"""The public attributes of torch.nn.Module (torch 2.6 to 2.13): an attribute of this name would hide one of them."""

LOCAL_NAMES = frozenset({"self", "F", "nn", "torch", "Tensor", *functions()})
"""What a parameter or variable of `forward` may not be called: names of the file that it uses."""
