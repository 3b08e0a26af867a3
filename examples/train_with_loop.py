"""Train a small network on MNIST with a loop of your own: forward, loss, backward, step.

Usage: python examples/train_with_loop.py [--epochs 3] [--limit IMAGES]
"""

import argparse

import fastcnn
from fastcnn import data, nn, optim
from fastcnn.data import transforms

parser = argparse.ArgumentParser(description="Train a small network on MNIST with a hand-written loop.")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--limit", type=int, help="number of training images (default: all 55,000)")
args = parser.parse_args()

train, test = data.load("mnist")
train, validation = data.split(train, 5_000, seed=0)
if args.limit:
    train = data.stratified_subset(train, args.limit, seed=0)

fastcnn.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(32 * 7 * 7, 10),
)
cross_entropy = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
schedule = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)

# Images stay bytes until they are needed: the loader shuffles them while the last batch trains.
normalize = transforms.Normalize(0.1307, 0.3081)
loader = data.Loader(train, batch_size=64, seed=0)


def accuracy(dataset):
    """Return the share of images whose largest logit is the right one."""
    logits = model.predict(normalize(dataset.images))
    return (logits.argmax(axis=1) == dataset.labels).mean()


for epoch in range(args.epochs):
    total = 0.0
    for images, labels in loader.epoch(epoch):
        optimizer.zero_grad()
        logits = model(normalize(images))
        total += len(labels) * cross_entropy(logits, labels)
        model.backward(cross_entropy.backward())
        optimizer.step()
    schedule.step()
    print(f"epoch {epoch + 1}: loss {total / len(train):.4f}, validation accuracy {accuracy(validation):.2%}")

print(f"test accuracy {accuracy(test):.2%}")
