"""Optimizers and learning rate schedules: parameters, ranges, defaults and the source of each.

They are those of Keras 3 under its names. What only PyTorch has goes by PyTorch's names and defaults, with two
exceptions that make all alike: the rate is `learning_rate`, and a schedule starts with the rate it starts from.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from neuralc.grammar.parameters import Flag, OneOf, Optional, Parameter, Parameters, Real, Several, Whole
from neuralc.grammar.training.kinds import BELOW_ONE, COUNT, INDEX, NAME, NOT_NEGATIVE, POSITIVE, TEXT, UNIT
from neuralc.grammar.training.table import CallOf, Entry, Table, needs, p

# --- checks across parameters ----------------------------------------------------------------------------------------


def _one_clip(values: Mapping[str, Any]) -> str | None:
    given = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if values.get(name) is not None]
    return f"only one of {' and '.join(f'`{name}`' for name in given)} may be given" if len(given) > 1 else None


def _nesterov_has_momentum(values: Mapping[str, Any]) -> str | None:
    return "`nesterov` needs a `momentum` above 0" if values["nesterov"] and not values["momentum"] else None


def _pieces(values: Mapping[str, Any]) -> str | None:
    boundaries, rates = values["boundaries"], values["values"]
    if len(rates) != len(boundaries) + 1:
        return f"{len(boundaries)} boundaries part {len(boundaries) + 1} values, there are {len(rates)}"
    return None


def _go_up(name: str, values: Mapping[str, Any]) -> str | None:
    steps = values[name]
    return None if all(a < b for a, b in pairwise(steps)) else f"`{name}` go up"


def _boundaries_go_up(values: Mapping[str, Any]) -> str | None:
    return _go_up("boundaries", values)


def _milestones_go_up(values: Mapping[str, Any]) -> str | None:
    return _go_up("milestones", values)


def _warmup_has_steps(values: Mapping[str, Any]) -> str | None:
    return "`warmup_target` needs `warmup_steps`" if values["warmup_target"] and not values["warmup_steps"] else None


def _cycle_goes_up(values: Mapping[str, Any]) -> str | None:
    return "`base_lr` is below `max_lr`" if values["base_lr"] >= values["max_lr"] else None


# --- schedules -------------------------------------------------------------------------------------------------------
_START = needs("initial_learning_rate", POSITIVE, "the rate at the first step")
_STEPS = needs("decay_steps", COUNT, "steps of the optimizer over which the rate falls once")


def _keras_schedule(name: str, doc: str, *parameters: Parameter, checks: Any = ()) -> Entry:
    return Entry(name, (*parameters, p("name", NAME, None)), f"keras.optimizers.schedules.{name}", doc, (), checks)


def _torch_schedule(name: str, doc: str, *parameters: Parameter, checks: Any = ()) -> Entry:
    return Entry(name, parameters, f"torch.optim.lr_scheduler.{name}", doc, (), checks)


SCHEDULES = Table(
    "learning rate schedule",
    "E0203",
    (
        _keras_schedule(
            "ExponentialDecay",
            "initial_learning_rate * decay_rate ** (step / decay_steps)",
            _START,
            _STEPS,
            needs("decay_rate", POSITIVE, "the factor after `decay_steps`"),
            p("staircase", Flag(), False, "whole powers only"),
        ),
        _keras_schedule(
            "InverseTimeDecay",
            "initial_learning_rate / (1 + decay_rate * step / decay_steps)",
            _START,
            _STEPS,
            needs("decay_rate", POSITIVE, "how fast the rate falls"),
            p("staircase", Flag(), False, "whole multiples only"),
        ),
        _keras_schedule(
            "PolynomialDecay",
            "from the initial rate to the end rate along (1 - step / decay_steps) ** power",
            _START,
            _STEPS,
            p("end_learning_rate", NOT_NEGATIVE, 0.0001, "the rate at the end"),
            p("power", POSITIVE, 1.0, "1 is a straight line"),
            p("cycle", Flag(), False, "start again after `decay_steps`"),
        ),
        _keras_schedule(
            "CosineDecay",
            "half a cosine from the initial rate to alpha times it, after a linear warm-up",
            needs("initial_learning_rate", NOT_NEGATIVE, "the rate at the first step"),
            _STEPS,
            p("alpha", UNIT, 0.0, "the least rate, as a part of the initial one"),
            p("warmup_target", Optional(POSITIVE), None, "the rate at the end of the warm-up"),
            p("warmup_steps", INDEX, 0, "steps of the warm-up"),
            checks=(_warmup_has_steps,),
        ),
        _keras_schedule(
            "CosineDecayRestarts",
            "half cosines, each t_mul times as long and m_mul times as high as the one before",
            _START,
            needs("first_decay_steps", COUNT, "steps of the first period"),
            p("t_mul", POSITIVE, 2.0, "factor of the length"),
            p("m_mul", POSITIVE, 1.0, "factor of the height"),
            p("alpha", UNIT, 0.0, "the least rate, as a part of the initial one"),
        ),
        _keras_schedule(
            "PiecewiseConstantDecay",
            "the first value up to the first boundary, the second up to the next one, and so on",
            needs("boundaries", Several(INDEX), "steps at which the rate changes"),
            needs("values", Several(NOT_NEGATIVE), "the rates, one more than boundaries"),
            checks=(_pieces, _boundaries_go_up),
        ),
        _torch_schedule(
            "StepLR",
            "gamma times the rate every step_size epochs",
            _START,
            needs("step_size", COUNT, "epochs between two changes"),
            p("gamma", POSITIVE, 0.1, "factor of each change"),
        ),
        _torch_schedule(
            "MultiStepLR",
            "gamma times the rate at each milestone",
            _START,
            needs("milestones", Several(INDEX), "epochs at which the rate changes"),
            p("gamma", POSITIVE, 0.1, "factor of each change"),
            checks=(_milestones_go_up,),
        ),
        _torch_schedule(
            "ExponentialLR",
            "gamma times the rate every epoch",
            _START,
            needs("gamma", POSITIVE, "factor of each epoch"),
        ),
        _torch_schedule(
            "LinearLR",
            "from start_factor to end_factor times the rate in a straight line",
            _START,
            p("start_factor", Real(0, 1, open_low=True), 1 / 3, "factor at the first epoch"),
            p("end_factor", UNIT, 1.0, "factor at the end"),
            p("total_iters", COUNT, 5, "epochs until the end factor"),
        ),
        _torch_schedule(
            "PolynomialLR",
            "from the rate to 0 along (1 - epoch / total_iters) ** power",
            _START,
            p("total_iters", COUNT, 5, "epochs until 0"),
            p("power", POSITIVE, 1.0, "1 is a straight line"),
        ),
        _torch_schedule(
            "CosineAnnealingLR",
            "a cosine between the rate and eta_min, with half a period of T_max epochs",
            _START,
            needs("T_max", COUNT, "epochs of half a period"),
            p("eta_min", NOT_NEGATIVE, 0.0, "the least rate"),
        ),
        _torch_schedule(
            "CosineAnnealingWarmRestarts",
            "half cosines from the rate to eta_min, each T_mult times as long as the one before",
            _START,
            needs("T_0", COUNT, "epochs of the first period"),
            p("T_mult", COUNT, 1, "factor of the length"),
            p("eta_min", NOT_NEGATIVE, 0.0, "the least rate"),
        ),
        _torch_schedule(
            "OneCycleLR",
            "up from max_lr / div_factor to max_lr, then down to the initial rate / final_div_factor, step by step",
            needs("max_lr", POSITIVE, "the highest rate"),
            p("total_steps", Optional(COUNT), None, "steps of the cycle; all of the training unless said"),
            p("epochs", Optional(COUNT), None, "with `steps_per_epoch`, another way to say the steps"),
            p("steps_per_epoch", Optional(COUNT), None, "steps in an epoch"),
            p("pct_start", UNIT, 0.3, "the part of the cycle that goes up"),
            p("anneal_strategy", OneOf(("cos", "linear")), "cos", "the form of both ways"),
            p("cycle_momentum", Flag(), True, "move the momentum against the rate"),
            p("base_momentum", UNIT, 0.85, "the least momentum"),
            p("max_momentum", UNIT, 0.95, "the highest momentum"),
            p("div_factor", POSITIVE, 25.0, "max_lr over the initial rate"),
            p("final_div_factor", POSITIVE, 10000.0, "the initial rate over the last one"),
            p("three_phase", Flag(), False, "come back to the initial rate before the last fall"),
        ),
        _torch_schedule(
            "CyclicLR",
            "up from base_lr to max_lr and down again, step by step",
            needs("base_lr", NOT_NEGATIVE, "the least rate"),
            needs("max_lr", POSITIVE, "the highest rate"),
            p("step_size_up", COUNT, 2000, "steps of the way up"),
            p("step_size_down", Optional(COUNT), None, "steps of the way down; as many unless said"),
            p("mode", OneOf(("triangular", "triangular2", "exp_range")), "triangular", "how the height changes"),
            p("gamma", POSITIVE, 1.0, "factor of each step for `exp_range`"),
            p("scale_mode", OneOf(("cycle", "iterations")), "cycle", "what `mode` counts"),
            p("cycle_momentum", Flag(), True, "move the momentum against the rate"),
            p("base_momentum", UNIT, 0.8, "the least momentum"),
            p("max_momentum", UNIT, 0.9, "the highest momentum"),
            checks=(_cycle_goes_up,),
        ),
    ),
)
"""Keras 3 counts steps of the optimizer; PyTorch's count epochs, but for OneCycleLR and CyclicLR."""

