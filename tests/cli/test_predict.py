import json
import sys

import numpy as np
import pytest

from fastcnn import data
from fastcnn.cli import main
from fastcnn.recipes import Classifier


@pytest.fixture(scope="module")
def digits():
    return data.load("mnist")[1]


def test_top_three_with_probabilities(trained, digits, tmp_path, capsys):
    np.save(tmp_path / "digits.npy", digits.images[:4])
    assert main(["predict", str(trained), str(tmp_path / "digits.npy")]) == 0
    lines = capsys.readouterr().out.splitlines()
    logits = Classifier.load(trained).trainer.predict(digits.images[:4])
    for number, (line, row) in enumerate(zip(lines, logits, strict=True)):
        name, *rest = line.split()
        assert name == f"{tmp_path / 'digits.npy'}[{number}]"
        assert rest[0::2] == [str(each) for each in np.argsort(-row)[:3]]
        shares = [float(each.rstrip("%")) for each in rest[1::2]]
        assert shares == sorted(shares, reverse=True)


def test_json(trained, digits, tmp_path, capsys):
    np.save(tmp_path / "one.npy", digits.images[0])
    np.save(tmp_path / "two.npy", digits.images[1, 0])
    paths = [str(tmp_path / "one.npy"), str(tmp_path / "two.npy")]
    assert main(["predict", str(trained), *paths, "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert [each["image"] for each in results] == paths
    logits = Classifier.load(trained).trainer.predict(digits.images[:2])
    for each, row in zip(results, logits, strict=True):
        assert len(each["classes"]) == 10
        assert sum(one["probability"] for one in each["classes"]) == pytest.approx(1, abs=1e-4)
        assert each["classes"][0]["class"] == str(row.argmax())


def test_a_photo_is_classified_like_the_digit_in_it(trained, digits, tmp_path, capsys):
    """Black ink on white paper, in colour and larger."""
    image = pytest.importorskip("PIL.Image")
    zero = next(i for i in range(20) if digits.labels[i] == 0)
    digit = image.fromarray(255 - digits.images[zero, 0]).resize((280, 280)).convert("RGB")
    digit.save(tmp_path / "photo.png")
    assert main(["predict", str(trained), str(tmp_path / "photo.png")]) == 0
    line = capsys.readouterr().out
    assert line.split()[1] == "0"
    assert line.rstrip().endswith("(colour to grey, 280x280 scaled to 28x28, inverted)")


def test_mistakes(trained, fails, tmp_path):
    pytest.importorskip("PIL")
    assert fails("predict", trained, tmp_path / "none.png") == f"{tmp_path / 'none.png'}: no such file"
    (tmp_path / "text.png").write_text("no picture")
    assert fails("predict", trained, tmp_path / "text.png").startswith(
        f"{tmp_path / 'text.png'}: not a picture that can be read: "
    )
    assert fails("predict", tmp_path / "none.safetensors", tmp_path / "text.png").endswith(
        "there is no such file"
    )
    np.save(tmp_path / "good.npy", np.zeros((28, 28), np.uint8))
    assert "none.png" in fails("predict", trained, tmp_path / "good.npy", tmp_path / "none.png")


def test_pictures_need_pillow(trained, fails, tmp_path, monkeypatch):
    (tmp_path / "digit.png").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "PIL", None)
    error = fails("predict", trained, tmp_path / "digit.png")
    assert error == f'{tmp_path / "digit.png"}: pictures need pillow: pip install "fastcnn[images]" (or .npy)'
