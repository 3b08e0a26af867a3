"""Ask PyTorch about the samples of its own tests: of modules, of functions, and those that it refuses.

Arguments and shapes are those of the samples; numbers are drawn by `recipe` from the range of the sample's.
Of layers there are batches of none and of one, and single samples, besides, where PyTorch takes them.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from . import recipe, samples, torch_samples
from .grid_samples import LOSSES
from .make_nn import set_state, state_of
from .question import Question
from .torch_samples import Sample, raised

# Arguments that choose how PyTorch computes.
_IGNORED = ("device", "dtype", "inplace", "memory_format")
# Functions of inputs that are updated, and have no gradient.
_RUNNING = ("batch_norm", "instance_norm")
Answers = dict[str, np.ndarray]


def _described(value: Any, question: Question) -> Any:
    """Return arguments as JSON has them; the recipes of tensors are added to the question's inputs."""
    if isinstance(value, torch.Tensor):
        name = f"x{len(question.inputs)}"
        spec = {**_spec(value.detach()), "seed": recipe.seed_of(question.op, question.id, name)}
        if question.op == "refused":  # perhaps for its type
            spec["dtype"] = str(value.dtype).removeprefix("torch.")
        question.inputs[name] = spec
        return samples.named(name)
    if isinstance(value, dict):
        said = [(key, each) for key, each in value.items() if key not in _IGNORED]
        return {key: _described(each, question) for key, each in said}
    if isinstance(value, slice) or value is Ellipsis:
        return {samples.SLICE: [value.start, value.stop, value.step] if isinstance(value, slice) else []}
    return [_described(each, question) for each in value] if isinstance(value, list | tuple) else value


def _spec(tensor: torch.Tensor) -> recipe.Spec:
    """Return the recipe of numbers from the range of a tensor's, with what is not finite where it is."""
    shape = tuple(tensor.shape)
    if tensor.is_complex() or not tensor.numel():
        return recipe.uniform(shape)
    if not tensor.is_floating_point():
        return recipe.integers(shape, int(tensor.max()) + 1, int(tensor.min()))
    every = tensor.double().numpy().ravel()
    if np.isnan(every).any():  # logarithms of any numbers: NaN would be all that is learned from the sample
        return recipe.uniform(shape, 0.45, 0.5)
    others = [(i, each) for i, each in enumerate(every.tolist()) if not math.isfinite(each)]
    values = every[np.isfinite(every)]
    if values.size > 1 and np.isin(values, (-1, 1)).all():
        return recipe.signs(shape)
    spec = recipe.uniform(shape, *_range(values))
    return recipe.with_values(spec, *others) if others else spec


def _range(values: np.ndarray) -> tuple[float, float]:
    """Return half the width and the middle of the range of numbers, within it by two digits."""
    if not values.size:
        return 1.0, 0.0
    low, high = math.ceil(values.min() * 100) / 100, math.floor(values.max() * 100) / 100
    if low > high:
        low = high = float(values[0])
    return round((high - low) / 2, 4), round((high + low) / 2, 4)


def _question(op: str, sample: Sample, **more: Any) -> Question:
    """Return what is asked about a sample; its arrays are named in the order of the arguments."""
    question = Question(op, f"{sample.name}-{sample.number}", {}, {"name": sample.name})
    if sample.made is not None:
        question.args |= {"made": _described(sample.made, question), "training": sample.training}
    question.args |= {"call": _described(sample.given, question), **more}
    return question


def _tensors(question: Question) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.array(recipe.make(spec))) for name, spec in question.inputs.items()}


def _call(
    question: Question, function: Callable, tensors: dict[str, torch.Tensor], what: str = "call"
) -> Any:
    args, options = samples.filled(question.args[what], tensors.__getitem__)
    return function(*map(_as_tuples, args), **{key: _as_tuples(each) for key, each in options.items()})


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list | tuple) else value


