"""Runners: they follow parameters, settings and threads, and draw keys only where something is dropped."""

import copy

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn._kernels import program as kernels
from fastcnn.engine import Plan
from fastcnn.engine.runner import working_threads
from fastcnn.errors import StateError

SHAPE = (2, 5, 4)


def network():
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3)),
        *(nn.Flatten(), nn.Linear(80, 3)),
    ).initialize(seed=0)


def plan(model, layout="channels", **options):
    return Plan(model, SHAPE, batch_size=8, layout=layout, **options)


def images(batch=8):
    return np.random.default_rng(batch).standard_normal((batch, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize("threads", [1, 3, 64, 100])
def test_no_more_threads_than_slots_have_work(threads):
    fastcnn.set_num_threads(threads)
    assert working_threads() == min(threads, kernels.MOST_SLOTS)
    assert plan(network()).runner.threads == working_threads()


def test_parameters_are_told_once():
    """However many operations read them."""
    model = network().eval()
    found = plan(model, "images").executable.distinct_parameters
    assert {id(each) for each in found} == {id(each) for each in model.parameters()}
    assert len(found) == len(list(model.parameters()))


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_settings_of_layers_are_followed(layout):
    """eps and momentum of a batch normalisation are arguments that may change between runs."""
    model = network()
    model[3].p = 0
    made = plan(model, layout, training=True)
    for eps, momentum in ((1e-5, 0.1), (0.5, 0.1), (0.5, 0.7)):
        model[1].eps, model[1].momentum = eps, momentum
        model[1].reset_parameters()
        other = copy.deepcopy(model)
        fresh = plan(other, layout, training=True)
        np.testing.assert_array_equal(made.forward(images()), fresh.forward(images()))
        np.testing.assert_array_equal(model[1].running_var, other[1].running_var)


def test_a_parameter_of_another_shape_is_refused_until_it_is_put_back():
    model = network().eval()
    made = plan(model)
    want, bias = made.forward(images()), model[5].bias.data
    model[5].bias.data = np.zeros(4, np.float32)
    message = (
        r"^the plan was made for a parameter of the shape \(3,\) and type float32; now it is \(4,\), float32$"
    )
    for _ in range(2):
        with pytest.raises(StateError, match=message):
            made.forward(images())
    model[5].bias.data = bias
    np.testing.assert_array_equal(made.forward(images()), want)


def test_keys_are_drawn_for_what_drops_and_for_nothing_else():
    model = network()
    made, twin = plan(model, training=True), np.random.default_rng(5)
    model[3].generator = np.random.default_rng(5)
    made.forward(images())
    assert made.runner.keys.tolist() == [twin.integers(2**64, dtype=np.uint64)]
    model[3].p = 0
    before = made.runner.keys.tolist()
    made.forward(images())
    assert made.runner.keys.tolist() == before
    model[3].p = 0.3
    made.forward(images())
    assert made.runner.keys.tolist() == [twin.integers(2**64, dtype=np.uint64)]


def test_a_program_without_dropout_has_a_key_that_nobody_reads():
    assert plan(network()).runner.keys.tolist() == [0]


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_more_threads_than_a_program_was_made_for_are_not_used(layout):
    """It has memory for so many."""
    fastcnn.set_num_threads(1)
    made = plan(network(), layout)
    want = made.forward(images(40))
    fastcnn.set_num_threads(8)
    assert made.runner.threads == 1
    np.testing.assert_array_equal(made.forward(images(40)), want)


def test_what_is_prepared_is_skipped_while_it_holds():
    """The first phases, over tasks, pack weights; their outputs are left as they are by the second run."""
    model = network().eval()
    made = plan(model, "images")
    x = images()
    want = made.forward(x)
    packed = [op.arguments["packed"] for op in made.executable.writer.ops if op.kernel == "pack_weights"]
    copies = [array.copy() for array in packed]
    for array in packed:
        array[...] = 0
    assert np.abs(made.forward(x) - want).max() > 0.1
    model[5].bias.data[0] += 0  # asked for: it may have been written to
    np.testing.assert_array_equal(made.forward(x), want)
    for array, before in zip(packed, copies, strict=True):
        np.testing.assert_array_equal(array, before)
