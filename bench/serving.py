"""A network served over HTTP by fastcnn and by PyTorch: how many requests a second, by turns.

    python -m bench.serving --network compact-mnist --clients 8

Both servers are examples/serve.py, each in a process of its own, with the same weights; what differs is the
function that predicts. Clients are processes that send one image after the other over a connection that stays
open. In each round both servers have a turn, in an order that changes, while the other has nothing to do; the
ratio is the median over the rounds, with the interval that holds it with 95%. Answers are compared before
anything is timed. It needs the `bench` extra, and an idle machine.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

import fastcnn
from examples.serve import Server
from fastcnn import data, nn, zoo

from .versions import interval

LIBRARIES = ("fastcnn", "PyTorch")
_SPAWN = multiprocessing.get_context("spawn")


class Turn(NamedTuple):
    """What the clients have seen of a server.

    Attributes
    ----------
    rate : float
        Requests a second, of all clients.
    half, most : float
        Milliseconds that half of the requests, and 99% of them, took at the most.
    """

    rate: float
    half: float
    most: float


def main(argv: list[str] | None = None) -> None:
    """Print a line for each server, and their ratio."""
    parser = argparse.ArgumentParser(
        "serving", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--network", default="compact-mnist", help="of the zoo, for MNIST; default: %(default)s"
    )
    parser.add_argument("--clients", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="of each library; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=9, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn; default: %(default)s")
    args = parser.parse_args(argv)
    with Servers(args.network, args.threads) as ports, ProcessPoolExecutor(args.clients, _SPAWN) as pool:
        compare(ports)
        turns: dict[str, list[Turn]] = {library: [] for library in LIBRARIES}
        for number in range(args.rounds + 1):
            for library in LIBRARIES if number % 2 else LIBRARIES[::-1]:
                turn = take_turn(pool, args.clients, ports[library], args.seconds)
                if number:  # the first one warms up
                    turns[library].append(turn)
    print(f"{args.network}, {args.clients} clients, {args.threads} threads")
    for library in LIBRARIES:
        rate, half, most = (statistics.median(column) for column in zip(*turns[library], strict=True))
        print(f"{library:<8} {rate:8,.0f} requests/s, half within {half:.2f} ms, 99% within {most:.2f} ms")
    ours, theirs = (turns[library] for library in LIBRARIES)
    ratios = [our.rate / their.rate for our, their in zip(ours, theirs, strict=True)]
    low, high = interval(ratios)
    print(f"fastcnn / PyTorch: {statistics.median(ratios):.2f} ({low:.2f} to {high:.2f})")


class Servers:
    """A context in which both servers run; it gives the port of each.

    Parameters
    ----------
    network : str
        A name of the zoo.
    threads : int
    """

    def __init__(self, network: str, threads: int) -> None:
        self._pipes, self._processes = [], []
        for library in LIBRARIES:
            here, there = _SPAWN.Pipe()
            process = _SPAWN.Process(target=serve, args=(library, network, threads, there), daemon=True)
            process.start()
            there.close()
            self._pipes.append(here)
            self._processes.append(process)

    def __enter__(self) -> dict[str, int]:
        return {library: pipe.recv() for library, pipe in zip(LIBRARIES, self._pipes, strict=True)}

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.terminate()
            process.join()


def serve(library: str, network: str, threads: int, pipe: Connection) -> None:
    """Serve a network with the weights of one seed; send the port through the pipe."""
    train = data.load("mnist")[0]
    model = zoo.build(network).initialize(seed=0).eval()
    predict = (ours if library == "fastcnn" else theirs)(model, train.image_shape, threads)
    with Server(("127.0.0.1", 0), predict, train.classes, train.image_shape) as server:
        pipe.send(server.server_port)
        server.serve_forever()


def ours(model: nn.Module, image_shape: tuple[int, ...], threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return what predicts with fastcnn."""
    fastcnn.set_num_threads(threads)
    return lambda images: model.predict(images.astype(np.float32) / 255)


def theirs(
    model: nn.Module, image_shape: tuple[int, ...], threads: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what predicts with PyTorch, which is imported in that server alone."""
    import torch

    from .peers.layers import describe
    from .peers.torch_model import build

    torch.set_num_threads(threads)
    network = build(describe(model, image_shape)).eval()
    network.load_state_dict({name: torch.from_numpy(value) for name, value in model.state_dict().items()})

    def predict(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return network(torch.from_numpy(images.astype(np.float32) / 255)).numpy()

    return predict


def compare(ports: dict[str, int]) -> None:
    """Raise AssertionError if the servers do not say the same of the first test images."""
    images = data.load("mnist")[1].images[:200]
    said = []
    for library in LIBRARIES:
        client = Client(ports[library])
        said.append([each["probability"] for each in client.ask(as_npy(images))["predictions"]])
        client.close()
    np.testing.assert_allclose(*said, rtol=0, atol=1e-3)


def take_turn(pool: ProcessPoolExecutor, clients: int, port: int, seconds: float) -> Turn:
    """Let all clients ask one server for so long."""
    start = time.time() + 0.2  # all have begun by then
    found = list(pool.map(ask_for, [port] * clients, range(clients), [start] * clients, [seconds] * clients))
    times = np.concatenate(found)
    return Turn(len(times) / seconds, *(1000 * np.quantile(times, (0.5, 0.99))))


def ask_for(port: int, number: int, start: float, seconds: float) -> np.ndarray:
    """Ask a server again and again; return the seconds that each answer took."""
    body = as_npy(data.load("mnist")[1].images[number])
    client, times = Client(port), []
    client.ask(body)
    time.sleep(max(start - time.time(), 0))
    end = time.perf_counter() + seconds
    while (before := time.perf_counter()) < end:
        client.ask(body)
        times.append(time.perf_counter() - before)
    client.close()
    return np.array(times)


class Client:
    """A connection that stays open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, body: bytes) -> dict[str, Any]:
        """Return the answer to a request."""
        self._connection.request("POST", "/predict", body)
        answer = self._connection.getresponse()
        content = json.loads(answer.read())
        if answer.status != 200:
            raise AssertionError(content)
        return content

    def close(self) -> None:
        """End it."""
        self._connection.close()


def as_npy(images: np.ndarray) -> bytes:
    """Return an array as a body."""
    file = io.BytesIO()
    np.save(file, images)
    return file.getvalue()


if __name__ == "__main__":
    main()
