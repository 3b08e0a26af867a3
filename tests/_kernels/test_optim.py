"""Parameter updates, several steps of each against float64 arithmetic."""

import itertools

import numpy as np
import pytest

from fastcnn._kernels import optim as kernels

from . import reference, reference_optim
from .helpers import SIZES, normal, on_any_threads

STEPS = 4


def assert_updates(actual, expected, case):
    """A few roundings a step, relative to the largest number."""
    for array, exact in zip(actual, expected, strict=True):
        if exact is not None:
            tolerance = 32 * np.finfo(array.dtype).eps * max(1, np.abs(exact).max(initial=0))
            np.testing.assert_allclose(array, exact, rtol=0, atol=tolerance, err_msg=str(case))


def gradients(size, dtype):
    return [normal(size, dtype, 10 + step) for step in range(STEPS)]


def check_sgd(size, dtype, **options):
    grads = gradients(size, dtype)

    def run():
        param = normal(size, dtype, 1)
        # What a buffer holds before the first step does not count; here it would show.
        buffer = np.full(size, 1e3, dtype) if options["momentum"] else None
        for step, grad in enumerate(grads):
            kernels.step(
                "sgd", param.itemsize, [(param, grad, {"momentum_buffer": buffer}, step == 0)], options
            )
        return (param,) if buffer is None else (param, buffer)

    param, buffer = normal(size, dtype, 1).astype(np.float64), 0.0 if options["momentum"] else None
    for step, grad in enumerate(grads):
        param, buffer = reference.sgd(param, grad.astype(np.float64), buffer, first_step=step == 0, **options)
    expected = (param,) if buffer is None else (param, buffer)
    assert_updates(on_any_threads(run), expected, (size, options))


def check_adam(size, dtype, amsgrad=False, **options):
    grads = gradients(size, dtype)

    def run():
        state = [normal(size, dtype, 1), *(np.zeros(size, dtype) for _ in range(3 if amsgrad else 2))]
        param, m, v, top = [*state, None][:4]
        for step, grad in enumerate(grads, 1):
            adam_step(param, grad, m, v, top, step, options)
        return tuple(state)

    state = [normal(size, dtype, 1).astype(np.float64), np.zeros(size), np.zeros(size)]
    state.append(np.zeros(size) if amsgrad else None)
    for step, grad in enumerate(grads, 1):
        state = reference.adam(state[0], grad.astype(np.float64), *state[1:], step=step, **options)
    assert_updates(on_any_threads(run), [array for array in state if array is not None], (size, options))


def adam_step(param, grad, m, v, top, step, options):
    corrections = 1 - options["beta1"] ** step, 1 - options["beta2"] ** step
    numbers = {**options, "decoupled_weight_decay": options["decoupled"]}
    kept = {"exp_avg": m, "exp_avg_sq": v, "max_exp_avg_sq": top}
    kernels.step("adam", param.itemsize, [(param, grad, kept, *corrections)], numbers)


SGD = {
    "lr": 0.1,
    "momentum": 0.9,
    "dampening": 0.0,
    "weight_decay": 0.0,
    "nesterov": False,
    "maximize": False,
}
ADAM = {
    "lr": 0.01,
    "beta1": 0.9,
    "beta2": 0.99,
    "eps": 1e-8,
    "weight_decay": 0.0,
    "decoupled": False,
    "maximize": False,
}


def test_sgd_by_hand(isa, dtype):
    param, buffer = np.array([1, -2], dtype), np.zeros(2, dtype)
    grad = np.array([2, 4], dtype)
    options = {**SGD, "lr": 0.5, "momentum": 0.5}
    kernels.step("sgd", param.itemsize, [(param, grad, {"momentum_buffer": buffer}, True)], options)
    np.testing.assert_array_equal(param, [0, -4])
    kernels.step("sgd", param.itemsize, [(param, grad, {"momentum_buffer": buffer}, False)], options)
    np.testing.assert_array_equal(buffer, [3, 6])
    np.testing.assert_array_equal(param, [-1.5, -7])


