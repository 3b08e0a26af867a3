"""CompiledModule: whatever happens to the model between calls, answers and errors are those of eager mode."""

import copy
import logging
import pickle
import re

import numpy as np
import pytest

import fastcnn
from fastcnn import engine, nn
from fastcnn._kernels import cpu
from fastcnn.engine import Plan
from fastcnn.errors import DTypeError, FastcnnError, ShapeError, SizeError, StateError

SHAPE = (2, 6, 5)


def network():
    return (
        nn.Sequential(
            *(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Dropout(0.3), nn.Residual(nn.Conv2d(4, 4, 1)), nn.Flatten(), nn.Linear(24, 3)),
        )
        .double()
        .initialize(seed=1)
        .reseed(2)
    )


def images(batch, seed=0, shape=SHAPE):
    return np.random.default_rng(seed).standard_normal((batch, *shape))


def assert_same_step(compiled, reference, x, eager=False):
    """One forward and backward pass, and a prediction, of a compiled model and of an eager copy of it."""
    want = reference(x)
    got = compiled(x)
    assert isinstance(compiled._last, nn.Module if eager else Plan)
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    if not reference.training:
        return
    dy = np.random.default_rng(1).standard_normal(want.shape)
    for model in (compiled, reference):
        model.zero_grad()
    dx, dx_wanted = compiled.backward(dy), reference.backward(dy)
    np.testing.assert_allclose(dx, dx_wanted, rtol=1e-9, atol=1e-12)
    for one, other in zip(compiled.parameters(), reference.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None)
        if one.grad is not None:
            np.testing.assert_allclose(one.grad, other.grad, rtol=1e-9, atol=1e-11)
    both = zip(compiled.model.named_buffers(), reference.named_buffers(), strict=True)
    for (name, one), (_, other) in both:
        np.testing.assert_allclose(one, other, rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(compiled.predict(x), reference.predict(x, engine=False), rtol=1e-9, atol=1e-12)


def replace(model, name, value):
    setattr(model, name, value)


def in_place(model):
    model[0].weight.data[...] *= 2


def by_state(model):
    other = copy.deepcopy(model)
    for parameter in other.parameters():
        parameter.data[...] += 0.25
    model.load_state_dict(other.state_dict())


def freeze(model):
    model[0].weight.requires_grad = False
    model[7].bias.requires_grad = False


CHANGES = {
    "nothing": lambda m: None,
    "weights in place": in_place,
    "load_state_dict": by_state,
    "another array": lambda m: replace(m[0].weight, "data", m[0].weight.data * 3),
    "an array that is not contiguous": lambda m: replace(m[7].weight, "data", m[7].weight.data[:, ::-1]),
    "a list": lambda m: replace(m[7].bias, "data", np.array([1.0, 2.0, 3.0])),
    "another parameter": lambda m: replace(m[0], "weight", nn.Parameter(m[0].weight.data + 1)),
    "no bias": lambda m: replace(m[0], "bias", None),
    "no shift in batch norm": lambda m: replace(m[1], "bias", None),
    "no scale in batch norm": lambda m: replace(m[1], "weight", None),
    "an identity": lambda m: m.insert(3, nn.Identity(1, a=2)),
    "an item": lambda m: m.__setitem__(2, nn.Identity()),
    "a layer less": lambda m: m.__delitem__(2),
    "a larger kernel": lambda m: replace(m[0], "weight", nn.Parameter(np.ones((4, 2, 3, 3)))),
    "frozen weights": freeze,
    "one more layer": lambda m: m.append(nn.ReLU()),
    "another layer": lambda m: replace(m, "2", nn.Residual(nn.ReLU())),
    "another body": lambda m: replace(m[5], "body", nn.Conv2d(4, 4, 1).double().initialize(seed=3)),
    "p": lambda m: replace(m[4], "p", 0.6),
    "p = 0": lambda m: replace(m[4], "p", 0),
    "p = 1": lambda m: replace(m[4], "p", 1.0),
    "eps": lambda m: replace(m[1], "eps", 0.5),
    "momentum": lambda m: replace(m[1], "momentum", 0.9),
    "running mean": lambda m: replace(m[1], "running_mean", np.arange(4.0)),
    "running variance": lambda m: m[1].register_buffer("running_var", np.arange(1.0, 5.0)),
    "count of batches": lambda m: replace(m[1], "num_batches_tracked", np.array(7)),
    "padding": lambda m: replace(m[0], "padding", (2, 0, 0, 2)),
    "padding and dilation": lambda m: (replace(m[0], "padding", "same"), replace(m[0], "dilation", (1, 2))),
    "kernel of the pool": lambda m: replace(m[3], "kernel_size", (1, 2)),
    "another stream": lambda m: m.reseed(9),
    "single precision and back": lambda m: m.float().double(),
    "evaluation": lambda m: m.eval(),
    "evaluation and back": lambda m: m.eval().train(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_between_calls(change):
    model = network()
    compiled, reference = fastcnn.compile(model, input_gradient=True), copy.deepcopy(model)
    assert_same_step(compiled, reference, images(7))
    for each in (model, reference):
        CHANGES[change](each)
    assert_same_step(compiled, reference, images(7, 1))


def test_another_stride_and_number_of_outputs():
    model = network()
    compiled, reference = fastcnn.compile(model, input_gradient=True), copy.deepcopy(model)
    assert_same_step(compiled, reference, images(7))
    for each in (model, reference):
        replace(each[0], "stride", 2)
        replace(each[7], "weight", nn.Parameter(np.arange(20.0).reshape(5, 4)))
        replace(each[7], "bias", nn.Parameter(np.ones(5)))
    assert_same_step(compiled, reference, images(7))


@pytest.mark.parametrize("sizes", [(1, 2, 3, 40, 5, 8, 1), (40, 39, 16, 41, 17)])
def test_batches_grow_and_shrink(sizes, isa):
    model = network()
    compiled, reference = fastcnn.compile(model, input_gradient=True), copy.deepcopy(model)
    for size in sizes:
        assert_same_step(compiled, reference, images(size, size))


def test_several_input_shapes():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()).double()
    compiled, reference = fastcnn.compile(model, input_gradient=True), copy.deepcopy(model)
    for height, width in ((5, 5), (7, 4), (5, 5), (3, 9)):
        assert_same_step(compiled, reference, images(6, shape=(2, height, width)))


def test_features():
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Dropout(0.2), nn.Linear(4, 2)).double().reseed(0)
    assert_same_step(fastcnn.compile(model, input_gradient=True), copy.deepcopy(model), images(9, shape=(5,)))


def test_double_precision_later():
    model = network().float()
    compiled = fastcnn.compile(model, input_gradient=True)
    y = compiled(images(5).astype(np.float32))
    assert y.dtype == np.float32
    model.double()
    assert_same_step(compiled, copy.deepcopy(model), images(5))


@pytest.mark.parametrize(
    "arrange",
    [
        lambda x: np.asfortranarray(x),
        lambda x: x[:, :, ::-1][:, :, ::-1],
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: np.broadcast_to(x[:1], x.shape),
        lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float64).reshape(x.shape),
    ],
    ids=["Fortran", "reversed", "strided", "broadcast", "unaligned"],
)
def test_layouts(arrange):
    x = arrange(images(6))
    model = network().eval()
    want = model.predict(np.ascontiguousarray(x))
    compiled = fastcnn.compile(model)
    np.testing.assert_array_equal(compiled(x), want)
    np.testing.assert_array_equal(compiled.predict(x, 4), want)
    model.train()
    compiled(x)
    compiled.backward(arrange(images(6))[:, 0, 0, :3])


