"""Averages of weights: stochastic weight averaging (SWA) and exponential moving averages (EMA).

With the names, arguments and arithmetic of ``torch.optim.swa_utils``. Izmailov et al., "Averaging Weights
Leads to Wider Optima and Better Generalization" (2018).
"""

from .averaged import AveragedModel, update_bn
from .functions import get_ema_avg_fn, get_ema_multi_avg_fn, get_swa_avg_fn, get_swa_multi_avg_fn
from .rates import SWALR

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]
