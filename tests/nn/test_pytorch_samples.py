"""What PyTorch's own tests try of layers, losses and functions: its answers, gradients and refusals."""

import inspect
import itertools
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastcnn import nn, ops
from fastcnn.errors import FastcnnError
from fastcnn.nn import functional as F

from ..graph.models import Formula
from ..oracle import samples
from ..oracle.cases import Case, load
from ..oracle.compare import DTYPES, LAYOUTS, assert_close
from ..oracle.grid_samples import LOSSES, METHODS

# What is left out, with the message of each refusal (docs/from-pytorch.md, README's limits).
_NEGATIVE_EPS = "eps must be at least 0, got -0.5"
LEFT_OUT = {
    "group_norm": [_NEGATIVE_EPS],
    "layer_norm": [_NEGATIVE_EPS],
    "GroupNorm": [r"GroupNorm: x must be \(N, 3, \.\.\.\), got the shape \(3, 2, 3\)"],
    "InstanceNorm1d": [r"InstanceNorm1d: x must be \(N, 3, L\) or \(3, L\), got the shape \([01], 15\)"],
    "InstanceNorm2d": [
        r"InstanceNorm2d: x must be \(N, 3, H, W\) or \(3, H, W\), got the shape \([01], 6, 6\)"
    ],
    "interpolate": [r"interpolate: x must be images \(N, C, H, W\) or lines \(N, C, L\), got the shape"],
    "pad": [
        r"pad: with mode '\w+' pad must be \(left, right\) of lines or \(left, right, top, bottom\) of images"
    ],
    "__getitem__": [
        r"an index of a value must be integers, slices, None or \.\.\., got (tuple|ndarray|Value)"
    ],
}


def _by_name(file: str) -> dict[str, list[Case]]:
    found = defaultdict(list)
    for case in load(file):
        found[case.args["name"]].append(case)
    return found


MODULES, FUNCTIONS = _by_name("samples_modules"), _by_name("samples_functions")


def _left_out(check: Callable, case: Case, *how: Any) -> bool:
    """Check a sample, and tell whether it is refused as one that is left out."""
    try:
        check(case, *how)
    except (FastcnnError, TypeError) as error:
        if any(re.search(message, str(error)) for message in LEFT_OUT.get(case.args["name"], ())):
            return True
        raise AssertionError(case.describe()) from error
    return False


def _array(case: Case, name: str, dtype: Any, layout: str | None) -> np.ndarray:
    made = case.input(name, dtype)
    return made if layout is None or not made.ndim else LAYOUTS[layout](made)


def _check_all(cases: list[Case], check: Callable[[Case, Any, str | None], None]) -> None:
    """Check samples in both types, and in one memory layout after the other."""
    turn = itertools.cycle(LAYOUTS)
    for case in cases:
        kinds = [(dtype, None) for dtype in DTYPES] + [(dtype, next(turn)) for dtype in DTYPES]
        for dtype, layout in kinds:
            if _left_out(check, case, dtype, layout):
                break


def _check_module(case: Case, dtype: Any, layout: str | None) -> None:
    module = samples.module_of(nn, case, dtype)
    args, options = samples.arguments(case, "call", lambda name: _array(case, name, dtype, layout))
    what, pair = f"{case.describe()} {layout}", isinstance(module, nn.GaussianNLLLoss)
    y = module((args[0], args[2]), args[1]) if pair else module(*args, **options)
    for i, each in enumerate(y if isinstance(y, tuple) else (y,)):
        assert_close(each, case[f"y{i}"], dtype, f"y{i} of {what}", floor=1.0)
    dys = [_array(case, f"dy{i}", dtype, layout) for i in range(2) if f"dy{i}" in case.specs]
    dy = dys[0] if not isinstance(y, tuple) else (*dys, None)
    grads = module.backward(float(dy) if isinstance(y, float) else dy)
    grads = grads if isinstance(grads, tuple) else (grads,)
    wanted = [name for name in samples.names(case.args["call"]) if f"d{name}" in case]
    for name, grad in zip(wanted, grads, strict=len(wanted) > 1):
        assert_close(grad, case[f"d{name}"], dtype, f"d{name} of {what}", floor=1.0)
    for name, parameter in module.named_parameters():
        assert_close(parameter.grad, case[f"grad:{name}"], dtype, f"gradient of {name} of {what}", floor=1.0)
    for name, value in module.state_dict().items():
        wanted = case[f"state:{name}"]
        if np.isnan(wanted).all():  # the mean over no image, which leaves fastcnn's statistics as they are
            wanted = case.input(f"state:{name}")
        assert_close(value, wanted, dtype, f"{name} of {what}", floor=1.0)


@pytest.mark.parametrize("name", MODULES)
def test_module(name):
    _check_all(MODULES[name], _check_module)


