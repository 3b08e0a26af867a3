"""Averages of weights; those of rates are in test_lr_scheduler.py."""

import copy

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.errors import ArgumentError, DTypeError
from fastcnn.optim.swa_utils import AveragedModel, update_bn

from .._kernels.helpers import on_any_threads
from . import cases


class Pair(nn.Module):
    def __init__(self, dtype=np.float64):
        super().__init__()
        self.weight = nn.Parameter(np.zeros(cases.SHAPES[0], dtype))
        self.register_buffer("scale", np.zeros(cases.SHAPES[2], dtype))
        self.register_buffer("count", np.zeros((), np.int64))

    def forward(self, x):
        return x * self.weight


def fill(model, step):
    weight, _, scale = cases.gradients(step)
    model.weight.data[...], model.scale[...], model.count[...] = weight, scale, 10 * step


@pytest.mark.parametrize("key", cases.AVERAGES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_averages_are_those_of_pytorch(key, dtype, tolerance):
    function, arguments, use_buffers = cases.AVERAGES[key]
    kind = "multi_avg_fn" if "multi" in function else "avg_fn"
    model = Pair(dtype)
    given = {kind: getattr(optim.swa_utils, function)(*arguments)}
    average = AveragedModel(model, **given, use_buffers=use_buffers)
    for step in range(cases.STEPS):
        fill(model, step)
        average.update_parameters(model)
    assert average.n_averaged == cases.STEPS
    for array, want in zip(
        (average.module.weight.data, average.module.scale), cases.answers()["averages"][key], strict=True
    ):
        assert array.dtype == dtype
        np.testing.assert_allclose(array.ravel(), want, rtol=tolerance, atol=tolerance)
    if not use_buffers:
        assert average.module.count == 10 * (cases.STEPS - 1)


def test_the_plain_average_is_the_default():
    model = Pair()
    average = AveragedModel(model)
    for step in range(3):
        fill(model, step)
        average.update_parameters(model)
    want = np.mean([cases.gradients(step)[0] for step in range(3)], axis=0)
    np.testing.assert_allclose(average.module.weight.data, want, rtol=1e-12)
    assert average.module.weight is not model.weight
    np.testing.assert_array_equal(average(np.ones(cases.SHAPES[0])), average.module.weight.data)


def test_counters_are_averaged_to_integers():
    model = Pair()
    average = AveragedModel(model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.75), use_buffers=True)
    found = []
    for step in range(4):
        fill(model, step)
        average.update_parameters(model)
        found.append(int(average.module.count))
    assert found == [0, 2, 6, 12]  # 0, 0.75 0 + 0.25 10 = 2.5, 6.5, 12


def test_a_state_goes_on_to_the_same_bits():
    def run(state=None, steps=range(6)):
        model = Pair(np.float32)
        average = AveragedModel(model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.7))
        if state is not None:
            average.load_state_dict(state)
        for step in steps:
            fill(model, step)
            average.update_parameters(model)
        return average.state_dict()

    whole, resumed = run(), run(run(steps=range(3)), range(3, 6))
    assert whole.keys() == {"n_averaged", "module.weight", "module.scale", "module.count"}
    for name, values in whole.items():
        assert values.tobytes() == resumed[name].tobytes()


@pytest.mark.parametrize("size", [0, 1, 16385, 70_001])
def test_threads_and_sizes(size):
    rng = np.random.default_rng(size)
    one, other = rng.standard_normal((2, size)).astype(np.float32)

    def run():
        mine = one.copy()
        optim.swa_utils.get_ema_multi_avg_fn(0.9)([mine], [other], 3)
        return mine

    np.testing.assert_allclose(on_any_threads(run), 0.9 * one + 0.1 * other, rtol=1e-5, atol=1e-6)


def test_arrays_of_any_layout():
    mine, other = np.zeros((4, 3)).T, np.arange(12.0).reshape(3, 4)[:, ::-1]
    optim.swa_utils.get_swa_multi_avg_fn()([mine], [other], 1)
    np.testing.assert_array_equal(mine, other / 2)
    whole = np.zeros((3, 4))
    optim.swa_utils.get_swa_multi_avg_fn()([whole], [other], 1)
    np.testing.assert_array_equal(whole, other / 2)