@pytest.mark.parametrize(
    "arrange",
    [
        lambda y: np.repeat(y, 2)[::2],
        lambda y: y.astype(np.int16),
        lambda y: y.astype(">i8"),
        lambda y: np.frombuffer(b"\0" + y.tobytes(), np.uint8)[1:].view(np.int64),
    ],
    ids=["strided", "short", "swapped", "unaligned"],
)
def test_layouts_of_targets(arrange):
    model, loss, target = network().reseed(0), nn.CrossEntropyLoss(), np.array([1, 0, 2, 1, 1, 0])
    compiled = fastcnn.compile(model)
    done = compiled.gradients(images(6), target, loss)
    grads = [p.grad.copy() for p in model.parameters()]
    model.reseed(0)
    assert compiled.gradients(images(6), arrange(target), loss) == done
    for p, grad in zip(model.parameters(), grads, strict=True):
        np.testing.assert_array_equal(p.grad, grad)


def test_a_step_has_no_gradient_of_its_input():
    """Also where backward passes return it."""
    model, loss, target = network().reseed(0), nn.CrossEntropyLoss(), np.array([1, 0, 2, 1, 1, 0])
    plain = fastcnn.compile(model).gradients(images(6), target, loss)
    grads = [p.grad.copy() for p in model.parameters()]
    model.reseed(0)
    assert fastcnn.compile(model, input_gradient=True).gradients(images(6), target, loss) == plain
    for p, grad in zip(model.parameters(), grads, strict=True):
        np.testing.assert_array_equal(p.grad, grad)