def _check_loss(case: Case, dtype: Any, layout: str | None) -> None:
    args, options = samples.arguments(case, "call", lambda name: _array(case, name, dtype, layout))
    found = getattr(ops, case.args["name"])(*args, **options)
    np.testing.assert_array_equal(getattr(F, case.args["name"])(*args, **options), found[0])
    wanted = [name for name in case.answers if name != "y0"]
    for name, each in zip(["y0", *wanted], found, strict=False):
        assert_close(each, case[name], dtype, f"{name} of {case.describe()} {layout}", floor=1.0)


def _called(case: Case, given: dict[str, Any]) -> Any:
    """Return what the function of a sample makes of arrays or values."""
    args, options = samples.arguments(case, "call", given.__getitem__)
    return samples.function_of(F, case.args["name"])(*args, **options)


def _check_function(case: Case, dtype: Any, layout: str | None) -> None:
    arrays = {
        name: _array(case, name, dtype, None if f"running:{name}" in case else layout)
        for name in samples.names(case.args["call"])
    }
    inputs = [name for name in arrays if f"d{name}" in case]

    def called(*tensors: Any) -> Any:
        return _called(case, {**arrays, **dict(zip(inputs, tensors, strict=True))})

    model, what = Formula(called), f"{case.describe()} {layout}"
    y = model(*(arrays[name] for name in inputs))
    made = y if isinstance(y, tuple | list) else (y,)
    for i, each in enumerate(made):
        assert_close(each, case[f"y{i}"], dtype, f"y{i} of {what}", floor=1.0)
    for name in arrays:
        if f"running:{name}" in case:
            assert_close(arrays[name], case[f"running:{name}"], dtype, f"{name} of {what}")
    if not inputs:
        return
    dys = [
        _array(case, f"dy{i}", dtype, layout) if f"dy{i}" in case.specs else None for i in range(len(made))
    ]
    grads = model.backward(tuple(dys) if isinstance(y, tuple | list) else dys[0])
    # PyTorch's own sixth is a float32.
    kind = np.float32 if case.args["name"] == "hardsigmoid" else dtype
    for name, grad in zip(inputs, grads if len(inputs) > 1 else (grads,), strict=True):
        assert_close(grad, case[f"d{name}"], kind, f"d{name} of {what}", floor=1.0)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    _check_all(FUNCTIONS[name], _check_loss if name in LOSSES else _check_function)


REFUSED = load("samples_refused")
# What fastcnn takes nevertheless (docs/from-pytorch.md): a variance without eps, a line without channels, and
# a mean of integers.
TAKEN = {"BatchNorm1d-1", "BatchNorm2d-1", "max_pool1d-5", "max_pool1d-17", "mean-0"}


def _use(case: Case) -> Any:
    args, options = samples.arguments(case, "call", lambda name: samples.array_of(case, name, np.float64))
    if case.args["name"] in METHODS:
        arrays = {name: samples.array_of(case, name, np.float64) for name in samples.names(case.args["call"])}
        return Formula(lambda *tensors: _called(case, dict(zip(arrays, tensors, strict=True))))(
            *arrays.values()
        )
    if "made" not in case.args:
        return samples.function_of(F, case.args["name"])(*args, **options)
    module = samples.module_of(nn, case, np.float64)
    return module(*args, **options) if args or options else module


def _words(*texts: str) -> set[str]:
    """Return the words of names and messages, without an s at the end."""
    return {word.rstrip("s") for text in texts for word in re.findall("[a-z]+", text.lower())}


def _argument_words(name: str) -> set[str]:
    """Return the words of the arguments of a function or module, and of what messages call its inputs."""
    kind = getattr(nn, name, None)
    found = [kind, kind.forward] if isinstance(kind, type) else [getattr(F, name)]
    return _words("x", "log_probs", *(each for one in found for each in inspect.signature(one).parameters))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_what_pytorch_refuses(case):
    if case.id in TAKEN:
        _use(case)
        return
    with pytest.raises(FastcnnError, match=r"^[A-Za-z0-9_]+( \(\w+\))?: .") as caught:
        _use(case)
    said = str(caught.value).partition(": ")[2]
    assert case.args["name"] in METHODS or _words(said) & _argument_words(case.args["name"]), said


@pytest.mark.parametrize(
    ("name", "message"), [(name, message) for name, messages in LEFT_OUT.items() for message in messages]
)
def test_what_is_left_out_is_still_refused(name, message):
    """Else its line goes, and all samples are checked."""
    check = _check_module if name in MODULES else _check_function
    found = []
    for case in MODULES.get(name) or FUNCTIONS[name]:
        try:
            check(case, np.float64, None)
        except (FastcnnError, TypeError) as error:
            found.append(str(error))
    assert any(re.search(message, each) for each in found), "take the line out of LEFT_OUT"
