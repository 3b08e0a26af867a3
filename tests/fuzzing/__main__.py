"""``python -m tests.fuzzing [--inputs 1000000] [--targets idx npz ...]``: a line for each reader."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

_SHARED_MEMORY = "/dev/shm"


def main() -> int:
    """Run all readers; return how many had a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--inputs", type=int, default=1_000_000, help="over all readers (default: %(default)s)"
    )
    parser.add_argument("--targets", nargs="+", help="readers (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        return _one(args.one, args.inputs, args.seed)
    from .targets import targets

    names = args.targets or list(targets())
    failed = 0
    for name in names:
        each = str(-(-args.inputs // len(names)))
        command = [
            sys.executable,
            "-m",
            __package__,
            "--one",
            name,
            "--inputs",
            each,
            "--seed",
            str(args.seed),
        ]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        lines = (done.stdout + done.stderr).splitlines()
        cover = (
            next((line for line in reversed(lines) if "cov:" in line), "")
            .partition("cov:")[2]
            .split(" ft:")[0]
        )
        print(
            f"{name}: {each} inputs, {time.perf_counter() - start:.0f} s{cover and f', coverage{cover}'}",
            flush=True,
        )
        if done.returncode:
            failed += 1
            print("\n".join(lines[-30:]), flush=True)
    print(f"{failed} of {len(names)} readers with a finding")
    return failed


def _one(name: str, inputs: int, seed: int) -> int:
    """Run one reader; with atheris, the process ends here."""
    warnings.simplefilter("ignore")
    place = _SHARED_MEMORY if os.path.isdir(_SHARED_MEMORY) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        try:
            import atheris
        except ImportError:
            return _at_random(name, inputs, seed, folder)
        with atheris.instrument_imports(include=["fastcnn"]):
            from .mutations import mutated
            from .targets import attempt, targets
        target = targets()[name]
        corpus = os.path.join(folder, "corpus")
        os.mkdir(corpus)
        for number, data in enumerate(target.seeds):
            with open(os.path.join(corpus, str(number)), "wb") as file:
                file.write(data)
        options = [
            f"-runs={inputs}",
            f"-seed={seed + 1}",
            "-max_len=16384",
            f"-artifact_prefix={tempfile.gettempdir()}/fastcnn-{name.replace(' ', '-')}-",
            "-rss_limit_mb=4096",
            "-timeout=10",
        ]
        own = {} if target.change is mutated else {"custom_mutator": _mutator(target)}
        atheris.Setup([name, corpus, *options], lambda data: attempt(target, data, folder) and None, **own)
        atheris.Fuzz()
    return 0


def _mutator(target):
    """Return what changes an input in the place of atheris: parts of it, where its target has those."""

    def change(data, most, seed):
        made = target.change([*target.seeds, bytes(data)], np.random.default_rng(seed))
        return made if len(made) <= most else bytes(data)

    return change


def _at_random(name: str, inputs: int, seed: int, folder: str) -> int:
    from .targets import attempt, targets

    target, rng = targets()[name], np.random.default_rng(seed)
    for _ in range(inputs):
        attempt(target, target.change(target.seeds, rng), folder)
    return 0


if __name__ == "__main__":
    sys.exit(main() > 0)
