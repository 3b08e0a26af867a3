import json
from collections import OrderedDict

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.errors import ArgumentError, DTypeError, ShapeError

from .._kernels.helpers import on_any_threads
from . import cases
from .helpers import optimize

QUESTIONS = {
    **{key: (name, None, arguments) for key, (name, arguments) in cases.OPTIMIZERS.items()},
    **cases.GROUPS,
}
SHAPES = {key: cases.MATRIX_SHAPES for key in cases.MATRICES}
QUESTIONS.update({key: (name, None, arguments) for key, (name, arguments) in cases.MATRICES.items()})


@pytest.mark.parametrize("key", QUESTIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-6)])
def test_steps_are_those_of_pytorch(key, dtype, tolerance):
    shapes = SHAPES.get(key, cases.SHAPES)
    params, _ = optimize(*QUESTIONS[key], dtype, shapes=shapes)
    for param, expected, before in zip(
        params, cases.answers()["optimizers"][key], cases.start(shapes), strict=True
    ):
        assert param.dtype == dtype
        np.testing.assert_allclose(param.data.ravel(), expected, rtol=tolerance, atol=tolerance)
        assert not np.array_equal(param.data, before)


@pytest.mark.parametrize("scale", cases.SCALES)
@pytest.mark.parametrize("name", cases.SCALED)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-4)])
def test_gradients_of_any_size(name, scale, dtype, tolerance):
    params, _ = optimize(name, None, {}, dtype, scale=cases.SCALES[scale])
    for param, expected in zip(params, cases.answers()["optimizers"][f"{name}-{scale}"], strict=True):
        assert param.dtype == dtype
        np.testing.assert_allclose(param.data.ravel(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("key", QUESTIONS)
def test_threads_give_the_same_bits(key):
    """Also of parameters that several of them share."""
    name, groups, arguments = QUESTIONS[key]
    shapes = [(300, 190), (70, 2), (1, 1)] if key in SHAPES else [(57_003,), (70, 2), (1, 2, 2, 2)]

    def run():
        params, optimizer = optimize(name, groups, arguments, np.float32, range(2), shapes=shapes)
        states = optimizer.state_dict()["state"].values()
        return tuple(p.data for p in params) + tuple(
            np.asarray(value) for held in states for value in held.values()
        )

    on_any_threads(run)


@pytest.mark.parametrize("key", QUESTIONS)
def test_a_run_that_is_stopped_and_resumed_ends_in_the_same_bits(key):
    shapes = SHAPES.get(key, cases.SHAPES)
    whole, _ = optimize(*QUESTIONS[key], shapes=shapes)
    half, optimizer = optimize(*QUESTIONS[key], steps=range(3), shapes=shapes)
    state = optimizer.state_dict()
    frozen = json.dumps(state, default=np.ndarray.tolist)
    resumed, again = optimize(
        *QUESTIONS[key],
        steps=range(3, cases.STEPS),
        state=([p.data for p in half], state),
        shapes=shapes,
    )
    assert all(np.array_equal(a.data, b.data) for a, b in zip(whole, resumed, strict=True))
    assert json.dumps(state, default=np.ndarray.tolist) == frozen  # nothing of it was shared
    assert again.state_dict()["param_groups"] == state["param_groups"]


# What PyTorch keeps for a parameter after a step with all that an optimizer can keep.
KEPT = {
    "RMSprop": ({"centered": True, "momentum": 0.9}, {"step", "square_avg", "grad_avg", "momentum_buffer"}),
    "Adagrad": ({}, {"step", "sum"}),
    "Adadelta": ({}, {"step", "square_avg", "acc_delta"}),
    "NAdam": ({}, {"step", "mu_product", "exp_avg", "exp_avg_sq"}),
    "RAdam": ({}, {"step", "exp_avg", "exp_avg_sq"}),
    "Adamax": ({}, {"step", "exp_avg", "exp_inf"}),
}


@pytest.mark.parametrize("name", KEPT)
def test_states_have_pytorchs_keys(name):
    arguments, keys = KEPT[name]
    _, optimizer = optimize(name, None, arguments)
    state = optimizer.state_dict()["state"]
    assert [held.keys() for held in state.values()] == [keys] * 3
    assert [held["step"] for held in state.values()] == [cases.STEPS, cases.STEPS - 2, cases.STEPS]


def test_what_others_begin_with():
    """As in PyTorch, Adagrad has its sums before the first step."""
    optimizer = optim.Adagrad(parameters(), initial_accumulator_value=0.5)
    state = optimizer.state_dict()["state"][0]
    assert state["step"] == 0
    np.testing.assert_array_equal(state["sum"], [0.5, 0.5])


def test_products_of_nadam_are_numbers():
    _, optimizer = optimize("NAdam", None, {})
    state = optimizer.state_dict()
    assert isinstance(state["state"][0]["mu_product"], float)
    # PyTorch's are arrays without axes.
    state["state"][0]["mu_product"] = np.array(0.25, np.float32)
    optimizer.load_state_dict(state)
    assert optimizer.state_dict()["state"][0]["mu_product"] == 0.25
    state["state"][0]["mu_product"] = np.zeros(2)
    with pytest.raises(DTypeError, match="mu_product must be a number"):
        optimizer.load_state_dict(state)


def test_muon_takes_weights_of_convolutions_for_matrices():
    rng = np.random.default_rng(0)
    values, grads = rng.standard_normal((4, 3, 2, 2)), rng.standard_normal((3, 4, 3, 2, 2))
    whole, flat = nn.Parameter(values.copy()), nn.Parameter(values.reshape(4, 12))
    optimizers = optim.Muon([whole], lr=0.1, flatten=True), optim.Muon([flat], lr=0.1)
    for grad in grads:
        whole.grad, flat.grad = grad, grad.reshape(4, 12)
        for optimizer in optimizers:
            optimizer.step()
    np.testing.assert_array_equal(whole.data.reshape(4, 12), flat.data)
    assert optimizers[0].state_dict()["state"][0]["momentum_buffer"].shape == (4, 3, 2, 2)


def test_a_step_of_muon_is_about_orthogonal():
    rng = np.random.default_rng(1)
    for shape in ((5, 5), (3, 8), (9, 4)):
        param = nn.Parameter(np.zeros(shape))
        param.grad = rng.standard_normal(shape)
        optim.Muon([param], lr=1.0, ns_coefficients=(1.5, -0.5, 0.0), ns_steps=60).step()
        u, _, v = np.linalg.svd(param.grad, full_matrices=False)
        np.testing.assert_allclose(param.data, -np.sqrt(max(1, shape[0] / shape[1])) * (u @ v), atol=1e-9)


def test_state_dict_has_pytorchs_layout():
    _, optimizer = optimize("Adam", None, {})
    state = optimizer.state_dict()
    assert list(state["state"]) == [0, 1, 2]
    assert state["state"][0]["step"] == cases.STEPS
    assert state["state"][1]["step"] == cases.STEPS - 2  # two steps without a gradient
    assert state["state"][0].keys() == {"step", "exp_avg", "exp_avg_sq"}
    assert state["state"][0]["exp_avg"].shape == cases.SHAPES[0]
    assert state["param_groups"][0]["params"] == [0, 1, 2]


def test_parameters_without_a_gradient_stay():
    params = [nn.Parameter(np.ones(3)), nn.Parameter(np.ones(3)), nn.Parameter(np.ones((0, 2)))]
    optimizer = optim.Adam(params, weight_decay=0.1)
    params[0].grad, params[2].grad = np.ones(3), np.ones((0, 2))
    optimizer.step()
    assert (params[0].data != 1).all()
    assert (params[1].data == 1).all()
    assert list(optimizer.state) == params[:1]


def test_frozen_parameters_get_no_gradient_and_stay():
    layer = nn.Linear(2, 1)
    layer.weight.requires_grad = False
    before = layer.weight.data.copy()
    optimizer = optim.SGD(layer.parameters(), lr=1.0)
    layer.backward(np.ones_like(layer(np.ones((3, 2), np.float32))))
    optimizer.step()
    assert np.array_equal(layer.weight.data, before)


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
        lambda p: optim.Adam(p, weight_decay=0.1),
        lambda p: optim.AdamW(p, lr=0.1),
    ],
    ids=["SGD", "Adam", "AdamW"],
)
def test_a_parameter_that_is_frozen_is_left_alone(make):
    """No decay, no momentum, no state, though it has a gradient; released, it goes on with its own steps."""
    frozen, free = nn.Parameter(np.ones(2), requires_grad=False), nn.Parameter(np.ones(2))
    optimizer = make([frozen, free])
    frozen.grad, free.grad = np.ones(2), np.ones(2)
    optimizer.step()
    optimizer.step()
    assert (frozen.data == 1).all()
    assert list(optimizer.state) == [free]
    alone = nn.Parameter(np.ones(2))
    alone.grad = np.ones(2)
    make([alone]).step()
    frozen.requires_grad = True
    optimizer.step()
    np.testing.assert_array_equal(frozen.data, alone.data)
    moved = frozen.data.copy()
    frozen.requires_grad = False
    before = optimizer.state_dict()["state"][0]
    optimizer.step()
    np.testing.assert_array_equal(frozen.data, moved)
    for key, value in optimizer.state_dict()["state"][0].items():
        np.testing.assert_array_equal(value, before[key])


