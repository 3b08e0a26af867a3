"""examples/serve.py answers over HTTP, also those who send something else than images."""

import concurrent.futures
import http.client
import importlib.util
import io
import json
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from fastcnn import nn

EXAMPLE = Path(__file__).parent.parent / "examples" / "serve.py"
pytestmark = pytest.mark.skipif(not EXAMPLE.exists(), reason="not run from the source tree")
SHAPE = (1, 4, 4)
JSON, NPY, PNG = "application/json", "application/x-npy", "image/png"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("serve_example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def model():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)).initialize(seed=0)


def logits(model, images):
    return 100 * model.predict(images.astype(np.float32) / 255)


@pytest.fixture(scope="module")
def server(example, model):
    with example.Server(("127.0.0.1", 0), lambda x: logits(model, x), ("a", "b", "c"), SHAPE) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def png(array):
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *SHAPE), dtype=np.uint8)


def post(server, body, kind=NPY, path="/predict"):
    """Send a body over a connection of its own; return status and JSON."""
    connection = http.client.HTTPConnection(*server.server_address, timeout=30)
    connection.request("POST", path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content


def expected(example, model, x):
    shares = example.probabilities(logits(model, x))
    return [("abc"[row.argmax()], pytest.approx(row.max(), abs=1e-5)) for row in shares]


def told(content):
    return [(each["class"], each["probability"]) for each in content["predictions"]]


def test_the_three_forms_of_images(server, example, model):
    x = images(3)
    answers = [
        post(server, npy(x)),
        post(server, json.dumps({"images": x.tolist()}), JSON),
    ]
    for status, content in answers:
        assert status == 200
        assert told(content) == expected(example, model, x)
    for body, kind in ((npy(x[0]), NPY), (npy(x[0, 0]), NPY), (png(x[0, 0]), PNG)):
        status, content = post(server, body, kind)
        assert (status, told(content)) == (200, expected(example, model, x[:1]))


def test_what_is_served(server):
    connection = http.client.HTTPConnection(*server.server_address, timeout=30)
    connection.request("GET", "/")
    assert json.loads(connection.getresponse().read()) == {
        "classes": ["a", "b", "c"],
        "image_shape": [1, 4, 4],
    }
    connection.close()


def array_of(shape, data=b"\0" * 16, descr="|u1", order=False):
    """Return a .npy file whose header says something of its own."""
    header = repr({"descr": descr, "fortran_order": order, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"", NPY, "magic"),
        (b"hello", NPY, "magic"),
        (npy(np.zeros((1, *SHAPE), np.float32)), NPY, "must be uint8 in C order, got float32"),
        (array_of((1, 1, 4, 4), descr="|O"), NPY, "must be uint8 in C order, got object"),
        (array_of((1, 4, 4), order=True), NPY, "must be uint8 in C order"),
        (array_of((10**12, 1, 4, 4)), NPY, "does not have 16 bytes"),
        (array_of((-1, 1, -4, 4)), NPY, "."),
        (b"\x93NUMPY\x09\x00" + b"\0" * 20, NPY, "magic|version"),
        (npy(np.zeros((2, 1, 5, 4), np.uint8)), NPY, r"expected images \(N, C, H, W\) of \(1, 4, 4\), got"),
        (npy(np.zeros((0, *SHAPE), np.uint8)), NPY, "got an array of"),
        (npy(np.uint8(3)), NPY, r"got an array of \(\)"),
        (b"{", JSON, "not JSON of the form"),
        (b"[1]", JSON, "not JSON of the form"),
        (b'{"image": []}', JSON, "not JSON of the form"),
        (b'{"images": [[1, 2], [3]]}', JSON, "not JSON of the form|integers from 0 to 255"),
        (b'{"images": ' + b"[" * 100_000, JSON, "not JSON of the form"),
        (b'{"images": [[0.5]]}', JSON, "integers from 0 to 255"),
        (b'{"images": [[256]]}', JSON, "integers from 0 to 255"),
        (b'{"images": [[-1]]}', JSON, "integers from 0 to 255"),
        (b'{"images": [[' + b"9" * 30 + b"]]}", JSON, "integers from 0 to 255"),
        (b'{"images": []}', JSON, "integers from 0 to 255|got an array"),
        (b"GIF89a", PNG, "no picture that can be read"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, PNG, "no picture that can be read"),
    ],
)
def test_a_bad_body_is_told_and_the_connection_lives(server, body, kind, message):
    connection = http.client.HTTPConnection(*server.server_address, timeout=30)
    for content, content_type, status in ((body, kind, 400), (npy(images(1)), NPY, 200)):
        connection.request("POST", "/predict", content, {"Content-Type": content_type})
        answer = connection.getresponse()
        said = json.loads(answer.read())
        assert answer.status == status, said
        assert status == 200 or re.search(message, said["error"])
    connection.close()


def test_a_picture_of_too_many_pixels_is_not_unpacked(server):
    status, content = post(server, png(np.zeros((1000, 1001), np.uint8)), PNG)
    assert (status, content["error"]) == (400, "the picture has 1001x1000 pixels, which are too many")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("POST /predict HTTP/1.1\r\nHost: x\r\n\r\n", 411),
        ("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 411),
        ("POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", 411),
        ("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000001\r\n\r\n", 413),
        (f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {'9' * 5000}\r\n\r\n", 413),
    ],
)
def test_a_body_whose_length_will_not_do_is_not_read(server, head, status):
    with socket.create_connection(server.server_address, timeout=30) as client:
        client.sendall(head.encode())
        answer = client.makefile("rb").read()  # to the end: the server closes
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Connection: close" in answer


def test_another_place(server):
    assert post(server, npy(images(1)), path="/elsewhere") == (
        404,
        {"error": "there is no /elsewhere, only /predict"},
    )


def test_a_client_that_leaves_is_no_news(server, capfd):
    with socket.create_connection(server.server_address, timeout=30) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
    assert post(server, npy(images(1)))[0] == 200
    assert capfd.readouterr().err == ""


def test_threads_share_the_network(server, example, model):
    def client(seed):
        x = images(2, seed)
        return [told(post(server, npy(x))[1]) == expected(example, model, x) for _ in range(10)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(all(each) for each in pool.map(client, range(8)))


def test_as_its_docstring_says(tmp_path):
    command = [sys.executable, "-W", "error", str(EXAMPLE), "--port", "0", "--epochs", "1", "--limit", "1000"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as done:
        try:
            line = done.stdout.readline()
            port = int(
                re.fullmatch(r"http://127.0.0.1:(\d+)/predict takes images of \(1, 28, 28\)\n", line)[1]
            )
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", "/predict", npy(np.zeros((1, 1, 28, 28), np.uint8)))
            assert 0.1 <= told(json.loads(connection.getresponse().read()))[0][1] <= 1
            connection.close()
        finally:
            done.terminate()


def test_a_run_is_served(example, tmp_path):
    from fastcnn.recipes import Experiment, Run, load, take_folder

    recipe = load("spec-lenet").replace("training.epochs", 1, "test").replace("data.train", 200, "test")
    run = Run(Experiment(recipe), take_folder(tmp_path / "runs"))
    run.fit(progress=False)
    run.finish()
    predict, classes, shape = example.trained(run.folder, 1, None)
    assert (classes, shape) == (tuple("0123456789"), (1, 28, 28))
    x = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    assert predict(x).shape == (2, 10)
