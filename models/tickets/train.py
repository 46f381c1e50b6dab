"""Trains the model from nothing on the generated tickets, measures it, and saves a checkpoint for convert.ts.

    python3 models/tickets/train.py --data DATA --out CHECKPOINT [--minutes 8] [--steps 1400]

DATA is what generate.ts wrote. The clock may end the schedule before the steps do, so two runs need not give equal weights.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import numpy
import torch
from torch.nn import functional

from model import SHAPE, VOCABULARY_SIZE, Model
from tokenizer import train_tokenizer

SEED, THREADS = 7, 2
BATCH, PEAK_RATE, WARM_UP_STEPS, LAST_RATE = 64, 3e-3, 60, 0.02
TEXT_WEIGHT = 0.1
HERE = Path(__file__).parent

INSTRUCTION = "Classify the support ticket. Answer with one line of JSON: category, sentiment, urgent."
OTHER_INSTRUCTIONS = [
    "Classify the ticket as JSON.",
    "You are a helpful assistant.",
    "You sort customer messages. Reply with JSON only.",
    "Label this support ticket with category (billing, bug, how-to, account, feature, other), sentiment and urgent.",
]


def read_pairs(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class Prompts:
    """Turns pairs into token ids and weights: 1 on the answer and its end, a little on the ticket, nothing on the frame."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.newline = tokenizer.encode("\n")
        self.opening = [tokenizer.message_start] + tokenizer.encode("assistant\n")

    def make(self, pair, instruction=INSTRUCTION, with_start=False):
        frame = [self.tokenizer.start] if with_start else []
        frame = frame + (self._message("system", instruction) if instruction else [])
        ticket = self._message("user", pair["text"])
        answer = self.tokenizer.encode(pair["answer"]) + [self.tokenizer.message_end]
        weights = [0.0] * (len(frame) + 2) + [TEXT_WEIGHT] * (len(ticket) - 2) + [0.0] * len(self.opening) + [1.0] * len(answer)
        return frame + ticket + self.opening + answer, weights

    def vary(self, pair):
        """Most prompts carry our instruction; some none or another one, some a start token, so that engines may differ."""
        draw = random.random()
        instruction = INSTRUCTION if draw < 0.85 else None if draw < 0.9 else random.choice(OTHER_INSTRUCTIONS)
        return self.make(pair, instruction, random.random() < 0.1)

    def _message(self, role, text):
        tokenizer = self.tokenizer
        return [tokenizer.message_start] + tokenizer.encode(f"{role}\n{text}") + [tokenizer.message_end] + self.newline


def to_batch(prompts, padding):
    longest = max(len(ids) for ids, _ in prompts)
    ids = torch.full((len(prompts), longest), padding)
    weights = torch.zeros(len(prompts), longest)
    for row, (row_ids, row_weights) in enumerate(prompts):
        ids[row, : len(row_ids)] = torch.tensor(row_ids)
        weights[row, : len(row_weights)] = torch.tensor(row_weights)
    return ids, weights


def endless_batches(prompts):
    """Rows of similar length together; the order is new in every round."""
    while True:
        order = numpy.random.permutation(len(prompts))
        for start in range(0, len(order), BATCH * 16):
            near = sorted(order[start : start + BATCH * 16], key=lambda index: len(prompts[index][0]))
            batches = [near[at : at + BATCH] for at in range(0, len(near), BATCH)]
            random.shuffle(batches)
            yield from ([prompts[index] for index in batch] for batch in batches)


@torch.no_grad()
def share_exact(model, prompts, padding):
    """Every answer token being the likeliest after the true ones before it is the same as greedy decoding giving the answer."""
    ordered = sorted(prompts, key=lambda prompt: len(prompt[0]))
    exact = 0
    for start in range(0, len(ordered), 100):
        ids, weights = to_batch(ordered[start : start + 100], padding)
        likeliest = model(ids[:, :-1]).argmax(-1)
        exact += int(((likeliest == ids[:, 1:]) | (weights[:, 1:] < 1)).all(1).sum())
    return exact / len(ordered)


def make_optimizer(model):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.95))


def train(model, prompts, padding, steps, seconds):
    optimizer, batches, began = make_optimizer(model), endless_batches(prompts), time.monotonic()
    for step in range(steps):
        done = max(step / steps, (time.monotonic() - began) / seconds)
        if done >= 1:
            return step
        warm = min(1, (step + 1) / WARM_UP_STEPS)
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * warm * (LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done)))
        loss = weighted_loss(model, *to_batch(next(batches), padding))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 25 == 0:
            print(f"step {step + 1}  loss {loss.item():.4f}  {time.monotonic() - began:.0f} s", flush=True)
    return steps


def weighted_loss(model, ids, weights):
    logits, weights = model(ids[:, :-1]), weights[:, 1:]
    losses = functional.cross_entropy(logits.reshape(-1, VOCABULARY_SIZE), ids[:, 1:].reshape(-1), reduction="none").view_as(weights)
    return (losses * weights).sum() / (weights == 1).sum()


def save(model, tokenizer, folder):
    folder.mkdir(parents=True, exist_ok=True)
    tensors = []
    with open(folder / "weights.f32", "wb") as file:
        for name, parameter in model.named_parameters():
            tensors.append({"name": name, "shape": list(parameter.shape), "start": file.tell()})
            file.write(parameter.detach().numpy().astype("<f4").tobytes())
    vocabulary = {
        "pieces": tokenizer.pieces,
        "scores": tokenizer.scores,
        "kinds": tokenizer.kinds,
        "startId": tokenizer.start,
        "endId": tokenizer.message_end,
        "unknownId": 0,
    }
    (folder / "model.json").write_text(json.dumps({"shape": SHAPE, "vocabulary": vocabulary, "tensors": tensors}))


def main():
    parser = argparse.ArgumentParser(description="Trains the tickets model.")
    parser.add_argument("--data", type=Path, required=True, help="the folder that generate.ts wrote")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the checkpoint")
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--steps", type=int, default=1400)
    options = parser.parse_args()

    random.seed(SEED)
    numpy.random.seed(SEED)
    torch.manual_seed(SEED)
    torch.set_num_threads(THREADS)

    pairs, test_pairs = read_pairs(options.data / "train.jsonl"), read_pairs(options.data / "test.jsonl")
    frame = [(INSTRUCTION, 20_000), ("system\nuser\nassistant\n", 20_000)]
    texts = [(pair["text"], 1) for pair in pairs[:20_000]] + [(pair["answer"], 1) for pair in pairs[:3_000]]
    tokenizer = train_tokenizer(texts + frame, VOCABULARY_SIZE)
    assert len(tokenizer.pieces) == VOCABULARY_SIZE
    prompts, padding = Prompts(tokenizer), tokenizer.message_end

    model = Model()
    print(f"{sum(parameter.numel() for parameter in model.parameters())} parameters", flush=True)
    print(f"{train(model, [prompts.vary(pair) for pair in pairs], padding, options.steps, options.minutes * 60)} steps")

    def report(what, pairs, **how):
        share = share_exact(model, [prompts.make(pair, **how) for pair in pairs], padding)
        print(f"{what}: {share:.1%} of {len(pairs)} exact", flush=True)

    report("held out", test_pairs)
    report("without an instruction", test_pairs[:500], instruction=None)
    report("with a start token", test_pairs[:500], with_start=True)
    report("with an instruction never seen", test_pairs[:500], instruction="Sort this message.")
    report("written by hand", read_pairs(HERE / "hand.jsonl"))
    save(model, tokenizer, options.out)


if __name__ == "__main__":
    main()
