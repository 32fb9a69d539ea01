"""Layers that are bound by memory or by exponentials, forward and backward, in PyTorch.
usage: rows_torch.py norm|softmax ROWS WIDTH | attention BATCH HEADS TOKENS WIDTH"""
import math
import os
import sys
import time

import torch
import torch.nn.functional as F

kind, sizes = sys.argv[1], list(map(int, sys.argv[2:]))
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


def wave(shape, a, b, f, scale=1.0):
    i, j = torch.meshgrid(torch.arange(shape[0]), torch.arange(shape[1]), indexing="ij")
    return (scale * f(a * i + b * j)).float()


if kind == "attention":
    batch, heads, tokens, width = sizes
    q, k, v = (torch.randn(batch, heads, tokens, width, requires_grad=True) for _ in range(3))
    grad = torch.randn(batch, heads, tokens, width)
    hidden = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
    work = 14 * width * batch * heads * tokens * (tokens + 1) // 2
else:
    x = wave(sizes, 0.37, 1.3, torch.sin, 1.0 if kind == "norm" else 5.0)
    grad = wave(sizes, 0.11, 0.7, torch.cos)
    x.requires_grad_()
    work = sizes[0] * sizes[1]

for _ in sys.stdin:
    check = "nan"
    begin = time.perf_counter()
    if kind == "attention":
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            s = (q @ k.transpose(2, 3)) / math.sqrt(width)
            y = s.masked_fill(hidden, -math.inf).softmax(3) @ v
        y.backward(grad)
        seconds = time.perf_counter() - begin
        q.grad = k.grad = v.grad = None
    else:
        y = F.layer_norm(x, sizes[1:]) if kind == "norm" else x.softmax(1)
        y.backward(grad)
        seconds = time.perf_counter() - begin
        check = x.grad[sizes[0] // 2, sizes[1] // 3].item()
        x.grad = None
    print(seconds, work, check, flush=True)
