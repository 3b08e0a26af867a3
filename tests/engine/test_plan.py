"""Plans: what they fit and refuse, and that a step allocates nothing that stays."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, zoo
from fastcnn._kernels import program as kernels
from fastcnn._shapes import INT_MAX
from fastcnn.engine import Plan
from fastcnn.engine.nodes.loss import Loss
from fastcnn.engine.plans import InferencePlan, StepPlan, TwoPassPlan
from fastcnn.errors import StateError

from .operations import bytes_of_copy

SHAPE = (2, 6, 5)


def model():
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(6, 5)),
    )


def plan(training=True, batch_size=20, **options):
    return Plan(model(), SHAPE, training=training, batch_size=batch_size, **options)


def images(batch, dtype=np.float32):
    return np.random.default_rng(batch).standard_normal((batch, *SHAPE)).astype(dtype)


def test_capacity_is_a_whole_number_of_vectors(isa):
    lanes = fastcnn._kernels.program.lanes("float32")
    for batch in (1, lanes, lanes + 1):
        made = plan(batch_size=batch, layout="images")
        assert made.capacity == -(-batch // lanes) * lanes
        assert made.fits(made.capacity)
        assert not made.fits(made.capacity + 1)
        assert plan(batch_size=batch, layout="channels").capacity == batch
    for layout in ("images", "channels"):
        assert plan(training=False, batch_size=1, layout=layout).fits(10**6)


def test_a_plan_fits_the_threads_and_the_instruction_set_that_it_was_made_for(isa):
    fastcnn.set_num_threads(2)
    training, inference = plan(), plan(training=False)
    fastcnn.set_num_threads(4)
    assert not training.fits(1)
    assert not inference.fits(1)
    y = inference.forward(images(40))  # on two threads: it has no memory for more
    fastcnn.set_num_threads(1)
    assert inference.fits(1)
    np.testing.assert_array_equal(inference.forward(images(40)), y)


def test_output_goes_where_it_is_told():
    made = plan(training=False)
    y = np.full((7, 5), np.nan, np.float32)
    assert made.forward(images(7), y) is y
    np.testing.assert_array_equal(made.forward(images(7)), y)


@pytest.mark.parametrize(
    "call",
    [
        lambda p: p.forward(images(33)),
        lambda p: p.forward(images(3)[:, :1]),
        lambda p: p.forward(images(3, np.float64)),
        lambda p: p.forward(images(3), np.empty((2, 5), np.float32)),
        lambda p: p.forward(images(3), np.empty((3, 6), np.float32)),
        lambda p: p.forward(images(3), np.empty((5, 3), np.float32).T),
        lambda p: p.forward(images(0)),
        lambda p: p.backward(np.zeros((3, 5), np.float32)),
        lambda p: (p.forward(images(3)), p.backward(np.zeros((2, 5), np.float32))),
        lambda p: (p.forward(images(3)), p.backward(np.zeros((3, 4), np.float32))),
        lambda p: (p.forward(images(3)), p.backward(np.zeros((3, 5)))),
    ],
)
def test_what_a_program_would_read_past_the_end_of_is_refused(call):
    with pytest.raises(StateError, match=r"plan|no forward pass|y must be"):
        call(plan(batch_size=32))


def test_samples_of_any_strides_are_taken():
    turned = images(3)[:, :, ::-1]
    made = plan(training=False)
    np.testing.assert_array_equal(made.forward(turned), made.forward(turned.copy()))


def test_each_kind_of_plan_has_the_passes_that_it_is_for():
    kinds = {
        InferencePlan: {"training": False},
        TwoPassPlan: {"training": True},
        StepPlan: {"training": True, "loss": Loss()},
    }
    for kind, options in kinds.items():
        made = plan(**options)
        assert type(made) is kind
        assert made.training == options["training"]
        assert hasattr(made, "forward") == (kind is not StepPlan)
        assert hasattr(made, "backward") == (kind is TwoPassPlan)
        assert hasattr(made, "step") == (kind is StepPlan)


def test_other_arrays_are_followed_and_other_shapes_refused():
    network = model()
    made = Plan(network, SHAPE, training=True, batch_size=4)
    y = made.forward(images(4))
    network[8].bias.data = network[8].bias.data + 1
    network.reseed(0)
    before = made.forward(images(4))
    network.reseed(0)
    network[8].bias.data = network[8].bias.data + 1
    np.testing.assert_allclose(made.forward(images(4)), before + 1, rtol=1e-5, atol=1e-5)
    network[8].bias.data = np.zeros(6, np.float32)
    with pytest.raises(StateError, match=r"made for a parameter of the shape \(5,\)"):
        made.forward(images(4))
    network[8].bias.data = np.zeros(5, np.float64)
    with pytest.raises(StateError, match="float64"):
        made.backward(y)


def test_one_value_has_no_variance():
    network = nn.Sequential(nn.Conv2d(2, 4, (6, 5)), nn.BatchNorm2d(4))
    assert Plan(network, SHAPE, training=True, batch_size=4).min_batch == 2
    assert Plan(network, SHAPE, training=False, batch_size=4).min_batch == 1
    assert plan().min_batch == 1


def test_arrays_of_the_caller_are_let_go():
    made = plan(input_gradient=True)
    x = images(5)
    y = made.forward(x)
    dx = made.backward(y)
    ghosts = [weakref.ref(array) for array in (x, y, dx)]
    del x, y, dx
    assert [ghost() for ghost in ghosts] == [None] * 3


def grown(step, count):
    """Return the bytes that Python and NumPy hold after `count` steps more than after a few."""
    for _ in range(5):
        step()
    gc.collect()
    tracemalloc.start()
    try:
        step()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(count):
            step()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("training", [True, False])
def test_memory_does_not_grow(training):
    network = model().train(training)
    compiled = fastcnn.compile(network)
    batches = [images(n) for n in (32, 5, 17)]

    def step():
        for x in batches:
            y = compiled(x)
            if training:
                compiled.zero_grad()
                compiled.backward(y)

    assert grown(step, 100) < 2048


def test_a_step_allocates_no_activations():
    """The peak of a step is what it returns and the gradients, not the arrays in between."""
    network = zoo.build("compact-mnist", seed=0)
    compiled = fastcnn.compile(network)
    x = np.zeros((64, 1, 28, 28), np.float32)
    compiled.backward(compiled(x))
    tracemalloc.start()
    try:
        compiled.backward(compiled(x))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 4 * network.num_parameters() + 64 * 1024


@pytest.mark.parametrize("name", ["position-bias-mnist", "compact-mnist", "list-cifar"])
def test_bands_of_one_image_change_no_bit(name, isa):
    """Layers large enough to be cut for threads, forward, backward and in inference."""
    shape, target = zoo.find(name).input_shape, np.array([3])
    x = np.random.default_rng(0).standard_normal((1, *shape)).astype(np.float32)
    logits, grads = [], []
    fastcnn.set_num_threads(2)
    for bands in (1, 2, 3, 4):
        network = zoo.build(name, seed=0)
        options = {"batch_size": 1, "layout": "channels", "bands": bands}
        made = Plan(network, shape, training=True, loss=Loss(), **options)
        made.step(x, target, 1.0)
        grads.append([grad.copy() for _, grad in made.parameter_grads])
        logits.append(Plan(network.eval(), shape, training=False, **options).forward(x))
    for other_logits, other_grads in zip(logits[1:], grads[1:], strict=True):
        np.testing.assert_array_equal(other_logits, logits[0])
        for one, other in zip(other_grads, grads[0], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_without_normalisation_only_arrays_of_linear_layers_grow_with_the_batch(layout):
    """The weight gradients of linear layers are made over all images; everything else is one phase.

    Both batches have the most slots that partial sums are kept for.
    """
    convs = (
        nn.Conv2d(2, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
    )
    network = nn.Sequential(*convs, nn.AvgPool2d((3, 2)), nn.Flatten(), nn.Linear(8, 5))
    options = {"training": True, "loss": Loss(), "layout": layout}
    few, many = (Plan(network, SHAPE, batch_size=batch, **options) for batch in (1024, 2048))
    kept = [blob for blob in many.executable.writer.blobs if blob.scope == kernels.EACH_GROUP]
    assert sorted(blob.channels for blob in kept if blob.height == 1) == [5, 8]  # the input, dlogits
    larger = [blob for blob in kept if blob.height > 1]
    if layout == "channels":
        assert not larger
    groups = (many.capacity - few.capacity) // many.layout.images
    each = bytes_of_copy([blob.group_size * 4 for blob in kept])
    assert many.executable.bytes - few.executable.bytes == each * groups


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_convolutions_alone_train_on_any_number_of_images(layout):
    network = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 2), nn.Flatten())
    options = {"training": True, "loss": Loss(), "layout": layout}
    made, wanted = (Plan(network, SHAPE, batch_size=batch, **options) for batch in (1, 1000))
    assert made.capacity == INT_MAX
    assert made.executable.bytes == wanted.executable.bytes
    for batch in (1, 7, 1000, 33):
        target = np.arange(batch) % 60
        np.testing.assert_array_equal(*(each.step(images(batch), target, 1.0) for each in (made, wanted)))
        for (_, one), (_, other) in zip(made.parameter_grads, wanted.parameter_grads, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_inference_takes_the_same_memory_for_every_batch(layout):
    assert len({plan(False, batch, layout=layout).executable.bytes for batch in (1, 50, 10_000)}) == 1


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_a_step_of_a_batch_below_the_capacity_is_that_of_a_plan_of_its_own(layout):
    """Larger batches leave nothing behind that smaller ones see."""
    network, options = model(), {"training": True, "loss": Loss(), "layout": layout}
    used = Plan(network, SHAPE, batch_size=50, **options)
    for batch in (used.capacity, 1, 17, 8, used.capacity, 2):
        outcomes = []
        for each in (used, Plan(network, SHAPE, batch_size=batch, **options)):
            network.reseed(batch)[1].reset_parameters()  # sums are taken about the running mean
            results = each.step(images(batch), np.arange(batch) % 5, 1 / batch)
            outcomes.append([results, *(grad for _, grad in each.parameter_grads)])
        for one, other in zip(*outcomes, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=f"{batch} images")
