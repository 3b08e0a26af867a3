import io
import re
import time

import pytest

from fastcnn import data, nn, optim
from fastcnn.cli.display import Display
from fastcnn.training import LambdaCallback, Trainer


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(scope="module")
def images():
    return data.stratified_subset(data.load("mnist")[0], 200, seed=0)


def fit(images, reduction="mean", pause=0.0, **options):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).initialize(seed=0)
    wait = LambdaCallback(on_batch_end=lambda *_: time.sleep(pause))
    trainer = Trainer(
        model,
        optim.SGD(model.parameters(), lr=1e-3),
        nn.CrossEntropyLoss(reduction=reduction),
        callbacks=[wait, Display(2, len(images))],
    )
    return trainer.fit(images, epochs=2, batch_size=50, progress=False, **options)


def test_a_terminal_shows_a_bar_that_goes_away(images, monkeypatch, capsys):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", "80")
    fit(images, pause=0.11)
    bars = [part for part in screen.getvalue().split("\r") if part.strip()]
    assert bars[0].startswith("epoch 1/2   0%|")
    assert re.search(r"epoch 2/2 100%.* left, loss \d\.\d{4}, accuracy \d\d\.\d\d%", bars[-1])
    assert "images/s" in screen.getvalue()
    # The last thing is a line of spaces over the bar, and the line of the epoch is elsewhere.
    assert screen.getvalue().endswith("\r")
    assert "\n" not in screen.getvalue()
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_line_an_epoch(images, capsys, reduction):
    history = fit(images, reduction, validation=images)
    shown = capsys.readouterr()
    assert shown.err == ""
    row = history[1]
    assert shown.out.splitlines()[1] == (
        f"epoch 2/2  loss {row['loss']:.4f}  accuracy {row['accuracy']:.2%}  "
        f"val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.2%}  "
        f"lr 0.001  {row['images_per_second']:,.0f} images/s  {row['seconds']:.1f} s"
    )


def test_without_validation(images, capsys):
    fit(images)
    assert "val_" not in capsys.readouterr().out
