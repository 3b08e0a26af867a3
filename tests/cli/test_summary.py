import pytest

from fastcnn.cli import main


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("compact-mnist", [], ["Parameters: 16,146 ", "sample: 3,064,656", "input 1x28x28"]),
        ("list-cifar", [], ["Parameters: 84,362 ", "sample: 2,539,520", "input 3x32x32"]),
        ("spec-lenet", ["--input", "3,32,32"], ["Parameters: 36,378 ", "sample: 844,000"]),
        ("spec-lenet", ["--input", "3x32x32"], ["Parameters: 36,378 "]),
    ],
)
def test_networks(name, options, expected, capsys):
    assert main(["summary", name, *options]) == 0
    text = capsys.readouterr().out
    for each in expected:
        assert each in text


def test_a_text_needs_no_data_set_of_its_classes(tmp_path, capsys):
    path = tmp_path / "model.txt"
    path.write_text("Conv 6 5 1 2\nReLU\nFC 3\n")
    assert main(["summary", str(path), "--input", "2,8,8"]) == 0
    text = capsys.readouterr().out
    for row in ("Conv2d   6x8x8", "Flatten  384", "Linear   3"):
        assert row in text
    assert main(["summary", str(path)]) == 0
    assert "Conv2d   6x28x28" in capsys.readouterr().out


def test_runs_and_weights(trained, capsys):
    tables = []
    for name in (trained, trained / "weights.safetensors", trained / "config.toml"):
        assert main(["summary", str(name)]) == 0
        tables.append(capsys.readouterr().out)
    assert "Parameters: 2,674" in tables[0]
    assert tables[0] == tables[1] == tables[2]


def test_mistakes(fails, tmp_path):
    assert fails("summary", "compact").startswith("compact: no recipe, network or file is called that")
    for text in ("28,28", "1,28,x", "0,28,28", "1,-28,28", ""):
        assert fails("summary", "compact-mnist", f"--input={text}").startswith(
            "--input must be channels, height"
        )
    assert "does not fit images of (1, 2, 2)" in fails("summary", "compact-mnist", "--input", "1,2,2")
    (tmp_path / "model.txt").write_text("Conv 6 50 1 2\n")
    assert "model.txt:1: 'Conv 6 50 1 2': conv2d" in fails("summary", tmp_path / "model.txt")