def test_gradients_add_up_and_a_second_backward_pass_is_the_same():
    model = network()
    compiled = fastcnn.compile(model, input_gradient=True)
    y = compiled(images(9))
    once = compiled.backward(y)
    grads = [p.grad.copy() for p in model.parameters()]
    twice = compiled.backward(y)
    np.testing.assert_array_equal(once, twice)
    for p, grad in zip(model.parameters(), grads, strict=True):
        np.testing.assert_array_equal(p.grad, 2 * grad)
    compiled.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_prediction_between_forward_and_backward():
    models = [network(), network()]
    results = []
    for model, between in zip(models, (False, True), strict=True):
        compiled = fastcnn.compile(model, input_gradient=True)
        y = compiled(images(9))
        if between:
            compiled.predict(images(20, 3))
            model.predict(images(30, 4))
            assert model.training
        results.append([compiled.backward(y), *(p.grad for p in model.parameters())])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_several_compiled_modules_of_one_model():
    """Each has its own forward pass to go back through; the gradients meet in the model."""
    model = network()
    model[4].p = 0
    first, second = (fastcnn.compile(model, input_gradient=True) for _ in range(2))
    reference = copy.deepcopy(model)
    want = []
    for seed in (1, 2):
        y = reference(images(8, seed))
        want.append(reference.backward(y))
    ys = [first(images(8, 1)), second(images(8, 2))]
    np.testing.assert_allclose(first.backward(ys[0]), want[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(second.backward(ys[1]), want[1], rtol=1e-9, atol=1e-12)
    for one, other in zip(model.parameters(), reference.parameters(), strict=True):
        np.testing.assert_allclose(one.grad, other.grad, rtol=1e-9, atol=1e-11)


def test_the_number_of_threads_changes_between_calls(isa):
    model = network()
    compiled, reference = fastcnn.compile(model, input_gradient=True), copy.deepcopy(model)
    for threads in (1, 4, 2, 8, 1):
        fastcnn.set_num_threads(threads)
        assert_same_step(compiled, reference, images(130))


def test_the_instruction_set_changes_between_calls():
    model, before = network(), cpu.get_isa()
    compiled, reference = fastcnn.compile(model, input_gradient=True), copy.deepcopy(model)
    try:
        for isa in (*cpu.available_isas("float32"), *reversed(cpu.available_isas())):
            cpu.set_isa(isa)
            assert_same_step(compiled, reference, images(9))
    finally:
        cpu.set_isa(before)


def test_a_module_that_stands_twice_is_as_two_that_share_their_parameters():
    """Eager mode has no backward pass for it: each layer keeps what its last forward pass saw."""
    conv, norm, relu, drop = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.4)
    once = nn.Sequential(conv, norm, relu, drop, conv, drop, nn.Residual(conv), norm, relu).double().reseed(0)
    twin = []
    for layer in copy.deepcopy(once):
        single = layer.body if isinstance(layer, nn.Residual) else layer
        other = copy.copy(single)
        for store in ("_parameters", "_buffers"):  # the same arrays, another module
            other.__dict__[store] = dict(single.__dict__[store])
        twin.append(nn.Residual(other) if single is not layer else other)
    twin = nn.Sequential(*twin)
    compiled = fastcnn.compile(once, input_gradient=True)
    x, dy = images(6, shape=(3, 5, 4)), images(6, 1, shape=(3, 5, 4))
    np.testing.assert_allclose(compiled(x), twin(x), rtol=1e-10, atol=1e-12)
    assert isinstance(compiled._last, Plan)
    np.testing.assert_allclose(compiled.backward(dy), twin.backward(dy), rtol=1e-9, atol=1e-11)
    for (name, one), (_, other) in zip(once.named_parameters(), twin.named_parameters(), strict=True):
        np.testing.assert_allclose(one.grad, other.grad, rtol=1e-9, atol=1e-11, err_msg=name)
    np.testing.assert_allclose(norm.running_mean, twin[1].running_mean, rtol=1e-12)
    assert norm.num_batches_tracked == 2


def test_parameters_that_layers_share():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)).double()
    model[2].weight = model[0].weight
    assert_same_step(fastcnn.compile(model, input_gradient=True), copy.deepcopy(model), images(5, shape=(4,)))


