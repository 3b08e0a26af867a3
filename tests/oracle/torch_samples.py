"""The samples of PyTorch's own tests: ``torch.testing._internal`` of torch 2.13.0, which needs expecttest."""

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from .grid_samples import FUNCTIONS, METHODS, MODULES

Given = tuple[Any, dict[str, Any]]  # arguments by place and by name
# What is deprecated in PyTorch, or takes a place for the result.
_DEPRECATED = frozenset(("dtype", "size_average", "reduce", "out"))
# What operators have no place for.
_OTHERS = frozenset(("rounding_mode", "alpha"))


def _seed() -> None:
    """Let samples be the same each time: some take arguments from Python's own generator."""
    torch.manual_seed(0)
    random.seed(0)


# That an array of NumPy may have.
_MOST_AXES = 32


class Sample(NamedTuple):
    """Arguments of a module, or of a function, where `made` is None.

    Attributes
    ----------
    number : str
        Tells the samples of one name apart.
    called : callable
        The class, or the function.
    made, given : pairs of a sequence and a dict
        What the module is made with, and what it or the function is called with; nothing if it is not.
    """

    name: str
    number: str
    called: Callable
    made: Given | None
    given: Given
    training: bool = True

    def run(self) -> Any:
        """Return what PyTorch makes of it."""
        if self.made is None:
            return self.called(*self.given[0], **self.given[1])
        module = self.called(*self.made[0], **self.made[1]).double().train(self.training)
        return module(*self.given[0], **self.given[1]) if any(self.given) else module


def raised(run: Callable, *args: Any) -> str | None:
    """Return the type of the error that a call raises, None if it raises none."""
    try:
        run(*args)
    except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError) as error:
        return type(error).__name__
    return None


def _of_module(name: str, number: str, kind: type, sample: Any, training: bool) -> Sample:
    made, given = (
        ((), {}) if each is None else (each.args, each.kwargs)
        for each in (sample.constructor_input, sample.forward_input)
    )
    return Sample(name, number if training else f"{number}-eval", kind, made, given, training)


def _listed(source: str) -> Iterator[tuple[str, Any, bool, Any]]:
    """Yield name, entry, mode and sample of all that a function of the entries of module_db lists."""
    from torch.testing._internal.common_modules import module_db

    for info in module_db:
        name, function = info.name.removeprefix("nn."), getattr(info, source)
        if name not in MODULES or function is None:
            continue
        for training in (True, False):
            _seed()
            options = {"device": "cpu", "dtype": torch.float64, "requires_grad": False}
            for i, sample in enumerate(function(info, training=training, **options)):
                yield name, info.module_cls, training, (i, sample)


def modules() -> Iterator[Sample]:
    """Yield the samples of modules."""
    for name, kind, training, (i, sample) in _listed("module_inputs_func"):
        if sample.forward_input is not None:
            yield _of_module(name, f"{i}", kind, sample, training)


def parts(sample: Sample) -> Iterator[Sample]:
    """Yield a sample with batches of none and of one, and without a batch, if it has just one tensor."""
    args, options = sample.given
    tensors = [each for each in (*args, *options.values()) if isinstance(each, torch.Tensor)]
    if len(tensors) != 1 or tensors[0].ndim < 2 or not len(tensors[0]):
        return
    for what, part in (("none", slice(0, 0)), ("one", slice(0, 1)), ("single", 0)):
        cut = tensors[0][part]
        given = (
            [cut if each is tensors[0] else each for each in args],
            {key: cut if each is tensors[0] else each for key, each in options.items()},
        )
        yield sample._replace(number=f"{sample.number}-{what}", given=given)


def refused_modules() -> Iterator[Sample]:
    """Yield the samples that modules should refuse, some of them in one mode alone."""
    for name, kind, training, (i, error) in _listed("module_error_inputs_func"):
        yield _of_module(name, f"{i}", kind, error.module_error_input, training)


def _functions() -> Iterator[tuple[str, Any]]:
    from torch.testing._internal.common_methods_invocations import op_db

    for info in op_db:
        name = info.name.removeprefix("nn.functional.")
        if name in (*FUNCTIONS, *METHODS) and torch.float64 in info.dtypes:
            yield name, info


def _of_function(name: str, number: str, function: Callable, sample: Any) -> Iterator[Sample]:
    options = dict(sample.kwargs)
    if (_DEPRECATED | _OTHERS).isdisjoint(options):
        yield Sample(name, number, function, None, ((sample.input, *sample.args), options))


def functions() -> Iterator[Sample]:
    """Yield the samples of functions."""
    for name, info in _functions():
        _seed()
        found = info.sample_inputs("cpu", torch.float64, requires_grad=False)
        for i, sample in enumerate(found):
            yield from _of_function(name, f"{info.variant_test_name}{i}", info.op, sample)


def refused_functions() -> Iterator[Sample]:
    """Yield the samples that functions should refuse."""
    for name, info in _functions():
        if info.error_inputs_func is None:
            continue
        _seed()
        for i, error in enumerate(info.error_inputs("cpu")):
            error.sample_input.kwargs.pop("return_indices", None)  # it is not what is refused
            given = error.sample_input.input
            if name in METHODS and not (isinstance(given, torch.Tensor) and given.ndim < _MOST_AXES):
                continue
            yield from _of_function(name, f"{i}", info.op, error.sample_input)
