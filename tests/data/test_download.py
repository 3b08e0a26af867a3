"""download: what arrives is right or is not there, whatever a server, a disk or another process does."""

import errno
import hashlib
import os
import random
import shutil
import subprocess
import sys
import threading
from collections import namedtuple

import pytest

from fastcnn.data import download as module
from fastcnn.data import partial
from fastcnn.data.catalog import RemoteFile
from fastcnn.data.download import download
from fastcnn.errors import DataError

from .conftest import failing, ranged, send, whole

CONTENT = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(300_000)


def remote(*urls, content=CONTENT):
    return RemoteFile("file.bin", len(content), hashlib.sha256(content).hexdigest(), urls)


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "cache" / "set")


@pytest.fixture
def fails(folder):
    """Return a function that downloads what must fail and leave no file, and returns the message."""

    def run(file, partial=False):
        with pytest.raises(DataError) as caught:
            download(file, folder)
        path = os.path.join(folder, "file.bin")
        assert str(caught.value).startswith(f"{path}: ")
        assert not os.path.exists(path)
        if os.path.isdir(folder):
            assert os.listdir(folder) == ([".file.bin.part"] if partial else [])
        return str(caught.value).removeprefix(f"{path}: ")

    return run


def put_partial(folder, content):
    os.makedirs(folder)
    with open(os.path.join(folder, ".file.bin.part"), "wb") as file:
        file.write(content)


def assert_arrived(folder, path):
    assert path == os.path.join(folder, "file.bin")
    assert os.listdir(folder) == ["file.bin"]
    with open(path, "rb") as file:
        assert file.read() == CONTENT


def test_downloads_once(server, folder, capfd):
    file = remote(server.put("/a", ranged(CONTENT)))
    assert_arrived(folder, download(file, folder))
    assert_arrived(folder, download(file, folder))
    assert server.asked == [("/a", None)]
    # No bar where there is no terminal.
    assert capfd.readouterr() == ("", "")