# Errors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "x",
    [
        images(3, shape=(3, 6, 5)),
        images(3, shape=(2, 9, 5)),
        images(3, shape=(2, 0, 5)),
        images(3, shape=(30,)),
        images(3, shape=(2, 6)),
        images(3).astype(np.float32),
        images(3).astype(np.int64),
        images(3).tolist(),
        None,
    ],
    ids=["channels", "size", "empty", "2-D", "3-D", "float32", "int64", "list", "None"],
)
def test_inputs_that_do_not_fit_raise_what_eager_mode_raises(x, training, caplog):
    model = network().train(training)
    with pytest.raises((FastcnnError, AttributeError)) as eager:
        copy.deepcopy(model)(x)
    with pytest.raises(type(eager.value), match=re.escape(str(eager.value))):
        fastcnn.compile(model)(x)
    assert not caplog.records


def test_one_value_of_a_channel_has_no_variance():
    model = nn.Sequential(nn.Conv2d(2, 4, (6, 5)), nn.BatchNorm2d(4)).double()
    compiled, reference = fastcnn.compile(model, input_gradient=True), copy.deepcopy(model)
    message = "batch_norm: training needs more than 1 value per channel, got x of the shape (1, 4, 1)"
    with pytest.raises(ShapeError, match=re.escape(message)):
        compiled(images(1))
    with pytest.raises(StateError):
        compiled.backward(np.zeros((1, 4, 1, 1)))
    assert_same_step(compiled, reference, images(2))
    with pytest.raises(ShapeError, match=re.escape(message)):
        compiled(images(1))
    model.eval()
    assert compiled(images(1)).shape == (1, 4, 1, 1)


@pytest.mark.parametrize("training", [True, False])
def test_no_images(training):
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten()).double().train(training)
    compiled = fastcnn.compile(model, input_gradient=True)
    if training:
        compiled.backward(compiled(images(5)))
        model.zero_grad()
    assert compiled(images(0)).shape == (0, 48)
    if training:
        assert compiled.backward(np.zeros((0, 48))).shape == (0, *SHAPE)
        assert all(p.grad is not None and not p.grad.any() for p in model.parameters())
    assert compiled.predict(images(0)).shape == (0, 48)


def test_backward_needs_a_forward_pass_in_training():
    model = network()
    compiled = fastcnn.compile(model)
    with pytest.raises(StateError, match="backward: no forward pass came before"):
        compiled.backward(np.zeros((3, 3)))
    model.eval()
    compiled(images(3))
    with pytest.raises(StateError, match=r"evaluation mode; call the model's train\(\)"):
        compiled.backward(np.zeros((3, 3)))
    model.train()
    with pytest.raises(StateError, match="evaluation mode"):
        compiled.backward(np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("dy", "kind", "message"),
    [
        (np.zeros((4, 3)), ShapeError, "dy must have the shape (5, 3), got (4, 3)"),
        (np.zeros((5, 4)), ShapeError, "dy must have the shape (5, 3), got (5, 4)"),
        (np.zeros((5, 3, 1)), ShapeError, "dy must have the shape (5, 3), got (5, 3, 1)"),
        (np.zeros((5, 3), np.float32), DTypeError, "dy must be float64 as the output, got float32"),
        ([[0.0] * 3] * 5, DTypeError, "dy must be an array, got list"),
    ],
)
def test_gradients_that_do_not_fit(dy, kind, message):
    compiled = fastcnn.compile(network())
    compiled(images(5))
    with pytest.raises(kind, match=re.escape(message)):
        compiled.backward(dy)


