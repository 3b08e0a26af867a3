"""What differs between two archives is named."""

import io
import tarfile
import zipfile

import pytest

from tests.installs.same import compare


def write_wheel(folder, files, year=2020):
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "a.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), text)


def write_sdist(folder, files, year=2020):
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / "a.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(text), year
            archive.addfile(member, io.BytesIO(text.encode()))


@pytest.mark.parametrize(("write", "name"), [(write_wheel, "a.whl"), (write_sdist, "a.tar.gz")])
def test_differences_are_named(write, name, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    write(one, {"x": "1", "y": "2", "z": "3"})
    write(other, {"x": "1", "y": "5", "w": "3"})
    assert compare(one, other) == [
        f"{name}: w is in one only",
        f"{name}: z is in one only",
        f"{name}: y differs",
    ]


@pytest.mark.parametrize("write", [write_wheel, write_sdist])
def test_times_are_told_from_contents(write, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    write(one, {"x": "1"})
    write(other, {"x": "1"}, year=2021)
    (line,) = compare(one, other)
    assert "order, times or modes" in line


def test_the_same_bytes_differ_in_nothing(tmp_path):
    for name in ("one", "other"):
        write_wheel(tmp_path / name, {"x": "1"})
    assert compare(tmp_path / "one", tmp_path / "other") == []
    (tmp_path / "one/b.whl").touch()
    assert compare(tmp_path / "one", tmp_path / "other") == ["b.whl is in one folder only"]
