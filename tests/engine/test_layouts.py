"""Both layouts of buffers: gradients of a step with its loss, and the same bits however work is divided."""

import copy

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.nodes.loss import as_loss, check_targets
from fastcnn.errors import ShapeError

from .networks import freeze, layouts_of, random_classifier, random_network

seeds = st.integers(0, 2**32 - 1)
relaxed = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


def assert_close(got, want, floor, what):
    """The largest difference is at most 1e-9 of the largest element wanted, or of floor."""
    scale = max(np.abs(want).max(initial=0), floor)
    assert got.shape == want.shape, what
    assert np.abs(got - want).max(initial=0) <= 1e-9 * scale, what


def random_loss(rng, classes):
    """Return cross-entropy with random options, of which each is usual in half of the cases."""
    weight = rng.uniform(0.2, 2, classes) if rng.random() < 0.5 else None
    ignored = int(rng.choice([-100, 0, classes - 1, 255]))
    reduction = "mean" if rng.random() < 0.5 else "sum"
    return nn.CrossEntropyLoss(weight, ignored, reduction, float(rng.choice([0, 0, 0.1, 1])))


def random_target(rng, batch, classes, ignored):
    """Return classes of which some, seldom all, are ignored."""
    target = rng.integers(0, classes, batch)
    target[rng.random(batch) < rng.choice([0, 0, 0.3, 1], p=[0.3, 0.3, 0.3, 0.1])] = ignored
    return target


def step_of(plan, x, target, loss):
    """Run a step; return (the loss, rows predicted right)."""
    classes, divisor = check_targets(target, plan.output_shapes[0][0], plan.loss, loss.reduction)
    results = plan.step(x, classes, 1 / divisor if divisor else 0.0)
    plan.gradients.hand_out()
    return results[:, 0].sum() / divisor if divisor else np.nan, int(results[:, 1].sum())


@settings(max_examples=120, suppress_health_check=relaxed)
@given(seeds)
@np.errstate(all="ignore")  # networks with infinite values are left out, once they are known
def test_a_step_is_forward_loss_and_backward_of_eager_mode(isa, seed):
    """Gradients, statistics and loss after a full batch and a smaller one, with every option of the loss."""
    model, shape, batch = random_classifier(seed)
    model.double().reseed(seed)
    if seed % 3 == 0:
        freeze(model, seed)
    classes = model.output_shape((1, *shape))[1]
    for layout in layouts_of(model, shape):
        rng = np.random.default_rng(seed)
        loss = random_loss(rng, classes)
        engine, eager = copy.deepcopy(model), copy.deepcopy(model)
        spec = as_loss(loss, np.zeros(1, np.int64))
        plan = Plan(engine, shape, training=True, batch_size=batch, layout=layout, loss=spec)
        for size in (batch, (batch + 1) // 2):
            x = rng.standard_normal((size, *shape))
            target = random_target(rng, size, classes, loss.ignore_index)
            eager.zero_grad()
            try:
                logits = eager(x)
            except ShapeError:  # batch normalisation of a single value
                assert size < plan.min_batch
                return
            assume(np.isfinite(logits).all())
            want = loss(logits, target)
            eager.backward(loss.backward())
            got, correct = step_of(plan, x, target, loss)
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
            best = np.sort(logits)[:, -2:]
            if (best[:, -1] - best[:, 0] > 1e-9).all():  # no ties, which rounding would settle
                assert correct == np.count_nonzero(logits.argmax(1) == target)
            pairs = list(zip(engine.named_parameters(), eager.parameters(), strict=True))
            # Those that are 0 but for rounding have no scale of their own.
            trained = [(name, p, q) for (name, p), q in pairs if q.requires_grad]
            floor = 1e-3 * max(1, *(np.abs(q.grad).max(initial=0) for _, _, q in trained), 0)
            assert all(p.grad is None for (_, p), q in pairs if not q.requires_grad)
            for name, p, q in trained:
                assert_close(p.grad, q.grad, floor, f"{layout}: gradient of {name}")
        for (name, one), (_, other) in zip(engine.named_buffers(), eager.named_buffers(), strict=True):
            assert_close(one, other, 0.1, f"{layout}: {name}")


@settings(max_examples=60, suppress_health_check=relaxed)
@given(seeds)
def test_predictions_are_the_same_to_the_bit_in_every_layout_and_division(isa, seed):
    model, shape, batch = random_network(seed)
    model.eval()
    layouts = layouts_of(model, shape)
    assume(layouts)
    x = np.random.default_rng(seed).standard_normal((batch, *shape)).astype(np.float32)
    options = {"training": False, "batch_size": batch}
    fastcnn.set_num_threads(8)
    plans = [Plan(model, shape, layout=layout, **options) for layout in layouts]
    if len(layouts) > 1:
        plans += [Plan(model, shape, layout="channels", bands=bands, **options) for bands in (2, 3, 4)]
    want = plans[0].forward(x)
    for i, plan in enumerate(plans):
        for threads in (1, 2, 3, 4, 8):
            fastcnn.set_num_threads(threads)
            np.testing.assert_array_equal(plan.forward(x), want, err_msg=f"{plan.layout.name} {i} {threads}")
        for row in range(0, batch, 5):
            np.testing.assert_array_equal(plan.forward(x[row : row + 1]), want[row : row + 1])


@settings(max_examples=50, suppress_health_check=relaxed)
@given(seeds)
def test_training_is_the_same_to_the_bit_for_any_number_of_threads(isa, seed):
    """With one image too, with batches that fill no vector, and in bands."""
    model, shape, batch = random_classifier(seed)
    classes = model.output_shape((1, *shape))[1]
    loss, rng = nn.CrossEntropyLoss(), np.random.default_rng(seed)
    for layout in layouts_of(model, shape):
        bands = int(rng.integers(1, 5)) if layout == "channels" else 1
        for size in (1, batch, 70):
            x = rng.standard_normal((size, *shape)).astype(np.float32)
            target, results = rng.integers(0, classes, size), []
            for threads in (1, 2, 3, 4, 8):
                fastcnn.set_num_threads(threads)
                twin = copy.deepcopy(model).reseed(seed)
                spec = as_loss(loss, target)
                options = {"layout": layout, "loss": spec, "bands": bands}
                plan = Plan(twin, shape, training=True, batch_size=size, **options)
                if size < plan.min_batch:
                    break
                value = step_of(plan, x, target, loss)[0]
                buffers = [array for _, array in twin.named_buffers()]
                results.append([value, *(p.grad for p in twin.parameters()), *buffers])
            for other in results[1:]:
                for one, two in zip(results[0], other, strict=True):
                    np.testing.assert_array_equal(two, one, err_msg=f"{layout}, {size} images")
