"""Functions that files write in parts: x sigmoid(x) for SiLU, and the like.

A product or a quotient is looked at when it is read. What its parts have made is left out in the end if
nothing else reads it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ...zoo.definition import Call
from .network import Network
from .values import Made

# How far a number of a file may be from the one that is meant, as a share.
_NEAR = 1e-5


def activation(net: Network, function: str, a: Any, b: Any) -> tuple[str, Made] | None:
    """Return the activation, and of what, that a "mul" or a "div" of two operands is; None if it is none."""
    if function == "div" and isinstance(a, Made) and _is(net.number(b), 6.0):
        return _sixth(net, a)
    if function != "mul":
        return None
    for one, other in ((a, b), (b, a)):
        found = _scaled(net, one, net.number(other)) if isinstance(one, Made) else None
        found = found or (
            _gated(net, one, other) if isinstance(one, Made) and isinstance(other, Made) else None
        )
        if found:
            return found
    return None


def softplus_of(net: Network, y: Any, scaled: Made, x: Made) -> float | None:
    """Return beta if y = softplus(beta x) / beta, where `scaled` is beta x; else None."""
    call, inputs = _call(net, y)
    if scaled == x:
        return 1.0 if call == "softplus" and inputs[0] == x else None
    for each, factor in _operands(net, scaled, "mul"):
        beta = net.number(factor)
        if each == x and beta is not None and call == "div" and _is(net.number(inputs[1]), beta):
            function, parts = _call(net, inputs[0])
            return beta if function == "softplus" and parts[0] == scaled else None
    return None


def _scaled(net: Network, x: Made, factor: float | None) -> tuple[str, Made] | None:
    """Return what x is with a factor."""
    if _is(factor, 1 / 6):
        return _sixth(net, x)
    if _is(factor, 0.5):
        for inner, gate in _operands(net, x, "mul"):
            if _is_normal_gate(net, gate, inner):
                return "gelu", inner
    return None


def _gated(net: Network, x: Made, gate: Made) -> tuple[str, Made] | None:
    """Return what x is times a function of itself."""
    call, inputs = _call(net, gate)
    if call == "sigmoid" and inputs[0] == x:
        return "silu", x
    if call == "hardsigmoid" and inputs[0] == x:
        return "hardswish", x
    if call == "tanh" and isinstance(inputs[0], Made):
        function, parts = _call(net, inputs[0])
        if function == "softplus" and parts[0] == x:
            return "mish", x
    for each, factor in _operands(net, x, "mul"):
        if _is(net.number(factor), 0.5) and _is_normal_gate(net, gate, each):
            return "gelu", each
    return None


def _sixth(net: Network, x: Made) -> tuple[str, Made] | None:
    """Return what min(max(x + 3, 0), 6) / 6 is of, alone or times x."""
    inner = _clipped(net, x)
    if inner is not None:
        return "hardsigmoid", inner
    for each, gate in _operands(net, x, "mul"):
        if isinstance(gate, Made) and _clipped(net, gate) == each:
            return "hardswish", each
    return None


def _clipped(net: Network, x: Made) -> Made | None:
    """Return what x = min(max(of it + 3, 0), 6) is of."""
    call, inputs = _call(net, x)
    if call == "relu6" and isinstance(inputs[0], Made):
        for inner, shift in _operands(net, inputs[0], "add"):
            if _is(net.number(shift), 3.0):
                return inner
    return None


def _is_normal_gate(net: Network, gate: Any, x: Made) -> bool:
    """Tell whether a value is 1 + erf(x / sqrt(2))."""
    if not isinstance(gate, Made):
        return False
    for inner, one in _operands(net, gate, "add"):
        call, inputs = _call(net, inner)
        if _is(net.number(one), 1.0) and call == "erf" and isinstance(inputs[0], Made):
            function, parts = _call(net, inputs[0])
            if function == "div" and parts[0] == x and _is(net.number(parts[1]), math.sqrt(2)):
                return True
            if any(
                each == x and _is(net.number(factor), math.sqrt(0.5))
                for each, factor in _operands(net, inputs[0], "mul")
            ):
                return True
    return False


def _call(net: Network, value: Any) -> tuple[str, list[Any]]:
    """Return the function that has made a value and its operands; "" if it was none."""
    node = net.origin(value)
    if node is None or not isinstance(node.what, Call):
        return "", [None]
    return node.what.function, [net.value(each) for each in node.sources]


def _operands(net: Network, value: Any, function: str) -> Iterator[tuple[Made, Any]]:
    """Yield (a value, the other operand) of what a function of two has made, in both orders."""
    call, inputs = _call(net, value)
    if call == function:
        for one, other in (inputs, inputs[::-1]):
            if isinstance(one, Made):
                yield one, other


def _is(number: float | None, wanted: float) -> bool:
    return number is not None and abs(number - wanted) <= _NEAR * abs(wanted)
