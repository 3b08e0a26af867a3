"""Long runs of optimizers (20 steps) and of learning-rate schedules (60 steps)."""

from collections.abc import Iterator
from typing import Any

from .question import Question
from .recipe import uniform

OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd-momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}),
    "sgd-dampening": ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5}),
    "sgd-nesterov": ("SGD", {"lr": 0.05, "momentum": 0.8, "nesterov": True}),
    "sgd-decay": ("SGD", {"lr": 0.1, "weight_decay": 0.2}),
    "sgd-nesterov-decay-maximize": (
        "SGD",
        {"lr": 0.02, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1, "maximize": True},
    ),
    "sgd-dampening-decay-maximize": (
        "SGD",
        {"lr": 0.02, "momentum": 0.7, "dampening": 0.2, "weight_decay": 0.1, "maximize": True},
    ),
    "adam": ("Adam", {}),
    "adam-fast": ("Adam", {"lr": 0.1}),
    "adam-betas-eps": ("Adam", {"lr": 0.05, "betas": (0.7, 0.9), "eps": 1e-2}),
    "adam-beta1-0": ("Adam", {"lr": 0.05, "betas": (0.0, 0.99)}),
    "adam-decay": ("Adam", {"lr": 0.05, "weight_decay": 0.3}),
    "adam-amsgrad": ("Adam", {"lr": 0.1, "amsgrad": True, "betas": (0.5, 0.6)}),
    "adam-amsgrad-decay-maximize": (
        "Adam",
        {"lr": 0.05, "amsgrad": True, "weight_decay": 0.1, "maximize": True, "betas": (0.8, 0.8)},
    ),
    "adamw": ("AdamW", {}),
    "adamw-decay": ("AdamW", {"lr": 0.05, "weight_decay": 0.5}),
    "adamw-amsgrad": ("AdamW", {"lr": 0.1, "amsgrad": True, "betas": (0.5, 0.6)}),
    "adamw-maximize-eps": ("AdamW", {"lr": 0.05, "maximize": True, "eps": 0.1}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop-centered-momentum": (
        "RMSprop",
        {"lr": 0.02, "alpha": 0.9, "centered": True, "momentum": 0.7, "weight_decay": 0.1, "eps": 1e-3},
    ),
    "adagrad": ("Adagrad", {"lr": 0.1}),
    "adagrad-decays": (
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.2, "weight_decay": 0.1},
    ),
    "adadelta": ("Adadelta", {}),
    "adadelta-maximize": ("Adadelta", {"rho": 0.7, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    "nadam": ("NAdam", {"lr": 0.02}),
    "nadam-decoupled": (
        "NAdam",
        {"lr": 0.05, "momentum_decay": 0.05, "weight_decay": 0.3, "decoupled_weight_decay": True},
    ),
    "radam": ("RAdam", {"lr": 0.05}),
    "radam-short-maximize": (
        "RAdam",
        {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1, "maximize": True},
    ),
    "adamax": ("Adamax", {"lr": 0.05}),
    "adamax-decay": ("Adamax", {"lr": 0.05, "betas": (0.7, 0.8), "eps": 1e-2, "weight_decay": 0.2}),
}
# Per parameter, the settings of its own group; the first of the others are the defaults above.
GROUPS = [{}, {"lr": 0.01, "weight_decay": 0.0}]

SCHEDULES = {
    "step": ("StepLR", {"step_size": 7}),
    "step-1": ("StepLR", {"step_size": 1, "gamma": 0.97}),
    "exponential": ("ExponentialLR", {"gamma": 0.95}),
    "cosine-beyond": ("CosineAnnealingLR", {"T_max": 13}),
    "cosine-beyond-min": ("CosineAnnealingLR", {"T_max": 25, "eta_min": 0.02}),
    "cosine-whole": ("CosineAnnealingLR", {"T_max": 60}),
    "linear": ("LinearLR", {}),
    "linear-long": ("LinearLR", {"start_factor": 0.01, "end_factor": 0.7, "total_iters": 40}),
    "one-cycle": ("OneCycleLR", {"max_lr": 0.5, "total_steps": 61}),
    "one-cycle-three": ("OneCycleLR", {"max_lr": 0.5, "total_steps": 61, "three_phase": True}),
    "one-cycle-three-linear": (
        "OneCycleLR",
        {
            "max_lr": 0.5,
            "total_steps": 61,
            "three_phase": True,
            "anneal_strategy": "linear",
            "pct_start": 0.2,
        },
    ),
    "one-cycle-max-lrs": (
        "OneCycleLR",
        {
            "max_lr": [0.5, 0.2],
            "epochs": 4,
            "steps_per_epoch": 16,
            "pct_start": 0.3,
            "div_factor": 25,
            "final_div_factor": 10000,
            "base_momentum": 0.85,
            "max_momentum": 0.95,
        },
    ),
    "one-cycle-one-momentum": ("OneCycleLR", {"max_lr": 0.5, "total_steps": 61, "cycle_momentum": False}),
    "polynomial": ("PolynomialLR", {"total_iters": 40, "power": 1.5}),
    "restarts": ("CosineAnnealingWarmRestarts", {"T_0": 9, "eta_min": 0.01}),
    "restarts-doubled": ("CosineAnnealingWarmRestarts", {"T_0": 7, "T_mult": 2}),
    "cyclic": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 9}),
    "cyclic-range": (
        "CyclicLR",
        {
            "base_lr": [0.01, 0.02],
            "max_lr": 0.3,
            "step_size_up": 4,
            "step_size_down": 8,
            "mode": "exp_range",
            "gamma": 0.98,
        },
    ),
    "cyclic-halved": (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 5, "mode": "triangular2", "cycle_momentum": False},
    ),
    "warm-up-cosine": (
        "SequentialLR",
        {
            "parts": [
                ["LinearLR", {"start_factor": 0.1, "total_iters": 5}],
                ["CosineAnnealingLR", {"T_max": 55}],
            ],
            "milestones": [5],
        },
    ),
    "three-parts": (
        "SequentialLR",
        {
            "parts": [
                ["LinearLR", {"total_iters": 4}],
                ["StepLR", {"step_size": 6, "gamma": 0.5}],
                ["ExponentialLR", {"gamma": 0.8}],
            ],
            "milestones": [10, 40],
        },
    ),
}
PLATEAUS: dict[str, dict[str, Any]] = {
    "default": {},
    "min-abs": {"patience": 2, "threshold": 0.05, "threshold_mode": "abs"},
    "max-rel": {"mode": "max", "patience": 2, "factor": 0.5, "threshold": 0.1},
    "max-abs": {"mode": "max", "patience": 1, "factor": 0.5, "threshold": 0.05, "threshold_mode": "abs"},
    "cooldown": {"patience": 1, "cooldown": 3, "factor": 0.7},
    "min-lr": {"patience": 0, "factor": 0.5, "min_lr": 0.01},
    "min-lrs": {"patience": 0, "factor": 0.5, "min_lr": [0.01, 0.0001]},
    "eps": {"patience": 0, "factor": 0.5, "eps": 0.005},
}
STEPS, CHECKED, SCHEDULE_STEPS = 20, (0, 1, 2, 9, 19), 60


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    parameters = {"p0": uniform((3, 4)), "p1": uniform((5,)), "slopes": uniform((STEPS, 17))}
    for name, (optimizer, options) in OPTIMIZERS.items():
        for groups in ([{}, {}], GROUPS):
            args = {"optimizer": optimizer, "options": options, "groups": groups, "checked": CHECKED}
            yield Question("optimizer", f"{name}{'-groups' if groups is GROUPS else ''}", parameters, args)
    for name, (schedule, options) in SCHEDULES.items():
        for optimizer in ("SGD", "Adam"):
            args = {"optimizer": optimizer, "schedule": schedule, "options": options, "steps": SCHEDULE_STEPS}
            yield Question("schedule", f"{name}-{optimizer}", {}, args)
    metrics = {"metrics": uniform((SCHEDULE_STEPS,), 0.5, 1.0)}
    for name, options in PLATEAUS.items():
        args = {
            "optimizer": "SGD",
            "schedule": "ReduceLROnPlateau",
            "options": options,
            "steps": SCHEDULE_STEPS,
        }
        yield Question("plateau", name, metrics, args)