def test_an_optimizer_of_frozen_parameters_alone():
    """As in PyTorch it can be made, and its steps do nothing."""
    parameter = nn.Parameter(np.ones(2), requires_grad=False)
    optimizer = optim.SGD([parameter], lr=0.1, weight_decay=0.5)
    optimizer.step()
    np.testing.assert_array_equal(parameter.data, 1)


def test_zero_grad_and_closure():
    param = nn.Parameter(np.array([2.0]))
    optimizer = optim.SGD([param], lr=0.25)

    def closure():
        optimizer.zero_grad()
        param.accumulate(2 * param.data)
        return float(param.data[0] ** 2)

    assert optimizer.step(closure) == 4.0
    assert param.data[0] == 1.0
    optimizer.zero_grad()
    assert param.grad is None
    assert optimizer.step() is None


def test_any_layout_of_a_gradient_is_taken():
    param = nn.Parameter(np.zeros((2, 3)))
    param.grad = np.arange(6.0).reshape(3, 2).T
    optim.SGD([param], lr=1.0).step()
    assert np.array_equal(param.data, -param.grad)


def test_a_model_may_be_converted_between_steps():
    layer = nn.Linear(2, 2)
    optimizer = optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    for convert in (layer.float, layer.double, layer.float):
        convert()
        layer.weight.accumulate(np.ones((2, 2)))
        optimizer.step()
    assert optimizer.state[layer.weight]["momentum_buffer"].dtype == np.float32
    np.testing.assert_allclose(optimizer.state[layer.weight]["momentum_buffer"], 1 + 0.9 + 0.81, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.int64, ">f8", np.float32])
