"""Write a checkpoint in the present format, of a training in the middle of its second epoch.

    python -m tests.training.make_checkpoint

One of each format is kept as it is, so that later versions read what earlier ones have written.
"""

from pathlib import Path

import numpy as np

from fastcnn import data, nn, optim
from fastcnn.optim import lr_scheduler
from fastcnn.training import BestWeights, LambdaCallback, Trainer
from fastcnn.training.checkpoint import FORMAT

PATHS = {
    number: Path(__file__).with_name(f"checkpoint-{number}.safetensors") for number in range(1, FORMAT + 1)
}
EPOCHS, STOPPED_AT = 3, 7  # of 4 steps each


def images() -> data.Dataset:
    """Return 32 images of four classes, which no generator has to draw."""
    values = (np.arange(32 * 16).reshape(32, 1, 4, 4) * 37 % 251).astype(np.uint8)
    return data.Dataset(values, np.arange(32) % 4)


def training(*callbacks: LambdaCallback) -> Trainer:
    """Return a Trainer with a bit of everything."""
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(12, 4)
    ).initialize(seed=0)
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    scheduler = lr_scheduler.StepLR(optimizer, 1, 0.5)
    best = BestWeights("accuracy")
    return Trainer(model, optimizer, nn.CrossEntropyLoss(), scheduler=scheduler, callbacks=[best, *callbacks])


def fit(trainer: Trainer, **options: object) -> None:
    """Train on the images."""
    trainer.fit(images(), epochs=EPOCHS, batch_size=8, progress=False, **options)  # type: ignore[arg-type]


def main() -> None:
    """Write the file."""
    steps = []

    def stop(trainer: Trainer, batch: int, logs: dict) -> None:
        steps.append(batch)
        if len(steps) == STOPPED_AT:
            raise KeyboardInterrupt

    fit(training(LambdaCallback(on_batch_end=stop)), checkpoint=PATHS[FORMAT])


if __name__ == "__main__":
    main()
