"""Questions to PyTorch about optimizers and schedules, and the problem they are asked on. No torch here.

The answers are in ``answers.json``, written by `make_answers`.
"""

import functools
import json
from pathlib import Path

import numpy as np

from ..oracle import recipe

PATH = Path(__file__).parent / "answers.json"
SHAPES = [(3, 4), (5,), (2, 1, 2, 2)]
STEPS = 7

# name -> (class, arguments); in a list of groups, "params" holds the indices of SHAPES.
OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd-default": ("SGD", {}),
    "sgd-momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "sgd-dampening": ("SGD", {"lr": 0.1, "momentum": 0.8, "dampening": 0.3}),
    "sgd-decay": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05}),
    "sgd-plain-decay": ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
    "sgd-nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    "sgd-maximize": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "maximize": True}),
    "adam-default": ("Adam", {}),
    "adam": ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3}),
    "adam-decay": ("Adam", {"lr": 0.05, "weight_decay": 0.1}),
    "adam-amsgrad": ("Adam", {"lr": 0.05, "betas": (0.5, 0.6), "amsgrad": True}),
    "adam-maximize": ("Adam", {"lr": 0.05, "weight_decay": 0.1, "maximize": True}),
    "adamw-default": ("AdamW", {}),
    "adamw": ("AdamW", {"lr": 0.05, "betas": (0.9, 0.99), "weight_decay": 0.2}),
    "rmsprop-default": ("RMSprop", {}),
    "rmsprop": ("RMSprop", {"lr": 0.05, "alpha": 0.8, "eps": 1e-3, "weight_decay": 0.1}),
    "rmsprop-momentum": ("RMSprop", {"lr": 0.02, "momentum": 0.9, "maximize": True}),
    "rmsprop-centered": ("RMSprop", {"lr": 0.02, "alpha": 0.9, "centered": True}),
    "rmsprop-all": (
        "RMSprop",
        {
            "lr": 0.02,
            "alpha": 0.7,
            "eps": 0.1,
            "centered": True,
            "momentum": 0.5,
            "weight_decay": 0.2,
            "maximize": True,
        },
    ),
    "adagrad-default": ("Adagrad", {}),
    "adagrad": ("Adagrad", {"lr": 0.1, "lr_decay": 0.3, "initial_accumulator_value": 0.5, "eps": 1e-3}),
    "adagrad-decay": ("Adagrad", {"lr": 0.1, "weight_decay": 0.3, "maximize": True}),
    "adadelta-default": ("Adadelta", {}),
    "adadelta": ("Adadelta", {"lr": 0.5, "rho": 0.6, "eps": 1e-2, "weight_decay": 0.1}),
    "adadelta-maximize": ("Adadelta", {"rho": 1.0, "eps": 0.5, "maximize": True}),
    "nadam-default": ("NAdam", {}),
    "nadam": ("NAdam", {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-3, "momentum_decay": 0.1}),
    "nadam-decay": ("NAdam", {"lr": 0.05, "weight_decay": 0.2, "maximize": True}),
    "nadam-decoupled": ("NAdam", {"lr": 0.05, "weight_decay": 0.2, "decoupled_weight_decay": True}),
    "radam-default": ("RAdam", {}),
    "radam": ("RAdam", {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-3}),
    "radam-short": ("RAdam", {"lr": 0.05, "betas": (0.5, 0.5)}),
    "radam-decay": ("RAdam", {"lr": 0.05, "betas": (0.9, 0.99), "weight_decay": 0.2, "maximize": True}),
    "radam-decoupled": ("RAdam", {"lr": 0.05, "weight_decay": 0.2, "decoupled_weight_decay": True}),
    "adamax-default": ("Adamax", {}),
    "adamax": ("Adamax", {"lr": 0.05, "betas": (0.5, 0.6), "eps": 0.1, "weight_decay": 0.1}),
    "adamax-maximize": ("Adamax", {"lr": 0.05, "maximize": True}),
    "adamw-amsgrad": ("AdamW", {"lr": 0.05, "weight_decay": 0.2, "amsgrad": True, "maximize": True}),
}
GROUPS = {
    "sgd-groups": (
        "SGD",
        [{"params": [0, 2], "weight_decay": 0.1}, {"params": [1], "lr": 0.5, "momentum": 0.0}],
        {"lr": 0.1, "momentum": 0.9},
    ),
    "adamw-groups": (
        "AdamW",
        [{"params": [1], "weight_decay": 0.0}, {"params": [0, 2], "betas": (0.5, 0.5)}],
        {"lr": 0.1},
    ),
}
# Of matrices alone, which PyTorch makes orthogonal in bfloat16: its answers here are in float64.
MATRIX_SHAPES = [(3, 4), (6, 2), (4, 4), (1, 5), (5, 1)]
MATRICES = {
    "muon-default": ("Muon", {}),
    "muon": ("Muon", {"lr": 0.05, "weight_decay": 0.5, "momentum": 0.6, "nesterov": False}),
    "muon-match": ("Muon", {"lr": 0.05, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3}),
    "muon-original": ("Muon", {"lr": 0.02, "adjust_lr_fn": "original", "eps": 10.0}),
    "muon-coefficients": ("Muon", {"lr": 0.05, "ns_coefficients": (1.5, -0.5, 0.0), "ns_steps": 8}),
}
# Every optimizer that PyTorch has, with gradients times such factors.
SCALES = {"zero": 0.0, "tiny": 1e-15, "huge": 1e12}
SCALED = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam", "Adamax")
# name -> (optimizer, its arguments, steps, [(class, arguments), ...]); several are stepped together.
SCHEDULES = {
    "step": ("SGD", {"lr": 0.3}, 10, [("StepLR", {"step_size": 3})]),
    "multistep": ("SGD", {"lr": 0.3}, 9, [("MultiStepLR", {"milestones": [0, 2, 5, 5], "gamma": 0.5})]),
    "exponential": ("SGD", {"lr": 1e-4}, 12, [("ExponentialLR", {"gamma": 0.95})]),
    "constant": ("SGD", {"lr": 0.3}, 8, [("ConstantLR", {})]),
    "constant-0": ("SGD", {"lr": 0.3}, 3, [("ConstantLR", {"factor": 0.5, "total_iters": 0})]),
    "linear": ("SGD", {"lr": 0.3}, 8, [("LinearLR", {})]),
    "linear-down": (
        "SGD",
        {"lr": 0.3},
        6,
        [("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 4})],
    ),
    "cosine": ("Adam", {"lr": 0.3}, 30, [("CosineAnnealingLR", {"T_max": 7})]),
    "cosine-min": ("Adam", {"lr": 0.3}, 25, [("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01})]),
    "cosine-1": ("Adam", {"lr": 0.3}, 5, [("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.1})]),
    "chained": (
        "SGD",
        {"lr": 0.3},
        9,
        [("ExponentialLR", {"gamma": 0.9}), ("StepLR", {"step_size": 4}), ("LinearLR", {"total_iters": 3})],
    ),
    "polynomial": ("SGD", {"lr": 0.3}, 8, [("PolynomialLR", {})]),
    "polynomial-2": ("SGD", {"lr": 0.3}, 12, [("PolynomialLR", {"total_iters": 9, "power": 2.5})]),
    "restarts": ("Adam", {"lr": 0.3}, 20, [("CosineAnnealingWarmRestarts", {"T_0": 6})]),
    "restarts-longer": (
        "SGD",
        {"lr": 0.3},
        30,
        [("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01})],
    ),
    "restarts-1": ("SGD", {"lr": 0.3}, 5, [("CosineAnnealingWarmRestarts", {"T_0": 1})]),
    "cyclic": (
        "SGD",
        {"lr": 0.7, "momentum": 0.3},
        20,
        [("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4})],
    ),
    "cyclic-adam": (
        "Adam",
        {"lr": 0.7},
        20,
        [
            (
                "CyclicLR",
                {
                    "base_lr": [0.01, 0.02],
                    "max_lr": [0.1, 0.3],
                    "step_size_up": 3,
                    "step_size_down": 5,
                    "mode": "triangular2",
                    "base_momentum": 0.6,
                    "max_momentum": 0.95,
                },
            )
        ],
    ),
    "cyclic-range": (
        "SGD",
        {"lr": 0.7},
        20,
        [
            (
                "CyclicLR",
                {
                    "base_lr": 0.01,
                    "max_lr": 0.1,
                    "step_size_up": 4,
                    "mode": "exp_range",
                    "gamma": 0.9,
                    "cycle_momentum": False,
                },
            )
        ],
    ),
    "one-cycle-sgd": (
        "SGD",
        {"lr": 1.0, "momentum": 0.9},
        20,
        [("OneCycleLR", {"max_lr": 0.1, "total_steps": 20})],
    ),
    "one-cycle-adam": (
        "AdamW",
        {"lr": 1.0, "betas": (0.9, 0.99)},
        24,
        [("OneCycleLR", {"max_lr": 0.05, "epochs": 6, "steps_per_epoch": 4, "final_div_factor": 1e4})],
    ),
    "one-cycle-linear": (
        "SGD",
        {"lr": 1.0, "momentum": 0.9},
        15,
        [
            (
                "OneCycleLR",
                {
                    "max_lr": 0.1,
                    "total_steps": 15,
                    "anneal_strategy": "linear",
                    "pct_start": 0.25,
                    "base_momentum": 0.5,
                    "max_momentum": 0.99,
                    "div_factor": 10.0,
                },
            )
        ],
    ),
    "one-cycle-three": (
        "Adam",
        {"lr": 1.0},
        21,
        [("OneCycleLR", {"max_lr": 0.1, "total_steps": 21, "three_phase": True, "pct_start": 0.4})],
    ),
    "one-cycle-plain": (
        "SGD",
        {"lr": 1.0},
        10,
        [("OneCycleLR", {"max_lr": 0.1, "total_steps": 10, "cycle_momentum": False})],
    ),
}
# name -> (optimizer's lr, [(class, arguments), ...], milestones, number of steps)
SEQUENCES = {
    "warm-up-cosine": (
        0.2,
        [
            ("LinearLR", {"start_factor": 0.01, "total_iters": 3}),
            ("CosineAnnealingLR", {"T_max": 6, "eta_min": 1e-3}),
        ],
        [3],
        12,
    ),
    "three": (
        0.2,
        [
            ("ConstantLR", {"factor": 0.1, "total_iters": 9}),
            ("ExponentialLR", {"gamma": 0.8}),
            ("StepLR", {"step_size": 2, "gamma": 0.5}),
        ],
        [2, 6],
        12,
    ),
    "from-0": (
        0.2,
        [("ExponentialLR", {"gamma": 0.5}), ("LinearLR", {"total_iters": 2})],
        [0],
        5,
    ),
}
# Several at once, in a ChainedScheduler: name -> [(class, arguments), ...]
CHAINS = {
    "warm-up-decay": [("ConstantLR", {"factor": 0.1, "total_iters": 2}), ("ExponentialLR", {"gamma": 0.9})],
    "three": [
        ("LinearLR", {"total_iters": 3}),
        ("StepLR", {"step_size": 4}),
        ("PolynomialLR", {"total_iters": 9}),
    ],
    "lambda": [("LambdaLR", {"lr_lambda": lambda epoch: 1 / (1 + epoch)})],
    "multiplicative": [("MultiplicativeLR", {"lr_lambda": lambda epoch: 1 - epoch / 20})],
}
# Made for an optimizer whose rates, a third of the initial ones, have 4 steps behind them.
LAST_EPOCH, LATER_STEPS = 4, 9
CONTINUED = {
    "step": ("StepLR", {"step_size": 5}),
    "multistep": ("MultiStepLR", {"milestones": [5, 7], "gamma": 0.5}),
    "exponential": ("ExponentialLR", {"gamma": 0.9}),
    "constant": ("ConstantLR", {"total_iters": 5}),
    "linear": ("LinearLR", {"total_iters": 8}),
    "polynomial": ("PolynomialLR", {"total_iters": 9}),
    "cosine": ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    "restarts": ("CosineAnnealingWarmRestarts", {"T_0": 8, "T_mult": 2}),
    "swa": ("SWALR", {"swa_lr": 0.02, "anneal_epochs": 5}),
}
SWA = {
    "cos": {"swa_lr": 0.05},
    "linear": {"swa_lr": [0.05, 0.5], "anneal_epochs": 4, "anneal_strategy": "linear"},
    "at-once": {"swa_lr": 0.01, "anneal_epochs": 0},
}
SWA_STEPS = 12
# Averages of a parameter and a buffer: name -> (function of swa_utils, its arguments, use_buffers)
AVERAGES = {
    "swa": ("get_swa_multi_avg_fn", (), False),
    "swa-buffers": ("get_swa_multi_avg_fn", (), True),
    "ema": ("get_ema_multi_avg_fn", (0.9,), True),
    "ema-fast": ("get_ema_multi_avg_fn", (0.2,), False),
    "ema-default": ("get_ema_multi_avg_fn", (), True),
    "ema-avg": ("get_ema_avg_fn", (0.9,), True),
    "swa-avg": ("get_swa_avg_fn", (), True),
}
# Epochs that CosineAnnealingWarmRestarts.step is given, and its arguments.
FRACTIONS = [0.0, 0.25, 0.5, 2.0, 2.75, 3.0, 7.5, 20.25, 9.0, 1.5]
FRACTIONAL = {"1": {"T_0": 3}, "2": {"T_0": 2, "T_mult": 2, "eta_min": 0.01}}
METRICS = [1.0, 0.9, 0.9, 0.95, 0.91, 0.8999, 0.93, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.7, float("nan"), 0.6, 0.4]
PLATEAUS = {
    "default": {},
    "patience": {"patience": 1},
    "max": {"mode": "max", "patience": 2, "factor": 0.5},
    "abs": {"patience": 1, "threshold": 0.05, "threshold_mode": "abs", "factor": 0.3},
    "max-abs": {"mode": "max", "patience": 0, "threshold": 0.05, "threshold_mode": "abs"},
    "cooldown": {"patience": 0, "cooldown": 2, "factor": 0.5},
    "min-lr": {"patience": 0, "min_lr": 0.02, "factor": 0.5},
    "eps": {"patience": 0, "factor": 0.5, "eps": 0.02},
}


def start(shapes: list[tuple[int, ...]] = SHAPES) -> list[np.ndarray]:
    """Return the initial values of the parameters, float64."""
    return [recipe.make({**recipe.uniform(shape), "seed": i}) for i, shape in enumerate(shapes)]


def gradients(
    step: int, shapes: list[tuple[int, ...]] = SHAPES, scale: float = 1.0
) -> list[np.ndarray | None]:
    """Return the gradients of one step; the second parameter has none in steps 0 and 3."""
    grads = [
        scale * recipe.make({**recipe.uniform(shape), "seed": 100 * (step + 1) + i})
        for i, shape in enumerate(shapes)
    ]
    return [None if i == 1 and step in (0, 3) else grad for i, grad in enumerate(grads)]


@functools.cache
def answers() -> dict:
    """Return PyTorch's answers."""
    return json.loads(PATH.read_text(encoding="ascii"))
