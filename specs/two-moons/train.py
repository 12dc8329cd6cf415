"""Trains a network of one hidden layer to tell two interleaved half circles apart, on a CPU, without any library."""

import argparse
import json
import math
import random
from pathlib import Path

HIDDEN = 12
Point = tuple[float, float, float]


def two_moons(count: int, chance: random.Random) -> list[Point]:
    """Points of two half circles with some noise: x, y, and 0 or 1 for the half circle."""
    points = []
    for index in range(count):
        angle, label = math.pi * chance.random(), float(index % 2)
        x, y = (1 - math.cos(angle), 0.5 - math.sin(angle)) if label else (math.cos(angle), math.sin(angle))
        points.append((x + chance.gauss(0, 0.1), y + chance.gauss(0, 0.1), label))
    return points


class Network:
    """Two inputs, a hidden layer of tanh, and the probability that the label is 1."""

    def __init__(self, chance: random.Random) -> None:
        self.inner = [[chance.gauss(0, 1) for _ in range(3)] for _ in range(HIDDEN)]
        self.outer = [chance.gauss(0, 0.5) for _ in range(HIDDEN + 1)]

    def hidden(self, x: float, y: float) -> list[float]:
        return [math.tanh(a * x + b * y + bias) for a, b, bias in self.inner]

    def probability(self, hidden: list[float]) -> float:
        total = self.outer[-1] + sum(weight * value for weight, value in zip(self.outer, hidden, strict=False))
        return 1 / (1 + math.exp(-total))

    def step(self, point: Point, rate: float) -> float:
        """One step down the gradient for one point; its loss before that step."""
        x, y, label = point
        hidden = self.hidden(x, y)
        probability = self.probability(hidden)
        error = probability - label
        for index, value in enumerate(hidden):
            slope = error * self.outer[index] * (1 - value * value)
            self.outer[index] -= rate * error * value
            for place, size in enumerate((x, y, 1.0)):
                self.inner[index][place] -= rate * slope * size
        self.outer[-1] -= rate * error
        return -math.log(max(probability if label else 1 - probability, 1e-12))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--points", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path())
    options = parser.parse_args()

    chance = random.Random(options.seed)
    points, unseen = two_moons(options.points, chance), two_moons(options.points, chance)
    network = Network(chance)
    for epoch in range(1, options.epochs + 1):
        chance.shuffle(points)
        loss = sum(network.step(point, options.rate) for point in points) / len(points)
        print(json.dumps({"epoch": epoch, "loss": round(loss, 4)}), flush=True)
    right = sum((network.probability(network.hidden(x, y)) > 0.5) == bool(label) for x, y, label in unseen)
    print(json.dumps({"accuracy": right / len(unseen)}))
    options.out.mkdir(parents=True, exist_ok=True)
    weights = {"inner": network.inner, "outer": network.outer}
    (options.out / "weights.json").write_text(json.dumps(weights) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