@pytest.mark.parametrize("size", [0, *SIZES])
def test_sgd_sizes(isa, dtype, size):
    check_sgd(size, dtype, **SGD)
    check_sgd(size, dtype, **{**SGD, "momentum": 0.0})


@pytest.mark.parametrize(
    ("momentum", "weight_decay", "maximize"), [*itertools.product([0.0, 0.9], [0.0, 0.1], [False, True])]
)
def test_sgd_options(isa, dtype, momentum, weight_decay, maximize):
    options = {**SGD, "momentum": momentum, "weight_decay": weight_decay, "maximize": maximize}
    check_sgd(19, dtype, **options)
    check_sgd(19, dtype, **{**options, "dampening": 0.3})
    check_sgd(19, dtype, **{**options, "nesterov": True})


def test_adam_by_hand(isa, dtype):
    """The first step of Adam is lr times the gradient's sign, whatever its size."""
    param, m, v = np.array([1, 1, 1], dtype), np.zeros(3, dtype), np.zeros(3, dtype)
    grad = np.array([4, -100, 0.01], dtype)
    adam_step(param, grad, m, v, None, 1, {**ADAM, "lr": 0.25})
    np.testing.assert_allclose(param, [0.75, 1.25, 0.75], rtol=1e-5)
    np.testing.assert_allclose(m, [0.4, -10, 0.001], rtol=1e-5)


@pytest.mark.parametrize("size", [0, *SIZES])
def test_adam_sizes(isa, dtype, size):
    check_adam(size, dtype, **ADAM)
    check_adam(size, dtype, amsgrad=True, **ADAM)


@pytest.mark.parametrize(
    ("amsgrad", "decoupled", "weight_decay", "maximize"),
    [*itertools.product([False, True], [False, True], [0.0, 0.1], [False, True])],
)
def test_adam_options(isa, dtype, amsgrad, decoupled, weight_decay, maximize):
    options = {**ADAM, "decoupled": decoupled, "weight_decay": weight_decay, "maximize": maximize}
    check_adam(19, dtype, amsgrad, **options)


BETAS = {"beta1": 0.9, "beta2": 0.99}
DECAYED = {"lr": 0.01, **BETAS, "eps": 1e-3, "weight_decay": 0.1, "decoupled_weight_decay": False}
# Options of each other row, how many arrays are kept (None: not this one), and its own numbers.
ROWS = {
    "nadam": ({**DECAYED, "maximize": False}, [1, 1], (0.01, 0.02, 0.3)),
    "nadam decoupled": (
        {**DECAYED, "decoupled_weight_decay": True, "maximize": True},
        [1, 1],
        (0.1, 0.2, 0.9),
    ),
    "radam": ({**DECAYED, "maximize": False}, [1, 1], (0.01, True)),
    "radam first": ({**DECAYED, "decoupled_weight_decay": True, "maximize": True}, [1, 1], (0.01, False)),
    "adamax": ({**DECAYED, "maximize": False}, [1, 1], (0.02,)),
    "adamax plain": ({**DECAYED, "weight_decay": 0.0, "maximize": True}, [1, 1], (0.02,)),
    "rmsprop": ({**DECAYED, "alpha": 0.9, "momentum": 0.0, "maximize": False}, [1, None, None], ()),
    "rmsprop all": ({**DECAYED, "alpha": 0.9, "momentum": 0.5, "maximize": True}, [1, 0.1, 1], ()),
    "adagrad": ({**DECAYED, "maximize": False}, [1], (0.05,)),
    "adagrad plain": ({**DECAYED, "weight_decay": 0.0, "maximize": True}, [1], (0.05,)),
    "adadelta": ({**DECAYED, "rho": 0.8, "maximize": False}, [1, 1], ()),
    "adadelta plain": ({**DECAYED, "rho": 0.8, "weight_decay": 0.0, "maximize": True}, [1, 1], ()),
    "lion": ({**DECAYED, "maximize": False}, [1], ()),
    "lion plain": ({**DECAYED, "weight_decay": 0.0, "maximize": True}, [1], ()),
    "muon_average": ({"momentum": 0.9, "nesterov": False}, [1], ()),
    "muon_average ahead": ({"momentum": 0.9, "nesterov": True}, [1], ()),
    "muon_apply": ({"lr": 0.1, "weight_decay": 0.5}, [], (0.3,)),
    "average": ({"share": 0.3}, [], ()),
    "total": ({}, [], ()),
}