RATE = CallOf(SCHEDULES, POSITIVE)
"""A learning rate: a number above 0, or a schedule."""

# --- optimizers ------------------------------------------------------------------------------------------------------
_KERAS: Parameters = (
    p("weight_decay", Optional(NOT_NEGATIVE), None, "pull of the weights to 0, apart from the gradient"),
    p("clipnorm", Optional(POSITIVE), None, "longest gradient of one weight"),
    p("clipvalue", Optional(POSITIVE), None, "largest entry of a gradient"),
    p("global_clipnorm", Optional(POSITIVE), None, "longest gradient of all weights together"),
    p("use_ema", Flag(), False, "keep a moving average of the weights"),
    p("ema_momentum", UNIT, 0.99, "how slowly the average moves"),
    p("ema_overwrite_frequency", Optional(COUNT), None, "steps after which the weights become their average"),
    p("loss_scale_factor", Optional(POSITIVE), None, "factor of the loss, taken from the gradients again"),
    p("gradient_accumulation_steps", Optional(Whole(2)), None, "steps whose gradients are added up"),
    p("name", NAME, None),
)
"""What every optimizer of Keras takes."""


def _keras(name: str, rate: float, doc: str, *parameters: Parameter, checks: Any = (), aliases: Any = ()) -> Entry:
    own = {parameter.name for parameter in parameters}
    common = tuple(parameter for parameter in _KERAS if parameter.name not in own)
    taken = (p("learning_rate", RATE, rate, "length of a step, or a schedule of it"), *parameters, *common)
    return Entry(name, taken, f"keras.optimizers.{name}", doc, aliases, (_one_clip, *checks))