def test_the_model_of_a_compiled_module_cannot_be_replaced():
    """Its plans would be those of the old one."""
    compiled, other = fastcnn.compile(network()), network()
    with pytest.raises(AttributeError, match="model"):
        compiled.model = other
    assert compiled.model is not other


def test_what_is_compiled_is_a_module():
    with pytest.raises(DTypeError, match="compile: model must be a Module, got function"):
        fastcnn.compile(lambda x: x)


@pytest.mark.parametrize("size", [0, -1, 2.5, None])
def test_batch_size_of_prediction(size):
    with pytest.raises(FastcnnError, match="predict: batch_size"):
        fastcnn.compile(network()).predict(images(3), size)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda m: replace(m[0].weight, "data", np.ones((4, 3, 3, 3))),
        lambda m: replace(m[0].bias, "data", np.ones(5)),
        lambda m: replace(m[0].weight, "data", np.ones((4, 2, 3, 3), np.float32)),
        lambda m: replace(m[1], "running_mean", np.ones(5)),
        lambda m: replace(m[1], "eps", -1.0),
        lambda m: replace(m[4], "p", 2),
        lambda m: replace(m[3], "padding", 2),
        lambda m: replace(m[0], "groups", 3),
        lambda m: replace(m[0], "padding", "full"),
        lambda m: replace(m[7].weight, "data", np.ones((3, 25))),
    ],
)
def test_a_model_that_is_spoilt_raises_what_eager_mode_raises(spoil):
    model = network()
    compiled = fastcnn.compile(model)
    compiled(images(4))
    spoil(model)
    with pytest.raises(FastcnnError) as eager:
        copy.deepcopy(model)(images(4))
    with pytest.raises(type(eager.value), match=re.escape(str(eager.value))):
        compiled(images(4))


def test_weights_that_change_their_shape_between_the_passes():
    model = network()
    compiled = fastcnn.compile(model)
    y = compiled(images(4))
    model[0].weight.data = np.ones((4, 2, 5, 5))
    with pytest.raises(StateError, match=r"made for a parameter of the shape \(4, 2, 3, 3\)"):
        compiled.backward(y)


# Eager mode -----------------------------------------------------------------------------------------------


class Doubled(nn.Module):
    """A layer of the user's own."""

    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


class Normalized(Doubled):
    """One that needs images to say what shape it makes."""

    def forward(self, x):
        self.scale = 1 / x.max()
        return self.scale * x

    def backward(self, dy):
        return self.scale * dy


def test_a_layer_of_the_users_own_that_cannot_be_traced_runs_eagerly_with_one_warning(caplog):
    model = network()
    model._modules["2"] = Normalized()
    compiled, reference = fastcnn.compile(model, input_gradient=True), copy.deepcopy(model)
    with caplog.at_level(logging.WARNING):
        for size in (5, 9):
            assert_same_step(compiled, reference, images(size), eager=True)
            model.predict(images(3))
            fastcnn.compile(model).predict(images(3))
    expected = (
        "the model runs eagerly, without the compiled engine: Normalized has a backward of its own, and for "
        "no images its forward raised ValueError: zero-size array to reduction operation maximum which has "
        "no identity"
    )
    assert [(r.name, r.getMessage()) for r in caplog.records] == [("fastcnn.engine", expected)]


def test_without_input_gradient_none_is_returned_compiled_or_not():
    for model in (network(), nn.Sequential(network(), Doubled())):
        compiled = fastcnn.compile(model)
        assert compiled.backward(compiled(images(4))) is None