def update_of(name, param, grad, state, own):
    """Return an update as `step` takes it."""
    names = kernels.OPTIMIZERS[name][1]
    return (param, grad, *([dict(zip(names, state, strict=True))] if names else []), *own)


@pytest.mark.parametrize("size", [0, *SIZES])
@pytest.mark.parametrize("key", ROWS)
def test_every_row_does_what_it_says(isa, dtype, key, size):
    """Two steps, from arrays that look as if there had been others."""
    options, kept, own = ROWS[key]
    name, grads = key.split()[0], gradients(size, dtype)[:2]
    squares = np.abs(normal(size, dtype, 3)) + dtype(0.5)  # a mean of squares, of which 0.1 is one of values
    start = [None if part is None else (dtype(part) * squares).astype(dtype) for part in kept]

    def run():
        param, state = normal(size, dtype, 1), [None if each is None else each.copy() for each in start]
        for grad in grads:
            kernels.step(name, param.itemsize, [update_of(name, param, grad, state, own)], options)
        return (param, *(each for each in state if each is not None))

    exact = [None if each is None else each.astype(np.float64) for each in start]
    param = normal(size, dtype, 1).astype(np.float64)
    for grad in grads:
        step = getattr(reference_optim, name)
        param, *exact = step(param, grad.astype(np.float64), *exact, *own, **options)
    expected = [param, *(each for each in exact if each is not None)]
    assert_updates(on_any_threads(run), expected, (key, size))


def test_every_row_has_a_test():
    assert {"sgd", "adam", *(key.split()[0] for key in ROWS)} == kernels.OPTIMIZERS.keys()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("key", ROWS)
def test_a_spoiled_element_touches_no_other_in_any_row(isa, dtype, key, value):
    options, kept, own = ROWS[key]

    def run(spoiled):
        param, grad = np.ones(19, dtype), np.full(19, 0.25, dtype)
        state = [None if part is None else np.full(19, part, dtype) for part in kept]
        if spoiled:
            grad[[4, 17]] = value
        name = key.split()[0]
        kernels.step(name, param.itemsize, [update_of(name, param, grad, state, own)], options)
        return param, state

    (param, state), (clean, others) = run(True), run(False)
    np.testing.assert_array_equal(np.delete(param, [4, 17]), np.delete(clean, [4, 17]))
    for mine, other in zip(state, others, strict=True):
        if mine is not None:
            np.testing.assert_array_equal(np.delete(mine, [4, 17]), np.delete(other, [4, 17]))
    if np.isnan(value):
        assert np.isnan(param[[4, 17]]).all()


def test_arrays_of_different_sizes_are_refused(dtype):
    a, b = np.zeros(3, dtype), np.zeros(4, dtype)
    other = np.zeros(3, {"f": np.float64, "d": np.float32}[np.dtype(dtype).char])
    whole = np.zeros(3, f"i{a.itemsize}")
    swapped = a.astype(a.dtype.newbyteorder("S"))
    with pytest.raises(ValueError, match="sgd: the gradient differs from the parameter in size"):
        kernels.step("sgd", a.itemsize, [(a, b, {}, True)], SGD)
    for param, kept in ((a, b), (b, a), (a, a[None]), (a, other), (a, whole), (a, swapped)):
        with pytest.raises(ValueError, match="sgd: momentum_buffer differs from the parameter in shape or"):
            kernels.step("sgd", a.itemsize, [(param, a, {"momentum_buffer": kept}, True)], SGD)
    for name, arrays in {"exp_avg_sq": (a, a, a, b, None), "max_exp_avg_sq": (a, a, a, a, b)}.items():
        with pytest.raises(ValueError, match=f"adam: {name} differs"):
            adam_step(*arrays, 1, ADAM)


