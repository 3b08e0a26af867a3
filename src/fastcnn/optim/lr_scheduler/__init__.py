"""Learning-rate schedules with the names, arguments and arithmetic of ``torch.optim.lr_scheduler``.

`WarmupQuarterCosineLR` is our own.
"""

from .base import LRScheduler
from .cosine import CosineAnnealingLR
from .decay import ConstantLR, ExponentialLR, LambdaLR, LinearLR, MultiStepLR, StepLR
from .one_cycle import OneCycleLR
from .plateau import ReduceLROnPlateau
from .sequential import SequentialLR
from .warmup import WarmupQuarterCosineLR

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "WarmupQuarterCosineLR",
]
