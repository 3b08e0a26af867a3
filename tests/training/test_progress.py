import io
import os

from .networks import linear, trainer


class Terminal(io.StringIO):
    def isatty(self):
        return True


def fit(small, **options):
    t = trainer(linear())
    t.fit(small[0], epochs=2, batch_size=100, validation=small[1], **options)
    return t


def test_a_terminal_shows_a_bar_with_the_metrics(small, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    row = fit(small).history[1]
    last = screen.getvalue().split("\r")[-1]
    assert last.startswith("epoch 2/2 100%|")
    assert "300/300" in last
    assert f"loss {row['loss']:.4f}, accuracy {row['accuracy']:.2%}, val_loss {row['val_loss']:.4f}" in last
    assert last.rstrip().endswith("images/s")
    assert screen.getvalue().count("\n") == 2


def test_a_bar_moves_during_the_epoch(small, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("fastcnn.training.progress._INTERVAL", 0.0)
    fit(small)
    shown = screen.getvalue()
    assert all(f"{images}/300" in shown for images in (0, 100, 200, 300))
    middle = next(part for part in shown.split("\r") if "200/300" in part)
    assert "accuracy" in middle
    assert "val_loss" not in middle


def test_a_log_file_has_one_line_an_epoch(small, capsys):
    t = fit(small)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert f"val_accuracy {t.history[1]['val_accuracy']:.2%}" in lines[1]


def test_silence(small, capsys):
    fit(small, progress=False)
    captured = capsys.readouterr()
    assert captured.err == captured.out == ""


class WriteOnly:
    """What a logger or a window puts in the place of the standard error."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


def test_a_replaced_stream_gets_the_lines(small, monkeypatch):
    screen = WriteOnly()
    monkeypatch.setattr("sys.stderr", screen)
    fit(small)
    assert [line.split(":")[0] for line in screen.text.splitlines()] == ["epoch 1/2", "epoch 2/2"]


def test_no_stream_no_lines(small, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr", None)
    assert len(fit(small).history) == 2
    # print(file=None) would write to the standard output.
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("sys.stdout", None)
    assert len(fit(small).history) == 2


def test_a_reader_that_goes_away_ends_no_training(small, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr("sys.stderr", pipe)
        assert len(fit(small).history) == 2


def test_an_ascii_terminal_gets_an_ascii_bar(small, monkeypatch):
    class Plain(Terminal):
        encoding = "ascii"

        def write(self, text):
            return super().write(text.encode("ascii").decode())

    screen = Plain()
    monkeypatch.setattr("sys.stderr", screen)
    fit(small)
    assert "100%|####" in screen.getvalue()