def test_a_state_that_a_user_wrote_is_converted(dtype):
    param = nn.Parameter(np.zeros((3, 2)))
    optimizer = optim.SGD([param], lr=1.0, momentum=0.5)
    optimizer.state[param] = OrderedDict(momentum_buffer=np.full((3, 2), 4, dtype))
    param.grad = np.ones((3, 2))
    optimizer.step()
    held = optimizer.state[param]["momentum_buffer"]
    assert held.dtype == np.float64
    np.testing.assert_array_equal(held, 3)
    np.testing.assert_array_equal(param.data, -3)


def test_a_state_in_another_order_of_memory_is_restored():
    param = nn.Parameter(np.zeros((3, 2)))
    optimizer = optim.SGD([param], lr=1.0, momentum=0.5)
    param.grad = np.arange(6.0).reshape(3, 2)
    optimizer.step()
    saved = optimizer.state_dict()
    saved["state"][0]["momentum_buffer"] = np.asfortranarray(saved["state"][0]["momentum_buffer"])
    optimizer.load_state_dict(saved)
    optimizer.step()
    np.testing.assert_array_equal(param.data, -2.5 * param.grad)


def test_changing_an_option_of_a_group_takes_effect():
    param = nn.Parameter(np.zeros(2))
    optimizer = optim.SGD([param], lr=1.0)
    optimizer.param_groups[0]["lr"] = 3.0
    param.grad = np.ones(2)
    optimizer.step()
    assert np.array_equal(param.data, [-3, -3])


def test_shapes_that_changed_are_named():
    param = nn.Parameter(np.zeros(2))
    optimizer = optim.SGD([param], lr=1.0, momentum=0.9)
    param.grad = np.ones(3)
    with pytest.raises(ShapeError, match=r"SGD.step: a gradient has the shape \(3,\)"):
        optimizer.step()
    param.grad = np.ones(2)
    optimizer.step()
    param.data, param.grad = np.zeros(4), np.ones(4)
    with pytest.raises(ShapeError, match=r"momentum_buffer has the shape \(2,\)"):
        optimizer.step()


def parameters():
    return [nn.Parameter(np.zeros(2))]


