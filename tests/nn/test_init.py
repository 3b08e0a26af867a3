"""Initial weights: distributions, schemes, seeds."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.nn import init

SHAPE = (64, 32, 3, 3)
FAN_IN, FAN_OUT = 32 * 9, 64 * 9


def assert_uniform(values, bound):
    """Check a sample of U(-bound, bound): its range, and its mean and variance to five standard errors."""
    count = values.size
    assert np.abs(values).max() <= bound
    assert np.abs(values).max() > 0.99 * bound
    assert abs(values.mean()) < 5 * bound / math.sqrt(3 * count)
    assert abs(values.var() / (bound**2 / 3) - 1) < 5 * math.sqrt(0.8 / count)


def assert_normal(values, std):
    """Check a sample of N(0, std^2): mean, variance and tails."""
    count = values.size
    assert abs(values.mean()) < 5 * std / math.sqrt(count)
    assert abs(values.var() / std**2 - 1) < 5 * math.sqrt(2 / count)
    assert abs((np.abs(values) > 2 * std).mean() - 0.0455) < 5 * math.sqrt(0.0455 / count)


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def test_fans():
    assert init.fans(SHAPE) == (FAN_IN, FAN_OUT)
    assert init.fans((5, 7)) == (7, 5)
    assert init.fans((8, 1, 3, 3)) == (9, 72)
    with pytest.raises(
        ShapeError, match=r"init: fan_in and fan_out need .* at least 2 axes, got the shape \(3,\)"
    ):
        init.fans((3,))


@pytest.mark.parametrize(
    ("nonlinearity", "param", "gain"),
    [
        ("linear", None, 1),
        ("conv2d", None, 1),
        ("sigmoid", None, 1),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("selu", None, 0.75),
        ("leaky_relu", None, math.sqrt(2 / 1.0001)),
        ("leaky_relu", 0.5, math.sqrt(1.6)),
    ],
)
def test_calculate_gain(nonlinearity, param, gain):
    assert init.calculate_gain(nonlinearity, param) == pytest.approx(gain)


def test_simple_fills(generator):
    array = np.empty(SHAPE, np.float32)
    assert init.constant_(array, 2.5) is array
    assert (array == 2.5).all()
    assert (init.ones_(array) == 1).all()
    assert (init.zeros_(array) == 0).all()
    init.uniform_(array, 3, 5, generator)
    assert_uniform(array.astype(np.float64) - 4, 1)
    init.normal_(array, 2, 0.5, generator)
    assert_normal(array.astype(np.float64) - 2, 0.5)


@pytest.mark.parametrize(
    ("mode", "nonlinearity", "a", "std"),
    [
        ("fan_in", "leaky_relu", 0.0, math.sqrt(2 / FAN_IN)),
        ("fan_in", "relu", 0.0, math.sqrt(2 / FAN_IN)),
        ("fan_out", "relu", 0.0, math.sqrt(2 / FAN_OUT)),
        ("fan_in", "leaky_relu", math.sqrt(5), math.sqrt(1 / 3 / FAN_IN)),
        ("fan_out", "tanh", 0.0, 5 / 3 / math.sqrt(FAN_OUT)),
    ],
)
def test_kaiming(generator, mode, nonlinearity, a, std):
    array = np.empty(SHAPE)
    assert init.kaiming_normal_(array, a, mode, nonlinearity, generator) is array
    assert_normal(array, std)
    init.kaiming_uniform_(array, a, mode, nonlinearity, generator)
    assert_uniform(array, math.sqrt(3) * std)


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_xavier(generator, gain):
    array = np.empty(SHAPE)
    std = gain * math.sqrt(2 / (FAN_IN + FAN_OUT))
    assert_normal(init.xavier_normal_(array, gain, generator), std)
    assert_uniform(init.xavier_uniform_(array, gain, generator), math.sqrt(3) * std)


def test_parameters_are_filled_in_place(generator):
    parameter = nn.Parameter(np.zeros(SHAPE, np.float32))
    data = parameter.data
    assert init.kaiming_normal_(parameter, generator=generator) is parameter
    assert parameter.data is data
    assert data.any()


def test_bad_arguments():
    with pytest.raises(ArgumentError, match="init: mode must be 'fan_in' or 'fan_out', got 'fan_avg'"):
        init.kaiming_normal_(np.empty(SHAPE), mode="fan_avg")
    with pytest.raises(
        ArgumentError, match=r"init: nonlinearity must be one of conv2d, leaky_relu, .* got 'gelu'"
    ):
        init.kaiming_uniform_(np.empty(SHAPE), nonlinearity="gelu")


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (lambda: nn.Conv2d(32, 64, 3), 32 * 9),
        (lambda: nn.Conv2d(32, 64, 3, groups=4), 8 * 9),
        (lambda: nn.Linear(100, 300), 100),
    ],
)
def test_layers_start_as_in_pytorch(layer, fan_in):
    """Weights and biases from U(-b, b), b = 1 / sqrt(fan_in)."""
    fastcnn.manual_seed(0)
    made = layer()
    bound = 1 / math.sqrt(fan_in)
    assert_uniform(made.weight.data.astype(np.float64), bound)
    assert 0.5 * bound < np.abs(made.bias.data).max() <= bound


def model():
    return nn.Sequential(
        nn.Conv2d(16, 32, 3),
        nn.BatchNorm2d(32),
        nn.PositionBias((32, 4, 4)),
        nn.Flatten(),
        nn.Linear(512, 64),
    )


@pytest.mark.parametrize(
    ("scheme", "check", "conv", "linear"),
    [
        ("default", assert_uniform, 1 / 12, 1 / math.sqrt(512)),
        ("kaiming_normal", assert_normal, math.sqrt(2 / 144), math.sqrt(2 / 512)),
        ("kaiming_uniform", assert_uniform, math.sqrt(6 / 144), math.sqrt(6 / 512)),
        ("xavier_normal", assert_normal, math.sqrt(2 / 432), math.sqrt(2 / 576)),
        ("xavier_uniform", assert_uniform, math.sqrt(6 / 432), math.sqrt(6 / 576)),
    ],
)
def test_schemes(scheme, check, conv, linear):
    made = model()
    assert made.initialize(scheme, seed=3) is made
    check(made[0].weight.data.astype(np.float64), conv)
    check(made[4].weight.data.astype(np.float64), linear)
    assert made[0].bias.data.any() == made[4].bias.data.any() == (scheme == "default")
    np.testing.assert_array_equal(made[1].weight.data, 1)
    np.testing.assert_array_equal(made[1].bias.data, 0)
    np.testing.assert_array_equal(made[2].bias.data, 0)


def test_every_scheme_is_tested_and_others_are_refused():
    assert set(init.SCHEMES) >= {
        "default",
        "kaiming_normal",
        "kaiming_uniform",
        "xavier_normal",
        "xavier_uniform",
    }
    with pytest.raises(ArgumentError, match=r"initialize: scheme must be one of .* got 'orthogonal'"):
        model().initialize("orthogonal")


@pytest.mark.parametrize("scheme", list(init.SCHEMES))
def test_one_seed_gives_one_set_of_weights(scheme):
    first, again, other = (model().initialize(scheme, seed) for seed in (7, 7, 8))
    for name, value in first.state_dict().items():
        np.testing.assert_array_equal(value, again.state_dict()[name])
    assert (first[0].weight.data != other[0].weight.data).all()
    assert not np.array_equal(first[0].weight.data.ravel()[:64], first[4].weight.data.ravel()[:64])


def test_initialize_does_not_touch_the_default_stream():
    fastcnn.manual_seed(5)
    expected = nn.Linear(3, 3).weight.data
    made = model()
    fastcnn.manual_seed(5)
    made.initialize(seed=1)
    np.testing.assert_array_equal(nn.Linear(3, 3).weight.data, expected)


def test_initialize_resets_running_statistics():
    made = model()
    made[1](np.random.default_rng(0).standard_normal((4, 32, 4, 4)).astype(np.float32))
    made.initialize(seed=0)
    np.testing.assert_array_equal(made[1].running_mean, 0)
    np.testing.assert_array_equal(made[1].running_var, 1)
    assert made[1].num_batches_tracked == 0


def test_manual_seed():
    fastcnn.manual_seed(11)
    first, second = model(), model()
    stream = fastcnn.manual_seed(11)
    assert stream is init.default_generator()
    again = model()
    np.testing.assert_array_equal(first[0].weight.data, again[0].weight.data)
    assert (first[0].weight.data != second[0].weight.data).any()
    with pytest.raises(ArgumentError, match="manual_seed: seed must be at least 0, got -1"):
        fastcnn.manual_seed(-1)
    with pytest.raises(DTypeError, match=r"manual_seed: seed must be an integer, got 1\.5"):
        fastcnn.manual_seed(1.5)


def test_scaled_normal_divides_by_the_kernel_or_the_inputs():
    model = nn.Sequential(nn.Conv2d(40, 50, 3), nn.Flatten(), nn.Linear(200, 300))
    model.initialize("scaled_normal", 0)
    assert_normal(model[0].weight.data, 1 / 9)
    assert_normal(model[2].weight.data, 1 / 200)
    assert not model[0].bias.data.any()
    assert not model[2].bias.data.any()


def test_small_normal():
    model = nn.Conv2d(40, 50, 3).initialize("small_normal", 0)
    assert_normal(model.weight.data, 1e-3)


def test_layers_that_begin_with_zeros():
    """For who gives them weights: nothing is drawn, in this thread alone."""
    init.manual_seed(0)
    first = nn.Linear(3, 2).weight.data.copy()
    init.manual_seed(0)
    with init.undrawn():
        assert not nn.Linear(3, 2).weight.data.any()
        assert not nn.Conv2d(1, 2, 3).bias.data.any()
        with ThreadPoolExecutor(1) as pool:
            np.testing.assert_array_equal(pool.submit(nn.Linear, 3, 2).result().weight.data, first)
        given = init.normal_(np.empty(4), generator=np.random.default_rng(0))
        assert given.all()
    assert nn.Linear(3, 2).weight.data.all()
