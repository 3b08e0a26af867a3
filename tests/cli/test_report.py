import shutil

from fastcnn.cli import main


def test_a_report_is_written_again(trained, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(trained, folder)
    (folder / "report.html").unlink()
    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"written   {folder}/report.html\n"
    assert (folder / "report.html").read_bytes() == (trained / "report.html").read_bytes()


def test_mistakes(fails, tmp_path):
    assert fails("report", tmp_path / "no") == f"{tmp_path}/no: there is no such folder"
    assert fails("report", tmp_path).startswith(f"{tmp_path}: no metrics.json in it")


def test_a_run_that_did_not_come_to_its_end(trained, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(trained, folder)
    (folder / "metrics.json").unlink()
    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"written   {folder}/report.html",
        "missing   metrics.json: the training was interrupted, or is still running: the test set has not "
        "been read",
    ]
    # The weights so far can be used.
    assert main(["evaluate", str(folder)]) == 0


def test_what_needs_weights_says_why_there_are_none(trained, tmp_path, fails):
    folder = tmp_path / "copy"
    shutil.copytree(trained, folder)
    (folder / "weights.safetensors").unlink()
    for command in (["evaluate", folder], ["predict", folder, "image.png"]):
        assert fails(*command) == (
            f"{folder}/weights.safetensors: there is no such file: the training was interrupted before it "
            f"had finished an epoch, or is still in its first; train again with: fastcnn train {folder}"
        )
