"""The compiled engine: lowers a model to a flat program of fused kernels over planned buffers."""

from .compiled import CompiledModule, compile
from .pin import get_conv_algorithm, set_conv_algorithm
from .plan import Plan
from .plans import InferencePlan, StepPlan, TwoPassPlan

__all__ = [
    "CompiledModule",
    "InferencePlan",
    "Plan",
    "StepPlan",
    "TwoPassPlan",
    "compile",
    "get_conv_algorithm",
    "set_conv_algorithm",
]