def _backward(made: Any, tensors: dict[str, torch.Tensor], question: Question, ones: bool) -> Answers:
    """Return all results, and the gradients of the inputs that have one; recipes of dy are added."""
    answers, total = {}, []
    for i, y in enumerate(made if isinstance(made, tuple | list) else [made]):
        answers[f"y{i}"] = y.detach().numpy()
        if not y.is_floating_point():
            continue
        spec = recipe.ones(y.shape) if ones else recipe.uniform(y.shape)
        question.inputs[f"dy{i}"] = {**spec, "seed": recipe.seed_of(question.op, question.id, "dy", i)}
        if y.requires_grad:
            total.append((y * torch.from_numpy(np.array(recipe.make(question.inputs[f"dy{i}"])))).sum())
    if total:
        sum(total).backward()
        answers |= {f"d{name}": x.grad.numpy() for name, x in tensors.items() if x.grad is not None}
    return answers


def _module(question: Question) -> Answers:
    name, tensors = question.args["name"], _tensors(question)
    module = (
        _call(question, getattr(torch.nn, name), tensors, "made").double().train(question.args["training"])
    )
    loss, called = name.endswith("Loss"), list(samples.names(question.args["call"]))
    if not loss:
        set_state(module, question)
    for each in called[:1] + called[2:3] * (name == "GaussianNLLLoss") if loss else called:
        tensors[each].requires_grad_(tensors[each].is_floating_point())
    answers = _backward(_call(question, module, tensors), tensors, question, False)
    answers |= {f"grad:{key}": value.grad.numpy() for key, value in module.named_parameters()}
    return answers if loss else answers | state_of(module)


def _function(question: Question, function: Callable) -> Answers:
    name, tensors = question.args["name"], _tensors(question)
    args, options = question.args["call"]
    running, trained = [], list(tensors)
    if name in _RUNNING:
        running = list(samples.names([*args[1:3], options.get("running_mean"), options.get("running_var")]))
        trained = [each for each in tensors if each not in running]
    elif name in LOSSES:
        trained = trained[:1] + trained[2:3] * (name == "gaussian_nll_loss")
    for each in trained:
        tensors[each].requires_grad_(tensors[each].is_floating_point())
    answers = _backward(_call(question, function, tensors), tensors, question, name in LOSSES)
    return answers | {f"running:{each}": tensors[each].numpy() for each in running}


Entry = tuple[dict, Answers]


def _entry(question: Question, answers: Answers) -> Entry:
    return {key: getattr(question, key) for key in ("op", "id", "args", "inputs")}, answers


def _samples_of_modules() -> Iterator[Sample]:
    for sample in torch_samples.modules():
        if not sample.name.endswith("Loss"):
            yield sample
            yield from (part for part in torch_samples.parts(sample) if not raised(part.run))
        elif sample.training:  # which is nothing to a loss
            yield sample


def modules() -> list[Entry]:
    """Return the samples of modules that PyTorch takes; one that repeats another is left out."""
    found, seen = [], set()
    for sample in _samples_of_modules():
        question = _question("module", sample)
        shapes = {name: (spec["shape"], spec["kind"]) for name, spec in question.inputs.items()}
        said = repr((question.args, shapes))
        if said not in seen:
            seen.add(said)
            found.append(_entry(question, _module(question)))
    return found


def functions() -> list[Entry]:
    """Return the samples of functions that PyTorch takes."""
    found = []
    for sample in torch_samples.functions():
        question = _question("function", sample)
        found.append(_entry(question, _function(question, sample.called)))
    return found


def _refused() -> Iterator[Sample]:
    for sample in torch_samples.refused_modules():
        made = sample.made[1].values() if sample.made else ()
        if not any(
            isinstance(each, complex) for each in made
        ):  # JSON has none; tests/nn/test_losses.py tries one
            yield sample
    yield from torch_samples.refused_functions()


def refused() -> list[Entry]:
    """Return the samples that PyTorch refuses, with the type of its error."""
    found = [(sample, raised(sample.run)) for sample in _refused()]
    return [_entry(_question("refused", sample, error=error), {}) for sample, error in found if error]
