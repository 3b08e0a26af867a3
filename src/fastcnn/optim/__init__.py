"""Optimizers and learning-rate schedules with the names, arguments and arithmetic of ``torch.optim``."""

from . import lr_scheduler
from .adam import Adam, AdamW
from .groups import parameter_groups
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler", "parameter_groups"]
