"""Ask PyTorch and store its answers beside this file. Run by hand from the root of the repository,

    python -m tests.oracle.make_oracle [NAME ...]

with NumPy, safetensors and torch==2.13.0 (the CPU build is enough) installed, and expecttest for the samples
of its own tests; ours read the stored files through `cases` and never import torch. Answers are computed in
float64, on one thread, from the inputs that `recipe` makes.
"""

import argparse
import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from . import (
    grid_elementwise,
    grid_layers,
    grid_lines,
    grid_transforms,
    make_autocast,
    make_elementwise,
    make_functional,
    make_nn,
    make_ops,
    make_optim,
    make_samples,
    make_transforms,
    make_zoo,
    network,
)
from .question import Question

FOLDER = Path(__file__).parent
Entry = tuple[dict, dict[str, np.ndarray]]


def _ask(questions: Iterable[Question], answer: Callable[[Question], dict[str, np.ndarray]]) -> list[Entry]:
    entries = []
    for question in questions:
        answers = answer(question)
        if "y" in answers:
            question.inputs["dy"] = question.upstream_spec(answers["y"].shape)
        description = {key: getattr(question, key) for key in ("op", "id", "args", "inputs")}
        entries.append((description, answers))
    return entries


def _sizes() -> list[Entry]:
    ranges = {
        "size": [1, 2, 3, 4, 5, 6, 7, 8, 9],
        "kernel": [1, 2, 3, 4, 5],
        "stride": [1, 2, 3, 4, 7],
        "padding": [0, 1, 2, 3],
        "dilation": [1, 2, 3],
    }
    return [
        (
            {
                "op": window,
                "id": f"sizes-ceil{ceil_mode}",
                "args": {"ceil_mode": ceil_mode, **ranges},
                "inputs": {},
            },
            {"sizes": make_ops.output_sizes(window, ceil_mode, ranges)},
        )
        for window, ceil_mode in (("conv2d", False), ("max_pool2d", False), ("max_pool2d", True))
    ]


def _weights() -> list[Entry]:
    """PyTorch's logits for a weights file that it wrote itself and for the one of `write_weights`."""
    make_nn.write_weights(FOLDER / "compact.safetensors")
    return [
        (
            {"op": "weights", "id": name, "args": {}, "inputs": {"x": network.COMPACT_IMAGES}},
            {"logits": make_nn.logits_of(FOLDER / name)},
        )
        for name in ("compact.safetensors", "compact_fastcnn.safetensors")
    ]


def write(name: str, entries: list[Entry]) -> Path:
    """Store descriptions and answers as ``<name>.npz``, laid out as `cases` describes."""
    index, numbers = [], []
    for description, answers in entries:
        layout = [[key, list(value.shape), value.dtype.name] for key, value in answers.items()]
        index.append({**description, "answers": layout})
        numbers += [np.asarray(value, np.float64).ravel() for value in answers.values()]
    keys = [(item["op"], item["id"]) for item in index]
    assert len(set(keys)) == len(keys), "two cases share an id"
    text = json.dumps(index, separators=(",", ":")).encode()
    path = FOLDER / f"{name}.npz"
    np.savez_compressed(
        path, index=np.frombuffer(text, np.uint8), answers=np.concatenate([np.zeros(0), *numbers])
    )
    return path


FILES: dict[str, Callable[[], list[Entry]]] = {
    **{name: partial(_ask, grid.questions(), make_ops.answer) for name, grid in make_ops.GRIDS.items()},
    "sizes": _sizes,
    "nn": partial(_ask, make_nn.questions(), make_nn.answer),
    "layers": partial(_ask, grid_layers.questions(), make_nn.answer),
    "lines": partial(_ask, grid_lines.questions(), make_nn.answer),
    "functional": partial(_ask, make_functional.questions(), make_functional.answer),
    "optim": partial(_ask, make_optim.questions(), make_optim.answer),
    "elementwise": partial(_ask, grid_elementwise.questions(), make_elementwise.answer),
    "samples_modules": make_samples.modules,
    "samples_functions": make_samples.functions,
    "samples_refused": make_samples.refused,
    "transforms": partial(_ask, grid_transforms.questions(), make_transforms.answer),
    "compact": _weights,
    "zoo": make_zoo.entries,
    "autocast": make_autocast.entries,
}


def main() -> None:
    """Write the named files, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*FILES, []], metavar="NAME", help=", ".join(FILES))
    torch.set_num_threads(1)
    for name in parser.parse_args().names or FILES:
        entries = FILES[name]()
        path = write(name, entries)
        print(f"{path.name}: {len(entries)} cases, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