def _torch(name: str, rate: float, doc: str, *parameters: Parameter, checks: Any = ()) -> Entry:
    taken = (p("learning_rate", RATE, rate, "length of a step, or a schedule of it"), *parameters)
    return Entry(name, (*taken, p("maximize", Flag(), False, "go up")), f"torch.optim.{name}", doc, (), checks)


def _betas(second: float = 0.999) -> Parameters:
    return (
        p("beta_1", BELOW_ONE, 0.9, "decay of the mean of gradients"),
        p("beta_2", BELOW_ONE, second, "decay of the mean of their squares"),
    )


_EPSILON = p("epsilon", POSITIVE, 1e-7, "added to the divisor")
_ADAM: Parameters = (*_betas(), _EPSILON)
_AMSGRAD = p("amsgrad", Flag(), False, "divide by the largest mean so far")
_MOMENTUM = p("momentum", UNIT, 0.0, "part of the last step that is kept")
_DECAY = p("weight_decay", NOT_NEGATIVE, 0.0, "pull of the weights to 0")
_PAIR = Several(BELOW_ONE)


def _two(name: str) -> Any:
    def check(values: Mapping[str, Any]) -> str | None:
        return None if len(values[name]) == 2 else f"`{name}` are two numbers, not {len(values[name])}"

    return check


