"""Serve a trained network over HTTP: images in, classes with their probabilities out.

Usage: python examples/serve.py [RUN] [--port 8000]

RUN is the folder of a training, such as runs/compact-mnist-1; without it a small network learns MNIST first.

    curl --data-binary @digit.png -H "Content-Type: image/png" localhost:8000/predict
    curl -d '{"images": [[[0, 255], [255, 0]]]}' -H "Content-Type: application/json" localhost:8000/predict

Any other body is an array of bytes as numpy.save writes it: (N, C, H, W), or a single image.
"""

import argparse
import io
import json
import math
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

import fastcnn
from fastcnn import data, nn, optim
from fastcnn.recipes import Classifier
from fastcnn.training.report import probabilities

MOST_BYTES = 1_000_000  # of a request


class Handler(BaseHTTPRequestHandler):
    """Answers in JSON; what is wrong with a request is said in it too."""

    protocol_version = "HTTP/1.1"  # connections stay open
    timeout = 60  # seconds that a client may be silent
    wbufsize = -1  # head and body of an answer go out together
    server: "Server"

    def do_GET(self):
        """Say what is served."""
        self.answer(200, {"classes": self.server.classes, "image_shape": self.server.image_shape})

    def do_POST(self):
        """Classify the images in the body."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self.refuse(411, "say how long the body is: Content-Length")
        elif len(length) > 12 or int(length) > MOST_BYTES:
            self.refuse(413, f"a body may have {MOST_BYTES:,} bytes")
        else:
            body = self.rfile.read(int(length))
            if self.path != "/predict":
                self.answer(404, {"error": f"there is no {self.path}, only /predict"})
                return
            try:
                images = read_images(body, self.headers.get_content_type(), self.server.image_shape)
            except ValueError as error:
                self.answer(400, {"error": str(error)})
                return
            self.answer(200, {"predictions": self.server.classify(images)})

    def refuse(self, status, message):
        """Answer without having read the body, behind which nothing can be read either."""
        self.close_connection = True
        self.answer(status, {"error": message})

    def answer(self, status, content):
        """Send JSON."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Print nothing for each request."""


class Server(ThreadingHTTPServer):
    """A thread for each connection; all of them share one network.

    `predict` takes uint8 images (N, C, H, W) and returns logits (N, K).
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, predict, classes, image_shape):
        super().__init__(address, Handler)
        self.predict, self.classes, self.image_shape = predict, list(classes), tuple(image_shape)

    def handle_error(self, request, client_address):
        """Say nothing of a client that has left."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def classify(self, images):
        """Return the most probable class of each image."""
        shares = probabilities(self.predict(images))
        return [
            {"class": self.classes[best], "probability": round(float(row[best]), 6)}
            for row, best in zip(shares, shares.argmax(1), strict=True)
        ]


def read_images(body, content_type, image_shape):
    """Return the images of a request, uint8 (N, C, H, W); raise ValueError for anything else."""
    if content_type == "application/json":
        images = from_json(body)
    elif content_type.startswith("image/"):
        images = from_picture(body, image_shape)
    else:
        images = from_npy(body)
    if images.shape == image_shape or (images.ndim == 2 and (1, *images.shape) == image_shape):
        images = images.reshape(1, *image_shape)
    if images.ndim != 4 or images.shape[1:] != image_shape or not len(images):
        raise ValueError(f"expected images (N, C, H, W) of {image_shape}, got an array of {images.shape}")
    return images


def from_json(body):
    """Return the array of {"images": lists of integers from 0 to 255}."""
    try:
        content = json.loads(body)
        images = np.array(content["images"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(
            'the body is not JSON of the form {"images": [[...]]}, with lists of one size'
        ) from error
    if images.dtype.kind not in "iu" or images.min(initial=0) < 0 or images.max(initial=0) > 255:
        raise ValueError("pixels must be integers from 0 to 255")
    return images.astype(np.uint8)


def from_npy(body):
    """Return the array of a .npy file, whose size is compared with that of the body before it is made."""
    file = io.BytesIO(body)
    formats = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(file)
    if version not in formats:
        raise ValueError(f"a .npy file of version {version} is not read")
    shape, column_major, dtype = formats[version](file)
    if dtype != np.uint8 or column_major:
        raise ValueError(f"the array must be uint8 in C order, got {dtype}")
    if math.prod(shape) != len(body) - file.tell():
        raise ValueError(f"an array of {shape} does not have {len(body) - file.tell()} bytes")
    return np.frombuffer(body, np.uint8, offset=file.tell()).reshape(shape)


def from_picture(body, image_shape):
    """Return a picture in the size and the colours of the images."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ValueError("pictures are not taken here: Pillow is not installed") from error
    channels, height, width = image_shape
    try:
        with Image.open(io.BytesIO(body), formats=["PNG", "JPEG"]) as picture:
            if picture.width * picture.height > MOST_BYTES:
                raise ValueError(
                    f"the picture has {picture.width}x{picture.height} pixels, which are too many"
                )
            plain = picture.convert("L" if channels == 1 else "RGB").resize((width, height))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"the body is no picture that can be read: {error}") from error
    return np.asarray(plain).reshape(height, width, channels).transpose(2, 0, 1)


def trained(run, epochs, limit):
    """Return what predicts, its classes and the shape of an image; without a run a network learns MNIST."""
    if run is not None:
        known = Classifier.load(run)
        if known.kind.task != "classification":
            raise SystemExit(f"{run} is for {known.kind.task}, not for classification")
        return (
            lambda images: known.trainer.predict(known.prepare(images, (0, 255))),
            known.classes,
            known.input_shape,
        )
    train = data.load("mnist")[0]
    if limit:
        train = data.stratified_subset(train, limit, seed=0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 5 * 5, 10),
    ).initialize(seed=0)  # fmt: skip
    trainer = fastcnn.Trainer(model, optim.Adam(model.parameters()), nn.CrossEntropyLoss())
    trainer.fit(train, epochs=epochs, batch_size=64)
    return trainer.predict, train.classes, train.image_shape


def main():
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve a trained network over HTTP.")
    parser.add_argument("run", nargs="?", help="folder of a training (default: a small network learns MNIST)")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0: all that can reach this machine")
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free")
    parser.add_argument("--epochs", type=int, default=2, help="of that small network")
    parser.add_argument("--limit", type=int, help="number of its training images (default: all 60,000)")
    args = parser.parse_args()
    predict, classes, image_shape = trained(args.run, args.epochs, args.limit)
    with Server((args.host, args.port), predict, classes, image_shape) as server:
        print(f"http://{args.host}:{server.server_port}/predict takes images of {image_shape}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("stopped")


if __name__ == "__main__":
    main()