def test_bar_says_what_comes(server, folder, capfd, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    download(remote(server.put("/a", ranged(CONTENT))), folder)
    assert "file.bin: 100%" in capfd.readouterr().err


def test_bar_can_be_off(server, folder, capfd, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    download(remote(server.put("/a", ranged(CONTENT))), folder, progress=False)
    assert capfd.readouterr().err == ""


def test_mirrors_are_tried_in_order(server, folder):
    urls = [
        server.put("/1", failing(404)),
        server.put("/2", failing(403)),
        server.put("/3", ranged(CONTENT)),
        server.put("/4", ranged(CONTENT)),
    ]
    assert_arrived(folder, download(remote(*urls), folder))
    assert [path for path, _ in server.asked] == ["/1", "/2", "/3"]


def test_message_tells_of_every_mirror(server, fails):
    closed = "http://127.0.0.1:1/file"
    file = remote(server.url("/none"), server.put("/b", failing(403)), server.put("/c", failing(500)), closed)
    lines = fails(file).split("\n")
    assert lines[0] == "cannot be downloaded:"
    assert lines[1] == f"  {server.url('/none')}: HTTP 404 Not Found"
    assert lines[2] == f"  {server.url('/b')}: HTTP 403 Forbidden"
    assert lines[3] == f"  {server.url('/c')}: HTTP 500 Internal Server Error"
    assert lines[4].startswith(f"  {closed}: ")
    assert "refused" in lines[4]
    assert f"by hand (300000 bytes, SHA-256 {file.sha256})" in lines[5]
    assert "--data" in lines[5]


def test_redirect_is_followed(server, folder):
    server.put("/new", ranged(CONTENT))
    old = server.put("/old", lambda handler: send(handler, 302, b"", Location="/new"))
    put_partial(folder, CONTENT[:1000])
    assert_arrived(folder, download(remote(old), folder))
    assert server.asked == [("/old", "bytes=1000-"), ("/new", "bytes=1000-")]


def test_redirect_to_a_local_file_is_not(server, fails):
    url = server.put("/a", lambda handler: send(handler, 302, b"", Location="file:///etc/passwd"))
    assert "HTTP 302" in fails(remote(url))


# --- interruptions ---


def test_broken_off_answers_are_resumed(server, folder):
    file = remote(server.put("/a", ranged(CONTENT, most=100_000)))
    assert_arrived(folder, download(file, folder))
    assert server.asked == [("/a", None), ("/a", "bytes=100000-"), ("/a", "bytes=200000-")]


def test_next_mirror_goes_on(server, folder):
    first = server.put("/1", whole(CONTENT[:200_000], length=len(CONTENT)))
    second = server.put("/2", ranged(CONTENT))
    assert_arrived(folder, download(remote(first, second), folder))
    assert server.asked[-1][0] == "/2"
    assert server.asked[-1][1].startswith("bytes=")


def test_truncation_is_told_and_the_beginning_kept(server, fails, folder):
    def answer(handler):
        if handler.headers.get("Range"):
            failing(503)(handler)
        else:
            whole(CONTENT[:120_000], length=len(CONTENT))(handler)

    url = server.put("/a", answer)
    assert "HTTP 503" in fails(remote(url), partial=True)
    server.put("/a", ranged(CONTENT))
    assert_arrived(folder, download(remote(url), folder))
    assert server.asked[-1] == ("/a", "bytes=120000-")


def test_truncation_without_progress(server, fails):
    url = server.put("/a", whole(b"", length=len(CONTENT)))
    assert "truncated: it ended after 0 of 300000 bytes" in fails(remote(url))


def test_truncated_without_a_length(server, fails):
    url = server.put("/a", whole(CONTENT[:5], length="none"))
    assert "truncated: it ended after 5 of 300000 bytes" in fails(remote(url), partial=True)


def test_earlier_download_goes_on(server, folder):
    put_partial(folder, CONTENT[:250_000])
    file = remote(server.put("/a", ranged(CONTENT)))
    assert_arrived(folder, download(file, folder))
    assert server.asked == [("/a", "bytes=250000-")]


def test_complete_partial_file_needs_no_server(folder):
    put_partial(folder, CONTENT)
    assert_arrived(folder, download(remote("http://127.0.0.1:1/"), folder))


def test_range_ignored(server, folder):
    put_partial(folder, CONTENT[:250_000])
    assert_arrived(folder, download(remote(server.put("/a", whole(CONTENT))), folder))


def test_range_ignored_by_an_error_page_keeps_the_beginning(server, folder):
    put_partial(folder, CONTENT[:250_000])
    first = server.put("/1", whole(b"<html>log in first</html>"))
    assert_arrived(folder, download(remote(first, server.put("/2", ranged(CONTENT))), folder))
    assert server.asked == [("/1", "bytes=250000-"), ("/2", "bytes=250000-")]


@pytest.mark.parametrize("sent", ["bytes 0-299999/300000", "bytes 100000-299999/400000", "rubbish", None])
def test_another_part_than_asked_for(server, folder, sent):
    def answer(handler):
        if handler.headers.get("Range"):
            headers = {} if sent is None else {"Content_Range": sent}
            send(handler, 206, CONTENT[:200_000], **headers)
        else:
            whole(CONTENT)(handler)

    put_partial(folder, CONTENT[:100_000])
    assert_arrived(folder, download(remote(server.put("/a", answer)), folder))
    assert server.asked == [("/a", "bytes=100000-"), ("/a", None)]


def test_range_that_the_server_does_not_have(server, folder):
    def answer(handler):
        failing(416)(handler) if handler.headers.get("Range") else whole(CONTENT)(handler)

    put_partial(folder, CONTENT[:100_000])
    assert_arrived(folder, download(remote(server.put("/a", answer)), folder))


def test_stall(server, folder, fails, monkeypatch):
    monkeypatch.setattr(module, "STALL_SECONDS", 0.2)
    url = server.put("/a", server.stalling(CONTENT, 1000))
    put_partial(folder, b"")
    assert "stalled: no data for 0.2 s" in fails(remote(url), partial=True)


def test_server_that_never_answers(server, fails, monkeypatch):
    monkeypatch.setattr(module, "STALL_SECONDS", 0.2)
    url = server.put("/a", lambda handler: server.stopped.wait(20))
    assert "0.2 s" in fails(remote(url))


def test_trickle_is_a_stall(server, fails, monkeypatch):
    monkeypatch.setattr(module, "STALL_SECONDS", 0.3)

    def answer(handler):
        send(handler, 200, b"", length=len(CONTENT))
        for byte in CONTENT[:200]:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if server.stopped.wait(0.02):
                break

    # Asked again as long as something comes, but not for ever.
    assert "stalled: " in fails(remote(server.put("/a", answer)), partial=True)


# --- wrong content ---


def test_wrong_content_is_deleted_and_the_next_mirror_tried(server, folder):
    first, second = server.put("/1", ranged(OTHER)), server.put("/2", ranged(CONTENT))
    assert_arrived(folder, download(remote(first, second), folder))
    assert server.asked == [("/1", None), ("/2", None)]


def test_wrong_content_everywhere(server, fails):
    message = fails(remote(server.put("/1", ranged(OTHER))))
    assert f"its SHA-256 is {hashlib.sha256(OTHER).hexdigest()}, expected " in message


def test_wrong_beginning_is_not_this_servers_fault(server, folder):
    put_partial(folder, OTHER[:100_000])
    assert_arrived(folder, download(remote(server.put("/a", ranged(CONTENT))), folder))
    assert server.asked == [("/a", "bytes=100000-"), ("/a", None)]


def test_partial_file_longer_than_the_file(server, folder):
    put_partial(folder, CONTENT + b"more")
    assert_arrived(folder, download(remote(server.put("/a", ranged(CONTENT))), folder))
    assert server.asked == [("/a", None)]


@pytest.mark.parametrize("content", [CONTENT + b"x", CONTENT[:-1], b"<html>not found</html>"])
def test_other_length_is_seen_before_a_byte_is_read(server, fails, content):
    message = fails(remote(server.put("/a", whole(content))))
    assert f"it has {len(content)} bytes to send, expected 300000" in message


def test_more_than_expected_is_cut_off(server, fails):
    def endless(handler):
        send(handler, 200, b"", length="none")
        try:
            while not server.stopped.is_set():
                handler.wfile.write(CONTENT)
        except OSError:
            pass

    assert "it sends more than the 300000 bytes" in fails(remote(server.put("/a", endless)))


def test_compressed_answer_is_no_surprise(server, fails):
    import gzip

    packed = gzip.compress(CONTENT)
    url = server.put("/a", whole(packed, Content_Encoding="gzip"))
    assert f"it has {len(packed)} bytes to send" in fails(remote(url))


def test_rubbish_instead_of_http(server, fails):
    url = server.put("/a", lambda handler: handler.wfile.write(b"\0\1\2\3 rubbish\r\n\r\n"))
    assert "BadStatusLine" in fails(remote(url))


# --- the disk ---


def test_no_room(server, fails, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(2**30, 2**30, 2**20))
    message = fails(remote(server.put("/a", ranged(CONTENT))))
    assert message == "no space: 0.3 MiB are to be downloaded, but the disk has 1.0 MiB free"
    assert server.asked == []


def test_disk_that_fills_up(server, fails, monkeypatch):
    # What a full disk does to a write, at the only place where the bytes go through.
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert fails(remote(server.put("/a", ranged(CONTENT)))) == "no space left on the disk; it needs 0.3 MiB"


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/set/file.bin: cannot be \w+: Not a directory"):
        download(remote(), str(tmp_path / "file" / "set"))


def test_damaged_file_is_replaced_only_by_the_right_one(server, folder):
    os.makedirs(folder)
    path = os.path.join(folder, "file.bin")
    with open(path, "wb") as file:
        file.write(OTHER)
    url = server.put("/a", failing(404))
    with pytest.raises(DataError, match="cannot be downloaded"):
        download(remote(url), folder)
    with open(path, "rb") as file:
        assert file.read() == OTHER
    with pytest.raises(DataError, match="is not the official file"):
        download(remote(url), folder, replace=False)
    server.put("/a", ranged(CONTENT))
    assert_arrived(folder, download(remote(url), folder))


# --- several at once ---

PROCESS = """
import sys
from fastcnn.data.catalog import RemoteFile
from fastcnn.data.download import download
url, folder, size, sha256 = sys.argv[1:]
print(download(RemoteFile("file.bin", int(size), sha256, (url,)), folder))
"""


def test_two_processes_at_once(server, folder):
    started = threading.Event()

    def answer(handler):
        # Whichever has the partial file keeps it until both are under way.
        started.wait(20)
        ranged(CONTENT)(handler)

    file = remote(server.put("/a", answer))
    argv = [sys.executable, "-c", PROCESS, file.urls[0], folder, str(file.size), file.sha256]
    first, second = (subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2))
    try:
        while not server.asked:
            server.stopped.wait(0.01)
        server.stopped.wait(0.3)
        started.set()
        for process in (first, second):
            out, error = process.communicate(timeout=20)
            assert process.returncode == 0, error
            assert_arrived(folder, out.decode().strip())
    finally:
        for process in (first, second):
            process.kill()
            process.wait()
    assert server.asked == [("/a", None)]


def test_interrupted_download_lets_another_go_on(server, folder):
    file = remote(server.put("/a", server.stalling(CONTENT, 100_000)))
    argv = [sys.executable, "-c", PROCESS, file.urls[0], folder, str(file.size), file.sha256]
    process = subprocess.Popen(argv)
    part = os.path.join(folder, ".file.bin.part")
    try:
        while not (os.path.exists(part) and os.path.getsize(part)):
            server.stopped.wait(0.01)
    finally:
        process.kill()
        process.wait()
    held = os.path.getsize(part)
    server.put("/a", ranged(CONTENT))
    assert_arrived(folder, download(file, folder))
    assert server.asked[-1] == ("/a", f"bytes={held}-")


def test_file_system_without_locks(server, folder, fails, monkeypatch):
    import fcntl

    def unsupported(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    url = server.put("/a", whole(CONTENT[:1000], length=len(CONTENT)))
    # Nothing to go on from stays, for two processes could write to it.
    assert "truncated" in fails(remote(url))
    server.put("/a", ranged(CONTENT))
    assert_arrived(folder, download(remote(url), folder))


def test_partial_file_that_got_its_name_is_not_written(tmp_path):
    path = str(tmp_path / "file.bin")
    entered = threading.Event()

    def second():
        with partial.partial_file(path) as (stored, name):
            entered.set()
            stored.write(b"second")
            os.replace(name, path + ".second")

    with partial.partial_file(path) as (stored, name):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.1)
        stored.write(b"first")
        stored.flush()
        os.replace(name, path)
    thread.join()
    assert (tmp_path / "file.bin").read_bytes() == b"first"
    assert (tmp_path / "file.bin.second").read_bytes() == b"second"


def test_damaged_file_behind_a_link_keeps_link_and_mode(server, folder, tmp_path):
    elsewhere = tmp_path / "large disk" / "file"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(b"damaged")
    elsewhere.chmod(0o640)
    os.makedirs(folder)
    link = os.path.join(folder, "file.bin")
    os.symlink(elsewhere, link)
    assert download(remote(server.put("/a", whole(CONTENT))), folder, progress=False) == link
    assert os.path.islink(link)
    assert elsewhere.read_bytes() == CONTENT
    assert elsewhere.stat().st_mode & 0o777 == 0o640
    assert os.listdir(folder) == ["file.bin"]
    assert os.listdir(elsewhere.parent) == ["file"]


def test_no_standard_error_no_bar(server, folder, monkeypatch):
    for number, stream in enumerate((None, object())):
        monkeypatch.setattr(sys, "stderr", stream)
        file = remote(server.put("/a", whole(CONTENT)))
        assert download(file, f"{folder}{number}") == os.path.join(f"{folder}{number}", "file.bin")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_child_forked_meanwhile_does_not_keep_the_lock(tmp_path):
    """A worker that lives on has the partial file open; nobody must wait for its end."""
    code = """
import os, sys, warnings
from fastcnn.data.partial import partial_file
warnings.simplefilter("ignore", DeprecationWarning)
reading, writing = os.pipe()
with partial_file(sys.argv[1]) as (stored, name):
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
with partial_file(sys.argv[1]) as (stored, name):
    print("mine")
os.close(writing)
os.waitpid(child, 0)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("mine\n", "")
