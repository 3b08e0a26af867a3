"""read_members: the members that are asked for, and nothing of an archive that holds anything else."""

import gzip
import io
import tarfile
import tracemalloc
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastcnn.data.tar import read_members
from fastcnn.errors import DataError

SIZES = {"set/a.bin": 1000, "set/b.bin": 512}
IGNORED = {"set/readme": 100}
A, B = bytes(range(250)) * 4, b"b" * 512


def entry(name, content=b"", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def folder(name):
    return entry(name, type=tarfile.DIRTYPE, mode=0o755)


GOOD = [folder("set"), entry("set/b.bin", B), entry("set/readme", b"text"), entry("set/a.bin", A)]


def archive(*entries, form=tarfile.GNU_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as file:
        for info, content in entries:
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def put(tmp_path):
    def write(content, pack=gzip.compress):
        path = tmp_path / "set.tar.gz"
        path.write_bytes(pack(content))
        return str(path)

    return write


def read(path):
    return dict(read_members(path, SIZES, IGNORED))


def error_of(path):
    """The message after the path; little memory is needed to find out."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT])
def test_reads(put, form):
    assert read(put(archive(*GOOD, form=form))) == {"set/a.bin": A, "set/b.bin": B}


def test_reads_what_other_tools_pack(put):
    # A time with a fraction makes an extended header; GNU tar writes "./" before names.
    entries = [entry(f"./{info.name}", content, mtime=1.5) for info, content in GOOD[1:]]
    assert read(put(archive(*entries, form=tarfile.PAX_FORMAT))) == {"set/a.bin": A, "set/b.bin": B}


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (entry("../../etc/passwd", b"x"), "../../etc/passwd is in it, which does not belong there"),
        (entry("/set/a.bin", A), "/set/a.bin is in it, which does not belong there"),
        (entry("set/../set/a.bin", A), "set/../set/a.bin is in it, which does not belong there"),
        (entry("set/c.bin", b""), "set/c.bin is in it, which does not belong there"),
        (entry("set/a.bin", A), "set/a.bin is twice"),
        (entry("set/readme", b"x" * 101), "set/readme has 101 bytes, expected at most 100"),
        (
            entry("set/x", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
            "set/x is a symbolic link, not a file",
        ),
        (entry("set/a.bin", type=tarfile.LNKTYPE, linkname="set/b.bin"), "set/a.bin is a hard link"),
        (entry("set/x", type=tarfile.CHRTYPE), "set/x is a device"),
        (entry("set/x", type=tarfile.FIFOTYPE), "set/x is a pipe"),
        (entry("set/x", type=b"S"), "set/x is of an unknown kind"),
        (entry("long/" * 60, b""), "./@LongLink is of an unknown kind"),
        (entry("set", b"x" * 512, type=b"5"), "set/ has 512 bytes, expected at most 0"),
    ],
)
def test_refuses_what_does_not_belong_there(put, extra, message):
    content = archive(*GOOD)
    if extra[0].type == b"5" and extra[0].size:
        # The standard library does not write a folder with a content: the header by hand.
        content = extra[0].tobuf(tarfile.GNU_FORMAT) + extra[1] + content
    else:
        content = archive(*GOOD, extra)
    assert error_of(put(content)).startswith(message)


@pytest.mark.parametrize("size", [999, 1001, 2**33 - 1])
def test_sizes_are_checked_before_the_content(put, size):
    info, _ = entry("set/a.bin")
    info.size = size
    assert error_of(put(info.tobuf(tarfile.USTAR_FORMAT))) == f"set/a.bin has {size} bytes, expected 1000"


def test_size_in_binary(put):
    info, _ = entry("set/a.bin")
    info.size = 2**40
    assert "is no octal number" in error_of(put(info.tobuf(tarfile.GNU_FORMAT)))


def test_extended_header_that_would_fill_the_memory(put):
    info, _ = entry("pax", type=tarfile.XHDTYPE)
    info.size = 2**32
    assert error_of(put(info.tobuf(tarfile.USTAR_FORMAT))).startswith(
        "an extended header has 4294967296 bytes"
    )


def test_headers_without_end(put):
    info, _ = entry("pax", type=tarfile.XHDTYPE)
    assert error_of(put(info.tobuf() * 1000)) == "has more than 100 members"


def test_bomb_behind_the_end(tmp_path):
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(2**20)
    packed = packer.compress(archive(*GOOD)) + b"".join(packer.compress(zeros) for _ in range(64))
    path = tmp_path / "set.tar.gz"
    path.write_bytes(packed + packer.flush())
    assert error_of(str(path)) == "more follows after the end of the archive"


@pytest.mark.parametrize(
    ("entries", "missing"), [(GOOD[:3], "set/a.bin"), (GOOD[2:], "set/b.bin"), ([], "set/a.bin")]
)
def test_missing_members(put, entries, missing):
    assert error_of(put(archive(*entries))) == f"there is no {missing} in it"


def test_not_an_archive(put, tmp_path):
    assert error_of(put(b"plain text " * 100)).startswith("not a tar archive, or damaged: ")
    assert error_of(put(archive(*GOOD), pack=bytes)).startswith("Not a gzipped file")
    assert error_of(put(b"", pack=bytes)).startswith("truncated: ")
    assert error_of(str(tmp_path / "none")) == "No such file or directory"


def test_truncated_and_damaged(put):
    content = archive(*GOOD)
    for length in (100, 600, 1100, 3000):
        assert error_of(put(content[:length])).startswith("truncated: ")
    packed = bytearray(gzip.compress(content))
    for length in (5, 40, len(packed) - 8, len(packed) - 1):
        assert error_of(put(packed[:length], pack=bytes))
    packed[-5] ^= 1
    assert "CRC check failed" in error_of(put(packed, pack=bytes))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_fuzz(put, data):
    content = bytearray(
        archive(*GOOD, form=data.draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])))
    )
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = put(content[: len(content) - data.draw(st.sampled_from([0, 0, 0, 1, 512, 5000]))])
    members, message = {}, ""
    try:
        members = read(path)
    except DataError as error:
        message = str(error)
    if message:
        assert message.startswith(f"{path}: ")
    else:
        assert {name: len(part) for name, part in members.items()} == SIZES
