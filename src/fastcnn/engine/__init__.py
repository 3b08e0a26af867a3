"""The compiled engine: lowers a model to a flat program of fused kernels over planned buffers."""

from .compiled import CompiledModule, compile
from .plan import Plan

__all__ = ["CompiledModule", "Plan", "compile"]