def _etas_around_one(values: Mapping[str, Any]) -> str | None:
    low, high = (*values["etas"], 0, 0)[:2]
    return None if 0 < low < 1 < high else "the first of `etas` is below 1 and the second above"


def _step_sizes_go_up(values: Mapping[str, Any]) -> str | None:
    return _go_up("step_sizes", values)


_MAIN: tuple[Entry, ...] = (
    _keras(
        "SGD",
        0.01,
        "Sutskever et al. 2013: gradient descent with momentum",
        _MOMENTUM,
        p("nesterov", Flag(), False, "look ahead along the momentum"),
        checks=(_nesterov_has_momentum,),
    ),
    _keras("Adam", 0.001, "Kingma and Ba 2014", *_ADAM, _AMSGRAD),
    _keras(
        "AdamW",
        0.001,
        "Loshchilov and Hutter 2019: Adam with decoupled weight decay",
        p("weight_decay", NOT_NEGATIVE, 0.004, "pull of the weights to 0"),
        *_ADAM,
        _AMSGRAD,
    ),
    _keras("Adamax", 0.001, "Kingma and Ba 2014, section 7", *_ADAM),
    _keras("Nadam", 0.001, "Dozat 2016: Adam with Nesterov momentum", *_ADAM),
    _keras(
        "RMSprop",
        0.001,
        "Hinton 2012: gradients over the root of their mean square",
        p("rho", UNIT, 0.9, "decay of the mean square"),
        _MOMENTUM,
        _EPSILON,
        p("centered", Flag(), False, "take the mean off before squaring"),
    ),
    _keras(
        "Adagrad",
        0.001,
        "Duchi et al. 2011",
        p("initial_accumulator_value", NOT_NEGATIVE, 0.1, "where the sums of squares start"),
        _EPSILON,
    ),
    _keras("Adadelta", 0.001, "Zeiler 2012", p("rho", UNIT, 0.95, "decay of the mean squares"), _EPSILON),
    _keras(
        "Adafactor",
        0.001,
        "Shazeer and Stern 2018",
        p("beta_2_decay", Real(maximum=0), -0.8, "exponent by which the decay comes to 1"),
        p("epsilon_1", POSITIVE, 1e-30, "added to squares"),
        p("epsilon_2", POSITIVE, 0.001, "least scale of a weight"),
        p("clip_threshold", POSITIVE, 1.0, "largest root mean square of a step"),
        p("relative_step", Flag(), True, "scale the rate by the number of steps and the weight"),
    ),
    _keras(
        "Ftrl",
        0.001,
        "McMahan et al. 2013",
        p("learning_rate_power", Real(maximum=0), -0.5, "how the rate falls"),
        p("initial_accumulator_value", NOT_NEGATIVE, 0.1, "where the sums of squares start"),
        p("l1_regularization_strength", NOT_NEGATIVE, 0.0, "pull to 0 by absolute value"),
        p("l2_regularization_strength", NOT_NEGATIVE, 0.0, "pull to 0 by square"),
        p("l2_shrinkage_regularization_strength", NOT_NEGATIVE, 0.0, "pull to 0 by square, on the loss alone"),
        p("beta", NOT_NEGATIVE, 0.0, "added to the divisor"),
    ),
    _keras(
        "Lion",
        0.001,
        "Chen et al. 2023",
        p("beta_1", Real(0, 1, open_low=True), 0.9, "decay of the mean that gives the sign"),
        p("beta_2", UNIT, 0.99, "decay of the momentum"),
    ),
    _keras("Lamb", 0.001, "You et al. 2019: Adam with a rate for each weight", *_ADAM),
    _keras(
        "Muon",
        0.001,
        "Jordan et al. 2024: orthogonalized momentum for matrices, AdamW for the rest",
        p("adam_beta_1", BELOW_ONE, 0.9, "decay of the mean of gradients in AdamW"),
        p("adam_beta_2", BELOW_ONE, 0.999, "decay of the mean of their squares in AdamW"),
        p("adam_weight_decay", Optional(NOT_NEGATIVE), 0.004, "pull of the weights to 0 in AdamW"),
        _EPSILON,
        p("weight_decay", Optional(NOT_NEGATIVE), 0.004, "pull of the weights to 0"),
        *(parameter for parameter in _KERAS if parameter.name != "weight_decay"),
        p("exclude_layers", Optional(Several(TEXT)), None, "patterns of names of weights that AdamW trains"),
        p("exclude_embeddings", Flag(), True, "train embeddings by AdamW"),
        p("muon_a", Real(), 3.4445, "coefficient of the iteration"),
        p("muon_b", Real(), -4.775, "coefficient of the iteration"),
        p("muon_c", Real(), 2.0315, "coefficient of the iteration"),
        p("adam_lr_ratio", POSITIVE, 1, "the rate of AdamW over that of Muon"),
        p("momentum", UNIT, 0.95, "part of the last step that is kept"),
        p("ns_steps", COUNT, 5, "iterations of Newton and Schulz"),
        p("nesterov", Flag(), True, "look ahead along the momentum"),
        p("rms_rate", Optional(POSITIVE), 0.2, "root mean square that steps are scaled to"),
    ),
    _keras(
        "ScheduleFreeAdamW",
        0.0025,
        "Defazio et al. 2024: AdamW that needs no schedule",
        *_betas(),
        p("epsilon", POSITIVE, 1e-8, "added to the divisor"),
        p("warmup_steps", INDEX, 0, "steps of a linear warm-up"),
    ),
    _torch(
        "RAdam",
        0.001,
        "Liu et al. 2019: Adam with a rectified variance",
        p("betas", _PAIR, (0.9, 0.999), "decays of the means of gradients and of squares"),
        p("eps", POSITIVE, 1e-8, "added to the divisor"),
        _DECAY,
        p("decoupled_weight_decay", Flag(), False, "decay the weights as AdamW does"),
        checks=(_two("betas"),),
    ),
    _torch(
        "ASGD",
        0.01,
        "Polyak and Juditsky 1992: averaged gradient descent",
        p("lambd", NOT_NEGATIVE, 0.0001, "decay of the weights"),
        p("alpha", POSITIVE, 0.75, "exponent by which the rate falls"),
        p("t0", NOT_NEGATIVE, 1000000.0, "step at which averaging begins"),
        _DECAY,
    ),
    _torch(
        "Rprop",
        0.01,
        "Riedmiller and Braun 1993: steps by the sign of gradients",
        p("etas", Several(POSITIVE), (0.5, 1.2), "factors of a step when the sign changes and when it stays"),
        p("step_sizes", Several(POSITIVE), (1e-6, 50), "shortest and longest step"),
        checks=(_two("etas"), _etas_around_one, _two("step_sizes"), _step_sizes_go_up),
    ),
    Entry(
        "LBFGS",
        (
            p("learning_rate", RATE, 1, "length of a step, or a schedule of it"),
            p("max_iter", COUNT, 20, "iterations of a step"),
            p("max_eval", Optional(COUNT), None, "evaluations of a step; 5/4 of the iterations unless said"),
            p("tolerance_grad", NOT_NEGATIVE, 1e-7, "gradient at which a step ends"),
            p("tolerance_change", NOT_NEGATIVE, 1e-9, "change at which a step ends"),
            p("history_size", COUNT, 100, "updates that are remembered"),
            p("line_search_fn", Optional(OneOf(("strong_wolfe",))), None, "search along each direction"),
        ),
        "torch.optim.LBFGS",
        "Liu and Nocedal 1989: limited memory quasi-Newton",
    ),
)

_INNER = Table("optimizer", "E0203", _MAIN)

OPTIMIZERS = Table(
    "optimizer",
    "E0203",
    (
        *_MAIN,
        Entry(
            "LossScaleOptimizer",
            (
                needs("inner_optimizer", CallOf(_INNER), "the optimizer that takes the steps"),
                p("initial_scale", POSITIVE, 32768.0, "factor of the loss at the first step"),
                p("dynamic_growth_steps", COUNT, 2000, "steps after which the factor grows"),
                p("name", NAME, None),
            ),
            "keras.optimizers.LossScaleOptimizer",
            "scales the loss so that gradients of 16-bit floats do not vanish",
        ),
    ),
    {
        "sparseadam": "Adam",
        "momentum": "SGD(momentum=0.9)",
        "nesterov": "SGD(momentum=0.9, nesterov=true)",
    },
)
