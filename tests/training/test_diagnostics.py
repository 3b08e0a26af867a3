"""What is recorded of each layer is right, costs training nothing, and what looks wrong is said."""

import copy
import csv
import math
import signal

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.errors import ArgumentError
from fastcnn.nn import functional as F
from fastcnn.training import Diagnostics, LambdaCallback, StopOnNaN
from fastcnn.training.verdicts import verdicts

from .networks import assert_same_state, hinted, network, trainer


def mlp(depth, activation, width=64):
    """Linear layers with an activation behind each but the last."""
    layers = [nn.Flatten()]
    for number in range(depth):
        last = number == depth - 1
        layers.append(nn.Linear(784 if not number else width, 10 if last else width))
        layers += [] if last else [activation()]
    return nn.Sequential(*layers).initialize(seed=0)


def diagnosed(model, small, lr=1e-3, kind=optim.Adam, every=1, epochs=1, images=None, **options):
    """Train and return what was recorded."""
    found = Diagnostics(every=every)
    t = trainer(model, optimizer=kind(model.parameters(), lr=lr), callbacks=[found], **options)
    t.fit(small[0] if images is None else images, epochs=epochs, batch_size=50, progress=False)
    return found


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize("samples", [16, 64])
def test_training_goes_on_to_the_bit(small, engine, samples):
    with_it, without = network(dropout=0.3), network(dropout=0.3)
    t = trainer(with_it, engine=engine, callbacks=[Diagnostics(every=2, samples=samples)])
    t.fit(small[0], epochs=2, batch_size=50, progress=False)
    trainer(without, engine=engine).fit(small[0], epochs=2, batch_size=50, progress=False)
    assert_same_state(with_it, without)


@pytest.mark.parametrize("engine", [True, False])
def test_figures(small, engine):
    """As computed from the weights before and behind the second step, layer after layer."""
    model, found, kept = network(), Diagnostics(every=1, samples=20), {}

    def before(t, batch, images, labels):
        kept[batch] = copy.deepcopy(model), t.prepare(images), labels

    def after(t, batch, logs):
        kept[batch] = *kept[batch], copy.deepcopy(model.state_dict())

    t = trainer(
        model, engine=engine, callbacks=[LambdaCallback(on_batch_begin=before, on_batch_end=after), found]
    )
    t.fit(small[0], epochs=1, batch_size=50, progress=False)
    then, x, labels, behind = kept[2]
    rows = {row["layer"]: row for row in found.rows if row["step"] == 2}
    assert list(rows) == ["0", "1", "2", "4", "5", "6", "8"]
    assert [row["type"] for row in rows.values()] == [
        *("Conv2d", "BatchNorm", "ReLU", "Conv2d", "BatchNorm", "ReLU", "Linear")
    ]
    assert {row["epoch"] for row in rows.values()} == {2 / 6}
    loss = nn.CrossEntropyLoss()
    loss(then(x), labels)
    then.zero_grad()
    then.backward(loss.backward())
    for layer, row in rows.items():
        module = then.get_submodule(layer)
        own = {name: p for name, p in module.named_parameters() if p is not None}
        if not own:
            assert row["gradient"] is row["update"] is None
            continue
        gradients = np.concatenate([p.grad.ravel() for p in own.values()])
        assert row["gradient"] == pytest.approx(np.linalg.norm(gradients), rel=1e-4)
        old = np.concatenate([p.data.ravel() for p in own.values()])
        new = np.concatenate([behind[f"{layer}.{name}"].ravel() for name in own])
        assert row["update"] == pytest.approx(np.linalg.norm(new - old) / np.linalg.norm(old), rel=1e-4)
    y = x[:20]
    for layer, module in zip("01234567", then, strict=False):
        y = module(y)
        if layer in rows:
            row = rows[layer]
            assert row["size"] == pytest.approx(np.sqrt(np.mean(y.astype(float) ** 2)), rel=1e-5)
            assert row["spread"] == pytest.approx(y.std(dtype=float), rel=1e-5)
            assert row["between"] == pytest.approx(y.std(0, dtype=float).mean(), rel=1e-5)
            assert row["dead"] == ((y == 0).all((0, 2, 3)).mean() if module.__class__ is nn.ReLU else None)


def test_a_healthy_network(small, caplog):
    found = diagnosed(network(), small, epochs=3, every=2)
    assert found.verdict() == "nothing looks wrong"
    assert {row["step"] for row in found.rows} == set(range(1, 19, 2))
    assert not caplog.records


