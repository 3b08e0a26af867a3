"""The compiled engine: lowers a model to a flat program of fused kernels over planned buffers."""

from .compiled import CompiledModule, compile
from .plan import Plan
from .plans import InferencePlan, StepPlan, TwoPassPlan
from .wanted import (
    get_conv_algorithm,
    get_float32_matmul_precision,
    set_conv_algorithm,
    set_float32_matmul_precision,
)

__all__ = [
    "CompiledModule",
    "InferencePlan",
    "Plan",
    "StepPlan",
    "TwoPassPlan",
    "compile",
    "get_conv_algorithm",
    "get_float32_matmul_precision",
    "set_conv_algorithm",
    "set_float32_matmul_precision",
]
