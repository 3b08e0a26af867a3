import numpy as np
import pytest

from fastcnn.errors import ArgumentError, DTypeError
from fastcnn.training import SampledAccuracy, report

from .networks import linear, network, trainer


def fit(t, data, epochs=2):
    # 300 images: 6 steps an epoch.
    return t.fit(data, epochs=epochs, batch_size=50, progress=False)


def test_every_few_steps_there_is_a_measurement(small):
    probe = SampledAccuracy(small[0], 4, samples=100)
    t = trainer(linear(), callbacks=[probe])
    history = fit(t, small[0])
    assert [point["step"] for point in history.steps] == [4, 8, 12]
    np.testing.assert_allclose([point["epoch"] for point in history.steps], [4 / 6, 8 / 6, 2])
    assert len(probe.sample) == 100
    assert len(np.unique(probe.sample.images.reshape(100, -1), axis=0)) == 100
    # The last one was taken with the weights that training ended with.
    assert history.steps[-1]["accuracy"] == t.evaluate(probe.sample)["accuracy"]
    assert [row["sample_accuracy"] for row in history] == [history.steps[i]["accuracy"] for i in (0, 2)]
    assert history.steps[0]["loss"] > history.steps[1]["loss"] > history.steps[2]["loss"]


def test_it_changes_nothing_in_the_training(small):
    weights = []
    for callbacks in ([], [SampledAccuracy(small[0], 1)]):
        t = trainer(network(dropout=0.3), callbacks=callbacks)
        fit(t, small[0])
        weights.append(t.model.state_dict())
    assert all(np.array_equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_small_sets_are_taken_whole_and_the_draw_has_a_seed(small):
    assert SampledAccuracy(small[0], 1).sample is small[0]
    first, second, third = (SampledAccuracy(small[0], 1, 50, seed).sample for seed in (1, 1, 2))
    assert np.array_equal(first.images, second.images)
    assert not np.array_equal(first.images, third.images)


def test_counting_goes_on_in_the_next_fit_and_starts_anew_in_another_training(small):
    probe = SampledAccuracy(small[0], 4, 50)
    t = trainer(linear(), callbacks=[probe])
    fit(t, small[0], 1)
    fit(t, small[0], 1)
    assert [point["step"] for point in t.history.steps] == [4, 8, 12]
    other = trainer(linear(), callbacks=[probe])
    assert [point["step"] for point in fit(other, small[0], 1).steps] == [4]


def test_an_epoch_without_a_measurement_has_none(small):
    history = fit(trainer(linear(), callbacks=[SampledAccuracy(small[0], 10, 50)]), small[0])
    assert "sample_accuracy" not in history[0]
    assert "sample_accuracy" in history[1]


def test_the_curves_show_it(small):
    history = fit(trainer(linear(), callbacks=[SampledAccuracy(small[0], 2, 50)]), small[0])
    loss, axes = report.plot_curves(history).axes
    assert [text.get_text() for text in loss.get_legend().get_texts()] == [
        "training",
        "training, within epochs",
    ]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "training",
        "sample of training images",
    ]
    drawn = next(line for line in axes.lines if line.get_label() == "sample of training images")
    np.testing.assert_allclose(drawn.get_xdata(), [1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ArgumentError, "SampledAccuracy: every must be at least 1"),
        ((1, 0), ArgumentError, "SampledAccuracy: samples must be at least 1"),
    ],
)
def test_invalid_arguments_are_named(small, arguments, error, message):
    with pytest.raises(error, match=message):
        SampledAccuracy(small[0], *arguments)
    with pytest.raises(DTypeError, match="SampledAccuracy: dataset must be a Dataset"):
        SampledAccuracy(small[0].images, 1)