@pytest.mark.parametrize("frozen", [[1], [4], [1, 4]], ids=["BatchNorm2d", "Dropout", "both"])
def test_layers_in_evaluation_mode_while_the_model_trains(frozen):
    model = network()
    for i in frozen:
        model[i].eval()
    compiled, reference = fastcnn.compile(model, input_gradient=True), copy.deepcopy(model)
    before = {name: value.copy() for name, value in model.named_buffers()}
    assert_same_step(compiled, reference, images(5))
    for name, value in model.named_buffers():
        assert np.array_equal(value, before[name]) == (1 in frozen), name
    for i in frozen:
        model[i].train()
        reference[i].train()
    assert_same_step(compiled, reference, images(5))
    model.eval()
    reference.eval()
    assert_same_step(compiled, reference, images(5))


def test_plans_for_each_mode_are_kept():
    """A layer that is frozen and thawed by turns costs no new plan each time."""
    model = network()
    compiled = fastcnn.compile(model)
    found = []
    for _ in range(2):
        for frozen in (True, False):
            model[1].train(not frozen)
            compiled(images(5))
            found.append(compiled._last)
    assert found[0] is found[2] is not found[1] is found[3]


def test_parameters_that_are_not_trained():
    """They have no gradients, and nothing before the first layer that is trained goes backward."""
    model = network()
    model[0].requires_grad_(False)
    model[1].requires_grad_(False).eval()
    compiled, reference = fastcnn.compile(model), copy.deepcopy(model)
    y, want = compiled(images(5)), reference(images(5))
    np.testing.assert_allclose(y, want, rtol=1e-10, atol=1e-12)
    dy = images(5, 1, want.shape[1:])
    assert compiled.backward(dy) is None
    reference.backward(dy)
    for one, other in zip(model.parameters(), reference.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None) == (not one.requires_grad)
        if one.grad is not None:
            np.testing.assert_allclose(one.grad, other.grad, rtol=1e-9, atol=1e-12)
    plan = compiled._last
    first, last = plan.executable.phases[plan.executable.phase_ends[0]][1], plan.executable.phases[-1][2]
    backward = {op.label for op in plan.executable.writer.ops[first:last]}
    assert not any("Conv2d" in label and label.startswith("0") for label in backward)
    # As in a prediction, batch normalisation is part of the weights of the frozen convolution before it.
    assert not any(op.kernel in ("bn_sums", "apply_pool") for op in plan.executable.writer.ops)
    model.requires_grad_(True)
    reference.requires_grad_(True)
    compiled = fastcnn.compile(model, input_gradient=True)
    assert_same_step(compiled, reference, images(5))


def test_a_model_of_which_nothing_is_trained():
    model = network().requires_grad_(False)
    compiled = fastcnn.compile(model)
    y = compiled(images(5))
    assert compiled.backward(np.ones_like(y)) is None
    assert all(parameter.grad is None for parameter in model.parameters())
    loss, _ = compiled.gradients(images(5), np.zeros(5, np.int64), nn.CrossEntropyLoss())
    assert np.isfinite(loss)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_mode_of_layers_that_have_none_does_not_count():
    model = network()
    model[2].eval()
    assert_same_step(fastcnn.compile(model, input_gradient=True), copy.deepcopy(model), images(5))


def test_unsupported_input_of_a_supported_model_is_no_news(caplog):
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU()).double()
    compiled = fastcnn.compile(model)
    assert compiled(images(1)[0]).shape == (3, 4, 3)
    assert not caplog.records


# Copies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_copies_have_weights_and_plans_of_their_own(copied):
    compiled = fastcnn.compile(network(), input_gradient=True)
    compiled(images(4))
    twin = copied(compiled)
    assert twin.model is not compiled.model
    assert_same_step(twin, copy.deepcopy(compiled.model), images(4))
    for parameter in twin.parameters():
        parameter.data[...] = 0
    assert compiled.predict(images(4)).any()


def test_names():
    assert fastcnn.compile is engine.compile
    assert fastcnn.engine is engine


@pytest.mark.parametrize("padding", [200_000, 2**31, 2**40])
def test_a_sample_that_is_too_large_is_refused_as_in_eager_mode(padding):
    model = nn.Sequential(nn.Conv2d(2, 2, 3, padding=padding))
    with pytest.raises(SizeError):
        fastcnn.compile(model)(images(1).astype(np.float32))
    with pytest.raises(SizeError):
        model.predict(images(1).astype(np.float32))
