"""Train a small network on MNIST with the Trainer.

Usage: python examples/train_with_trainer.py [--epochs 5] [--limit IMAGES] [--out weights.safetensors]
"""

import argparse

import fastcnn
from fastcnn import data, nn, optim
from fastcnn.data import transforms

parser = argparse.ArgumentParser(description="Train a small network on MNIST with the Trainer.")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--limit", type=int, help="number of training images (default: all 55,000)")
parser.add_argument("--out", default="weights.safetensors", help="where to write the weights")
args = parser.parse_args()

# The test set is for the very end: what is decided on the way is decided on a validation part.
train, test = data.load("mnist")
train, validation = data.split(train, 5_000, seed=0)
if args.limit:
    train = data.stratified_subset(train, args.limit, seed=0)

fastcnn.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, bias=False),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1, bias=False),
    nn.BatchNorm2d(32),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(32 * 7 * 7, 10),
)
print(model.summary((1, 28, 28)))

batch_size = 128
steps = args.epochs * -(-len(train) // batch_size)
optimizer = optim.AdamW(model.parameters(), lr=0.01)
trainer = fastcnn.Trainer(
    model,
    optimizer,
    nn.CrossEntropyLoss(),
    scheduler=optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps),
    preprocess=transforms.Normalize(0.1307, 0.3081),
)
trainer.fit(
    train,
    epochs=args.epochs,
    batch_size=batch_size,
    validation=validation,
    augment=transforms.RandomCrop(28, padding=2),
)

result = trainer.evaluate(test)
print(f"test accuracy {result['accuracy']:.2%}, loss {result['loss']:.4f}, macro F1 {result['macro_f1']:.4f}")
fastcnn.save_weights(model, args.out)
print(f"weights written to {args.out}")