class Functional(nn.Module):
    """Functions in the place of layers, and a layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(784, 16)
        self.again = nn.Linear(16, 16)
        self.last = nn.Linear(16, 10)
        self.scale = nn.Parameter(np.ones(16, np.float32))

    def forward(self, x):
        x = F.relu(self.first(F.flatten(x, 1)) * self.scale)
        return self.last(F.relu(self.again(F.relu(self.again(x)))))


def test_functions_and_layers_in_two_places(small):
    found = diagnosed(Functional().initialize(seed=0), small, every=6)
    rows = {row["layer"]: row for row in found.rows}
    names = ["first", "Multiply", "ReLU", "again", "ReLU (2)", "again (2)", "ReLU (3)", "last"]
    assert list(rows) == names
    assert rows["ReLU"]["dead"] is not None
    assert rows["Multiply"]["gradient"] > 0
    assert rows["again"]["gradient"] == rows["again (2)"]["gradient"] > 0


def test_what_is_frozen_has_no_gradient(small):
    model = network()
    model[0].requires_grad_(False)
    rows = {row["layer"]: row for row in diagnosed(model, small, every=6).rows}
    assert "0" not in rows
    assert rows["4"]["gradient"] > 0


def test_several_inputs(small):
    class Hinted(nn.Module):
        def __init__(self):
            super().__init__()
            self.image, self.hint = nn.Linear(784, 10), nn.Linear(5, 10)

        def forward(self, image, hint):
            return self.image(F.flatten(image, 1)) + self.hint(hint)

    found = diagnosed(Hinted().initialize(seed=0), small, images=hinted(small[0]), every=3)
    assert {row["layer"] for row in found.rows} == {"image", "hint"}


# What looks wrong -------------------------------------------------------------------------------------


def test_dead_units(small, caplog):
    model = mlp(3, nn.ReLU)
    model[1].bias.data[:40] = -100
    found = diagnosed(model, small)
    assert found.verdict().startswith("62% of the units of '2' are 0 for every image, and nothing is learned")
    assert [record.message for record in caplog.records] == [found.verdict()]
    model[1].bias.data[:] = -100
    model[3].bias.data[:] = -100
    sentences = verdicts(diagnosed(model, small).rows)
    assert sentences[0].startswith(
        "100% of the units of '2' are 0 for every image (and half or more of 1 more)"
    )
    assert sentences[1].startswith("no gradient reaches '1' and 1 more: ")
    assert sentences[-1].startswith("'3' makes nearly the same of every image")


def test_gradients_that_vanish(small):
    verdict = diagnosed(mlp(10, nn.Sigmoid), small).verdict()
    assert verdict.startswith("gradients vanish on their way to the first layers (")
    assert "in '1', " in verdict
    assert "in '19'): use ReLU" in verdict


def row(step, layer="a", **figures):
    healthy = {"size": 1.0, "spread": 1.0, "between": 1.0, "dead": None, "gradient": 1.0, "update": 1e-3}
    return {"step": step, "layer": layer, **healthy, **figures}


def test_gradients_that_explode():
    rows = [row(1, "a", gradient=2e3), row(1, "b"), row(1, "c", gradient=0.1)]
    (sentence,) = verdicts(rows)
    assert sentence.startswith(
        "gradients explode on their way to the first layers (2e+03 in 'a', 0.1 in 'c'): "
    )
    assert verdicts([*rows[:2], row(1, "c", gradient=0.3)]) == []


@pytest.mark.parametrize(
    ("lr", "expected"),
    [
        (3.0, "a step changes the weights of '"),
        (1e-10, "a step changes no layer's weights by more than "),
    ],
)
def test_learning_rates(small, lr, expected):
    verdict = diagnosed(mlp(1, nn.ReLU), small, lr=lr, every=99).verdict()
    assert expected in verdict
    assert verdict.endswith(("lower the learning rate", "raise the learning rate"))


def test_values_that_are_large(small):
    found = diagnosed(mlp(2, nn.ReLU), small, preprocess=lambda images: images.astype(np.float32) * 1e4)
    assert "the values of '1' spread by " in found.verdict()


def test_images_that_look_alike(small):
    model = mlp(2, nn.Sigmoid)
    model[1].weight.data[...] = 0
    model[1].bias.data[...] = 1
    assert (
        "'1' makes nearly the same of every image"
        in diagnosed(model, small, kind=optim.SGD, lr=0.0).verdict()
    )


def test_values_that_are_not_finite(small):
    model = network()
    model[4].weight.data[...] = 3e38
    found = diagnosed(model, small)
    assert found.verdict() == "'4' is the first whose values are not finite: lower the learning rate"
    assert {row["update"] for row in found.rows} == {None}


def test_large_values_have_figures(small):
    """Squares of them would overflow."""
    model = mlp(1, nn.ReLU)
    model.double()
    model[1].weight.data[...] *= 1e200
    (line,) = diagnosed(model, small, every=99, lr=1e-9, kind=optim.SGD).rows
    assert 1e199 < line["spread"] < 1e201
    assert 1e199 < line["size"] < 1e201
    assert 0 < line["update"] < 1e-200


def test_the_same_with_other_figures_is_told_once(small, caplog):
    diagnosed(mlp(1, nn.ReLU), small, lr=100.0, kind=optim.SGD, epochs=3)
    assert len(caplog.records) == len({record.message.split(" by ")[0] for record in caplog.records})


def test_what_is_looked_at_are_the_last_records():
    assert verdicts([row(step, update=9.0 if step in (1, 2, 5) else 1e-3) for step in range(1, 6)]) == []
    assert len(verdicts([row(step, update=9.0 if step > 2 else 1e-3) for step in range(1, 5)])) == 1
    assert verdicts([]) == []


# What is made of it -----------------------------------------------------------------------------------


def test_picture_and_table(small, tmp_path):
    model, found = network(), Diagnostics(every=2, path=tmp_path / "layers.png")
    trainer(model, callbacks=[found]).fit(small[0], epochs=1, batch_size=50, progress=False)
    assert (tmp_path / "layers.png").read_bytes()[:4] == b"\x89PNG"
    figure = found.plot()
    assert [len(axes.lines) for axes in figure.axes] == [5 + 7, 5, 7, 2]
    assert figure.get_suptitle() == "nothing looks wrong"
    found.to_csv(tmp_path / "layers.csv")
    with open(tmp_path / "layers.csv", newline="") as file:
        read = list(csv.DictReader(file))
    assert len(read) == len(found.rows) == 21
    assert float(read[0]["gradient"]) == found.rows[0]["gradient"]
    assert read[2]["gradient"] == ""
    with pytest.raises(ArgumentError, match="plot_layers: there is no record"):
        Diagnostics().plot()


def test_it_goes_on_with_a_training_and_begins_with_another(small, tmp_path):
    path = tmp_path / "c.safetensors"
    whole = Diagnostics(every=4)
    trainer(callbacks=[whole]).fit(small[0], epochs=2, batch_size=50, progress=False)
    stop = LambdaCallback(
        on_batch_end=lambda t, batch, logs: signal.raise_signal(signal.SIGINT) if batch == 3 else None
    )
    part = Diagnostics(every=4)
    trainer(callbacks=[part, stop]).fit(small[0], epochs=2, batch_size=50, progress=False, checkpoint=path)
    rest = Diagnostics(every=4)
    t = trainer(callbacks=[rest])
    t.fit(small[0], epochs=2, batch_size=50, progress=False, resume=path)
    assert len(part.rows) < len(rest.rows)
    assert rest.rows == whole.rows
    t.fit(small[0], epochs=1, batch_size=50, progress=False)
    assert len(rest.rows) > len(whole.rows)
    trainer(callbacks=[rest]).fit(small[0], epochs=1, batch_size=50, progress=False)
    assert max(row["step"] for row in rest.rows) == 5


@pytest.mark.parametrize("argument", ["every", "samples"])
def test_arguments(argument):
    with pytest.raises(ArgumentError, match=f"Diagnostics: {argument} must be at least 1, got 0"):
        Diagnostics(**{argument: 0})


def test_it_stands_beside_other_callbacks(small):
    found = Diagnostics()
    t = trainer(callbacks=[found])
    assert [type(each) for each in t.callbacks] == [StopOnNaN, Diagnostics]
    t.fit(small[0], epochs=1, batch_size=50, progress=False)
    assert all(math.isfinite(row["size"]) for row in found.rows)


def test_weights_that_the_optimizer_does_not_hold(small):
    model, found = mlp(2, nn.ReLU), Diagnostics(every=1)
    optimizer = optim.SGD(model[1].parameters(), lr=0.1)
    trainer(model, optimizer=optimizer, callbacks=[found]).fit(
        small[0], epochs=1, batch_size=50, progress=False
    )
    assert found.verdict() == "steps do not change the weights of '3': does the optimizer hold them?"


def test_a_rate_of_nothing(small):
    for lr in (0.0, 1e-12):
        verdict = diagnosed(mlp(2, nn.ReLU), small, lr=lr, kind=optim.SGD).verdict()
        assert verdict.startswith("a step changes no layer's weights by more than 0")


def test_a_head_that_begins_with_zeros_is_no_news_in_the_first_step(small):
    model = mlp(2, nn.ReLU)
    model[3].weight.data[...] = 0
    assert diagnosed(model, small, every=99).verdict() == "nothing looks wrong"


def test_gradients_that_are_not_finite():
    rows = [row(1, "a"), row(1, "b", gradient=math.nan, update=None), row(1, "c")]
    assert verdicts(rows) == ["the gradient of 'b' is the first that is not finite: lower the learning rate"]


def test_what_a_loss_that_is_not_finite_leaves(small):
    """There is no backward pass, and so no gradient that does not arrive."""

    class Infinite(nn.CrossEntropyLoss):
        def compute(self, input, target):
            value, gradient = super().compute(input, target)
            return value * np.float32(np.inf), gradient

    found = diagnosed(mlp(1, nn.ReLU), small, loss=Infinite())
    assert [line["gradient"] for line in found.rows] == [None]
    assert found.verdict() == "nothing looks wrong"
