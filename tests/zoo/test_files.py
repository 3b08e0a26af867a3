import re

import pytest

from fastcnn.errors import DataError
from fastcnn.zoo.files import parse_toml, read_text


def test_text(tmp_path):
    path = tmp_path / "net.txt"
    path.write_bytes("ä\n".encode())
    assert read_text(path) == ("ä\n", str(path))
    path.write_bytes(b"Conv \xff\xfe")
    with pytest.raises(DataError, match=r"not a text file \(UTF-8\): .* at byte 5"):
        read_text(path)
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'none.txt'}: cannot be read: No such file")):
        read_text(tmp_path / "none.txt")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_text(tmp_path)


def test_a_byte_order_mark(tmp_path):
    path = tmp_path / "net.txt"
    path.write_text("FC 10\n", encoding="utf-8-sig")
    assert read_text(path)[0] == "FC 10\n"
    path.write_text("FC 10\n", encoding="utf-16")
    with pytest.raises(DataError, match=r"at byte 0; it looks like UTF-16: save it as UTF-8"):
        read_text(path)


def test_a_file_that_is_too_large(tmp_path):
    path = tmp_path / "net.txt"
    with path.open("wb") as file:
        file.truncate(10**12)  # a hole: it takes no room
    with pytest.raises(DataError, match=r"net\.txt: has more than 3 MiB"):
        read_text(path)


def test_toml():
    assert parse_toml("a = 1", "x") == {"a": 1}
    for text in ("a = ", "a = " + "[" * 9999, "a = " + "{b=" * 9999, "a = " + "9" * 9999):
        with pytest.raises(DataError, match=r"^x: not a TOML file: "):
            parse_toml(text, "x")