def test_running_statistics_are_the_average_of_the_batches():
    model = nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3, momentum=0.3)).eval()
    model[1].training = True
    rng = np.random.default_rng(0)
    batches = [rng.normal(3, 2, (5, 2, 4, 4)).astype(np.float32) for _ in range(4)]
    model[0].running_mean[...] = 99
    update_bn(((batch, None) for batch in batches), model)
    np.testing.assert_allclose(
        model[0].running_mean, np.mean([b.mean((0, 2, 3)) for b in batches], axis=0), rtol=1e-5
    )
    np.testing.assert_allclose(
        model[0].running_var, np.mean([b.var((0, 2, 3), ddof=1) for b in batches], axis=0), rtol=1e-5
    )
    assert [int(model[i].num_batches_tracked) for i in (0, 2)] == [4, 4]
    assert [model[i].momentum for i in (0, 2)] == [0.1, 0.3]
    assert [module.training for module in model.modules()] == [False, False, True, False]
    mean = model[0].running_mean.copy()
    update_bn(batches, model)
    np.testing.assert_array_equal(model[0].running_mean, mean)


@pytest.mark.parametrize(
    "model",
    [
        nn.Linear(2, 2),
        nn.BatchNorm2d(2, track_running_stats=False),
        nn.InstanceNorm2d(2, track_running_stats=True),
    ],
)
def test_a_model_without_statistics_of_batches_reads_no_data(model):
    """As in PyTorch, those of images are none."""
    update_bn(iter(lambda: pytest.fail("read"), None), model)


def test_statistics_of_lines_are_made_anew_too():
    model = nn.Sequential(nn.BatchNorm1d(2))
    batches = [np.random.default_rng(i).normal(3, 2, (5, 2)).astype(np.float32) for i in range(3)]
    update_bn(batches, model)
    np.testing.assert_allclose(model[0].running_mean, np.mean([b.mean(0) for b in batches], 0), rtol=1e-5)
    assert model[0].num_batches_tracked == 3


def test_modes_and_momenta_are_put_back_after_an_error():
    model = nn.Sequential(nn.BatchNorm2d(2)).eval()
    with pytest.raises(ArgumentError):
        update_bn([np.zeros((3, 5), np.float32)], model)
    assert not model.training
    assert model[0].momentum == 0.1


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda m: AveragedModel(3), DTypeError, "AveragedModel: model must be a Module, got int"),
        (lambda m: AveragedModel(m, "cuda"), ArgumentError, "device must be None or 'cpu', got 'cuda'"),
        (lambda m: AveragedModel(m, avg_fn=3), DTypeError, "avg_fn must be callable, got 3"),
        (
            lambda m: AveragedModel(m, avg_fn=max, multi_avg_fn=max),
            ArgumentError,
            "only one of avg_fn and multi_avg_fn",
        ),
        (
            lambda m: AveragedModel(m).update_parameters(nn.Linear(2, 2)),
            ArgumentError,
            "AveragedModel.update_parameters: model has other parameters",
        ),
        (lambda m: optim.swa_utils.get_ema_multi_avg_fn(1.5), ArgumentError, r"decay must be in \[0, 1\]"),
        (lambda m: optim.swa_utils.get_ema_avg_fn(-1), ArgumentError, "get_ema_avg_fn: decay"),
        (lambda m: update_bn([], 3), DTypeError, "update_bn: model must be a Module"),
        (lambda m: update_bn([], m, 3), ArgumentError, "update_bn: device must be"),
    ],
)
def test_what_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make(Pair())


def test_a_model_that_changes_is_looked_at_again():
    model = nn.Sequential(nn.Linear(2, 2))
    average = AveragedModel(model)
    for value in (1.0, 3.0):
        model[0].weight.data = np.full((2, 2), value, np.float32)  # another array each time
        average.update_parameters(model)
    np.testing.assert_array_equal(average.module[0].weight.data, 2)
    model[0] = nn.Linear(2, 2)
    model[0].weight.data[...] = 5
    average.update_parameters(model)
    np.testing.assert_array_equal(average.module[0].weight.data, 3)
    model[0] = nn.Linear(3, 2)
    before = bits(average)
    with pytest.raises(ArgumentError, match="model has other parameters"):
        average.update_parameters(model)
    assert bits(average) == before


def bits(model):
    return {name: values.tobytes() for name, values in model.state_dict().items()}


def test_copies_go_their_own_way():
    model = nn.Linear(2, 2)
    average = AveragedModel(model)
    average.update_parameters(model)
    other = copy.deepcopy(average)
    model.weight.data[...] = 7
    other.update_parameters(model)
    assert (average.n_averaged, other.n_averaged) == (1, 2)
    assert not np.array_equal(average.module.weight.data, other.module.weight.data)


def test_predictions_see_every_average():
    """The engine keeps packed weights as long as nobody may have written into them."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3)).initialize(seed=0)
    average = AveragedModel(model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.5))
    x = np.ones((2, 1, 6, 6), np.float32)
    for step in range(4):
        model[0].weight.data[...] = step
        average.update_parameters(model)
        np.testing.assert_allclose(average.predict(x), average(x), rtol=1e-5, atol=1e-5)