def test_what_is_not_kept_yet_is_made(dtype):
    param, grad, kept = np.ones(3, dtype), np.ones(3, dtype), {}

    def make(kept, name, like):
        kept[name] = np.zeros_like(like)
        return kept[name]

    kernels.step("sgd", param.itemsize, [(param, grad, kept, True)], SGD, ("momentum_buffer",), make)
    np.testing.assert_array_equal(kept["momentum_buffer"], grad)
    before = param.copy()
    kernels.step("sgd", param.itemsize, [(param, grad, kept, True)], SGD, (None,), make)
    np.testing.assert_array_equal(kept["momentum_buffer"], grad)  # it is not used
    assert (param < before).all()
    update = param, grad, {}, True
    with pytest.raises(ValueError, match="sgd: momentum_buffer differs"):
        kernels.step(
            "sgd", param.itemsize, [update], SGD, ("momentum_buffer",), lambda *_: np.zeros(4, dtype)
        )
    with pytest.raises(ValueError, match="sgd: 2 names for 1 arrays"):
        kernels.step("sgd", param.itemsize, [], SGD, ("momentum_buffer", None))


def test_a_row_says_what_it_takes():
    a = np.zeros(3)
    with pytest.raises(ValueError, match="sgd: an update has 3 parts, not 4"):
        kernels.step("sgd", 8, [(a, a, None)], SGD)
    with pytest.raises(KeyError, match="nesterov"):
        kernels.step("sgd", 8, [], {key: value for key, value in SGD.items() if key != "nesterov"})
    with pytest.raises(KeyError, match="Sgd"):
        kernels.step("Sgd", 8, [], SGD)
    rows = kernels.OPTIMIZERS
    assert rows["sgd"][1:] == (("momentum_buffer",), tuple(SGD), ("first_step",))
    assert rows["total"][1:] == ((), (), ())
    assert [number for number, *_ in rows.values()] == list(range(len(rows)))


def test_all_parameters_at_once(isa, dtype):
    """Each is changed as by a step of its own, whatever the chunks that threads share."""
    sizes = [0, 1, 16384, 50_001, 7]
    params = [normal(size, dtype, size) for size in sizes]
    grads = [normal(size, dtype, size + 1) for size in sizes]
    apart = [param.copy() for param in params]
    for param, grad in zip(apart, grads, strict=True):
        kernels.step("sgd", param.itemsize, [(param, grad, {}, False)], {**SGD, "momentum": 0.0})

    def run():
        together = [param.copy() for param in params]
        updates = [(param, grad, {}, False) for param, grad in zip(together, grads, strict=True)]
        kernels.step("sgd", params[0].itemsize, updates, {**SGD, "momentum": 0.0})
        return tuple(together)

    for got, want in zip(on_any_threads(run), apart, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("dy", "x"),
    [((2, 3), (1, 4)), ((0, 3), (0, 4)), ((2, 3), (2, 0)), ((2, 3), (8,))],
    ids=["batches differ", "no image", "no column", "one axis"],
)
def test_wrong_factors(dy, x):
    with pytest.raises(ValueError, match=r"factors must be arrays \(batch, outputs\) and \(batch, depth\)"):
        kernels.gradient_of_factors(np.zeros((3, 4)), np.zeros(dy), np.zeros(x))


def test_factors_of_another_size():
    with pytest.raises(ValueError, match="gradient_of_factors: out differs in size"):
        kernels.gradient_of_factors(np.zeros((3, 5)), np.zeros((2, 3)), np.zeros((2, 4)))
    update = (np.zeros((3, 5)), (np.zeros((2, 3)), np.zeros((2, 4))), {}, True)
    with pytest.raises(ValueError, match="sgd: the gradient differs from the parameter in size"):
        kernels.step("sgd", 8, [update], SGD)
