"""What a case has given: the seconds of every configuration, and what follows from them."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

# Those that configurations have; fastcnn computes in the first.
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass
class Result:
    """Seconds of a call for each contender and configuration, a number for each round.

    The methods take the name of a contender, or None for all of fastcnn's peers together, and a precision.

    Attributes
    ----------
    flops : int
        Floating-point operations of a call.
    peaks : list of float
        FLOP/s of the vector units, a number for each round.
    others : list of float
        The largest share of the cores' time that other programs had in a turn, a number for each round.
    memory : dict
        Contender -> "imported_bytes" and "peak_bytes" of a fresh process: fastcnn, and the best float32 peer.
    """

    section: str
    network: str
    group: str
    batch: int
    threads: int
    flops: int
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    precisions: dict[str, dict[str, str]] = field(default_factory=dict)
    peaks: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    memory: dict[str, dict[str, int]] = field(default_factory=dict)

    def configurations(self, contender: str | None, precision: str = "float32") -> list[tuple[str, str]]:
        """Return (contender, configuration) of all that count; none if the precision was not measured."""
        return [
            (name, each)
            for name, found in self.seconds.items()
            if (name == contender if contender else name != "fastcnn")
            for each in found
            if self.precisions[name][each] == precision
        ]

    def best(self, contender: str | None, precision: str = "float32") -> list[float]:
        """Return each round's seconds of the best configuration in it."""
        found = [self.seconds[name][each] for name, each in self.configurations(contender, precision)]
        return [min(each) for each in zip(*found, strict=True)]

    def choice(self, contender: str | None, precision: str = "float32") -> tuple[str, str]:
        """Return the (contender, configuration) with the least median."""
        found = self.configurations(contender, precision)
        return min(found, key=lambda pair: statistics.median(self.seconds[pair[0]][pair[1]]))

    def rate(self, contender: str | None, precision: str = "float32") -> float:
        """Return the median of images in a second."""
        return self.batch / statistics.median(self.best(contender, precision))

    def ratios(self, contender: str | None, precision: str = "float32") -> list[float]:
        """Return how many times as fast as a peer fastcnn was in each round."""
        pairs = zip(self.best(contender, precision), self.best("fastcnn"), strict=True)
        return [peer / ours for peer, ours in pairs]

    def peak_share(self, contender: str | None) -> float:
        """Return the median share of the FMA peak of the same round, in float32."""
        pairs = zip(self.best(contender), self.peaks, strict=True)
        return statistics.median(self.flops / seconds / peak for seconds, peak in pairs)

    def as_dict(self) -> dict[str, Any]:
        """Return everything, with what follows from it, as JSON takes it."""
        peers: dict[str, Any] = {}
        for precision in PRECISIONS:
            for name in (None, *self.seconds):
                if name != "fastcnn" and self.configurations(name, precision):
                    peers.setdefault(precision, {})[name or "best"] = {
                        "configuration": " ".join(self.choice(name, precision)).strip(),
                        "images_per_second": self.rate(name, precision),
                        "ratios": self.ratios(name, precision),
                    }
        ours = {"images_per_second": self.rate("fastcnn"), "share_of_peak": self.peak_share("fastcnn")}
        return {**asdict(self), "fastcnn": ours, "peers": peers}
