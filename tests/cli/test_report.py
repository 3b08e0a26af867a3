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