def four_axes():
    return [nn.Parameter(np.zeros((2, 1, 3, 3)))]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda p: optim.SGD(p, lr=-1),
            ArgumentError,
            "SGD: lr must be a finite number of at least 0, got -1",
        ),
        (lambda p: optim.SGD(p, lr=float("nan")), ArgumentError, "SGD: lr .* got nan"),
        (lambda p: optim.SGD(p, lr="fast"), DTypeError, "SGD: lr must be a number, got 'fast'"),
        (lambda p: optim.SGD(p, lr=True), DTypeError, "SGD: lr must be a number, got True"),
        (lambda p: optim.SGD(p, momentum=-0.1), ArgumentError, "SGD: momentum"),
        (lambda p: optim.SGD(p, weight_decay=-0.1), ArgumentError, "SGD: weight_decay"),
        (lambda p: optim.SGD(p, nesterov=True), ArgumentError, "nesterov=True needs momentum above 0"),
        (lambda p: optim.SGD(p, momentum=0.9, dampening=0.1, nesterov=True), ArgumentError, "dampening=0.1"),
        (lambda p: optim.SGD(p, maximize=1), DTypeError, "SGD: maximize must be True or False"),
        (lambda p: optim.Adam(p, betas=(0.9, 1.0)), ArgumentError, r"Adam: betas\[1\] must be in \[0, 1\)"),
        (lambda p: optim.Adam(p, betas=0.9), DTypeError, "Adam: betas must be two numbers, got 0.9"),
        (lambda p: optim.Adam(p, eps=-1), ArgumentError, "Adam: eps"),
        (lambda p: optim.AdamW(p, weight_decay=-1), ArgumentError, "AdamW: weight_decay"),
        (lambda p: optim.RMSprop(p, alpha=-0.1), ArgumentError, "RMSprop: alpha must be a finite number of"),
        (lambda p: optim.RMSprop(p, momentum=-1), ArgumentError, "RMSprop: momentum"),
        (lambda p: optim.RMSprop(p, centered=1), DTypeError, "RMSprop: centered must be True or False"),
        (lambda p: optim.Adagrad(p, lr_decay=-1), ArgumentError, "Adagrad: lr_decay"),
        (
            lambda p: optim.Adagrad(p, initial_accumulator_value=-1),
            ArgumentError,
            "initial_accumulator_value",
        ),
        (lambda p: optim.Adadelta(p, rho=1.5), ArgumentError, r"Adadelta: rho must be in \[0, 1\]"),
        (lambda p: optim.NAdam(p, momentum_decay=-1), ArgumentError, "NAdam: momentum_decay"),
        (lambda p: optim.NAdam(p, betas=(1.0, 0.9)), ArgumentError, r"NAdam: betas\[0\] must be in \[0, 1\)"),
        (lambda p: optim.RAdam(p, betas=(0.9,)), DTypeError, "RAdam: betas must be two numbers"),
        (lambda p: optim.RAdam(p, eps=-1), ArgumentError, "RAdam: eps"),
        (lambda p: optim.Adamax(p, betas="ab"), DTypeError, "Adamax: betas must be two numbers"),
        (lambda p: optim.Lion(p, betas=(0.9, 1)), ArgumentError, r"Lion: betas\[1\]"),
        (lambda p: optim.Lion(p, weight_decay=-1), ArgumentError, "Lion: weight_decay"),
        (
            lambda p: optim.Muon(p),
            ArgumentError,
            r"Muon: parameters must be matrices, got one of shape \(2,\)",
        ),
        (lambda p: optim.Muon(p, flatten=True), ArgumentError, r"must be matrices, got one of shape \(2,\)$"),
        (lambda p: optim.Muon(four_axes()), ArgumentError, "flatten=True takes weights of convolutions"),
        (lambda p: optim.Muon(four_axes(), flatten=1), DTypeError, "Muon: flatten must be True or False"),
        (lambda p: optim.Muon(p, ns_steps=100), ArgumentError, "Muon: ns_steps must be below 100, got 100"),
        (
            lambda p: optim.Muon(p, ns_coefficients=(1, 2)),
            DTypeError,
            "ns_coefficients must be three numbers",
        ),
        (lambda p: optim.Muon(p, adjust_lr_fn="x"), ArgumentError, "Muon: adjust_lr_fn must be 'original'"),
        (lambda p: optim.Muon(p, momentum=-1), ArgumentError, "Muon: momentum"),
        (
            lambda p: optim.SGD([]),
            ArgumentError,
            "SGD: params is empty: the optimizer got an empty parameter list",
        ),
        (lambda p: optim.SGD(p[0]), DTypeError, "SGD: params must be an iterable .* got Parameter"),
        (lambda p: optim.SGD(set(p)), DTypeError, "SGD: params must have an order"),
        (
            lambda p: optim.SGD([np.zeros(2)]),
            DTypeError,
            r"SGD: params\[0\] must be a Parameter, got ndarray",
        ),
        (lambda p: optim.SGD(p + p), ArgumentError, r"SGD: params\[1\] \(shape \(2,\)\) is given twice"),
        (lambda p: optim.SGD([{"params": p}, {"params": p}]), ArgumentError, "given twice"),
        (lambda p: optim.SGD([{"params": p, "lrate": 1}]), ArgumentError, r"unknown options \['lrate'\]"),
        (lambda p: optim.SGD([{"params": p, "lr": -1}]), ArgumentError, "SGD: lr"),
        (lambda p: optim.SGD([{"lr": 1}]), DTypeError, "a group must be a dict with"),
    ],
)
def test_invalid_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make(parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("state"), 'expected a dict with "state"'),
        (lambda s: s["param_groups"].append({"params": []}), r"saved groups have \[3, 0\] parameters"),
        (lambda s: s["param_groups"][0]["params"].pop(), r"saved groups have \[2\] parameters"),
        (lambda s: s["state"].update({9: {}}), "no group has the parameter 9"),
        (lambda s: s["state"][0].update(exp_avg=np.zeros(3)), r"exp_avg has the shape \(3,\)"),
        (lambda s: s["param_groups"][0].update(lr=-1.0), "Adam: lr"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    _, optimizer = optimize("Adam", None, {})
    state = optimizer.state_dict()
    change(state)
    before = json.dumps(optimizer.state_dict(), default=np.ndarray.tolist)
    with pytest.raises((ArgumentError, DTypeError), match=message):
        optimizer.load_state_dict(state)
    assert json.dumps(optimizer.state_dict(), default=np.ndarray.tolist) == before


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s.update(param_groups=3), DTypeError, '"param_groups" must be a list of dicts'),
        (lambda s: s.update(param_groups=[{"lr": 1}]), DTypeError, '"param_groups" must be a list of dicts'),
        (lambda s: s.update(state=[1]), DTypeError, '"state" must map the index of a parameter to a dict'),
        (
            lambda s: s["param_groups"].append(s["param_groups"][0]),
            ArgumentError,
            r"the saved groups have \[2, 2\] parameters, these have \[2\]: make the optimizer with",
        ),
        (
            lambda s: s["param_groups"][0].update(params=[0, 0]),
            ArgumentError,
            "a saved group names a parameter twice",
        ),
        (
            lambda s: s["state"].update({0: {"momentum_buffer": np.zeros(2)}}),
            ArgumentError,
            r"parameter 0 has \['momentum_buffer'\], but Adam keeps \['exp_avg', .* another kind",
        ),
        (lambda s: s["state"].update({0: {}}), ArgumentError, r"parameter 0 has \[\], but Adam keeps"),
        (lambda s: s["state"][0].update(step="x"), DTypeError, "step must be a number, got str"),
        (lambda s: s["state"][0].update(exp_avg="x"), DTypeError, "exp_avg must be an array, got str"),
    ],
)
def test_states_that_do_not_fit_change_nothing(change, error, message):
    parameters = [nn.Parameter(np.ones(2)), nn.Parameter(np.ones(3))]
    optimizer = optim.Adam(parameters, lr=0.5)
    for parameter in parameters:
        parameter.accumulate(np.ones(parameter.shape))
    optimizer.step()
    before = json.dumps(optimizer.state_dict(), default=np.ndarray.tolist)
    state = optimizer.state_dict()
    state["param_groups"][0]["lr"] = 0.25
    change(state)
    with pytest.raises(error, match=f"Adam.load_state_dict: {message}"):
        optimizer.load_state_dict(state)
    assert json.dumps(optimizer.state_dict(), default=np.ndarray.tolist) == before


def test_a_group_needs_an_order():
    optimizer = optim.SGD([nn.Parameter(np.ones(2))])
    for params in ({nn.Parameter(np.ones(1))}, 3):
        with pytest.raises(DTypeError, match='"params" of a group must be a Parameter or a list of them'):
            optimizer.add_param_group({"params": params})
    assert len(optimizer.param_groups) == 1


def test_repr_shows_the_options():
    assert "group 0: 3 parameters, 25 values, lr=0.1, momentum=0.9" in repr(
        optimize("SGD", None, {"lr": 0.1, "momentum": 0.9})[1]
    )
