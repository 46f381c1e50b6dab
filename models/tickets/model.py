"""The llama architecture in plain PyTorch, with the tensor names of GGUF, so that converting is copying."""

import math

import torch
from torch import nn
from torch.nn import functional

SHAPE = {
    "dimension": 128,
    "layers": 4,
    "heads": 4,
    "keyValueHeads": 2,
    "headDimension": 32,
    "feedForward": 320,
    "contextLength": 512,
}
VOCABULARY_SIZE = 1024
EPSILON, ROPE_BASE = 1e-5, 10_000.0

_frequencies = 1.0 / ROPE_BASE ** (torch.arange(0, SHAPE["headDimension"], 2).float() / SHAPE["headDimension"])
_angles = torch.outer(torch.arange(SHAPE["contextLength"]).float(), _frequencies)
_cos, _sin = _angles.cos(), _angles.sin()
_future = torch.full((SHAPE["contextLength"], SHAPE["contextLength"]), float("-inf")).triu(1)


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(SHAPE["dimension"]))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPSILON) * self.weight


def rotate(x):
    """Interleaved pairs (2i, 2i + 1), which is how llama.cpp stores this architecture: no permutation when converting."""
    length = x.shape[2]
    even, odd, cos, sin = x[..., 0::2], x[..., 1::2], _cos[:length], _sin[:length]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        dimension, hidden = SHAPE["dimension"], SHAPE["feedForward"]
        shared = SHAPE["keyValueHeads"] * SHAPE["headDimension"]

        def linear(into, out):
            return nn.Linear(into, out, bias=False)

        self.attn_norm, self.ffn_norm = Norm(), Norm()
        self.attn_q, self.attn_k = linear(dimension, dimension), linear(dimension, shared)
        self.attn_v, self.attn_output = linear(dimension, shared), linear(dimension, dimension)
        self.ffn_gate, self.ffn_up, self.ffn_down = linear(dimension, hidden), linear(dimension, hidden), linear(hidden, dimension)

    def forward(self, x):
        x = x + self._attend(self.attn_norm(x))
        y = self.ffn_norm(x)
        return x + self.ffn_down(functional.silu(self.ffn_gate(y)) * self.ffn_up(y))

    def _attend(self, y):
        batch, length, dimension = y.shape

        def split(x, heads):
            return x.view(batch, length, heads, SHAPE["headDimension"]).transpose(1, 2)

        heads, shared = SHAPE["heads"], SHAPE["keyValueHeads"]
        query, key = rotate(split(self.attn_q(y), heads)), rotate(split(self.attn_k(y), shared))
        key, value = (x.repeat_interleave(heads // shared, 1) for x in (key, split(self.attn_v(y), shared)))
        scores = query @ key.transpose(-1, -2) / math.sqrt(SHAPE["headDimension"])
        weights = torch.softmax(scores + _future[:length, :length], -1)
        return self.attn_output((weights @ value).transpose(1, 2).reshape(batch, length, dimension))


class Model(nn.Module):
    """The output matrix is the embedding."""

    def __init__(self):
        super().__init__()
        self.token_embd = nn.Embedding(VOCABULARY_SIZE, SHAPE["dimension"])
        self.blk = nn.ModuleList(Block() for _ in range(SHAPE["layers"]))
        self.output_norm = Norm()
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, 0, _spread(name))

    def forward(self, ids):
        x = self.token_embd(ids)
        for block in self.blk:
            x = block(x)
        return self.output_norm(x) @ self.token_embd.weight.t()


def _spread(name):
    if "token_embd" in name:
        return 0.05
    ends_a_branch = "attn_output" in name or "ffn_down" in name
    return 0.08 / math.sqrt(2 * SHAPE["layers"]) if ends_a_branch else 0.08
