"""A GPT-2 training step in PyTorch: forward, backward, AdamW, in f32.   usage: gpt_torch.py LAYERS HEADS WIDTH CONTEXT VOCAB BATCH"""
import math
import os
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

layers, heads, width, context, vocab, batch = map(int, sys.argv[1:7])
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, hidden):
        q, k, v = (t.view(batch, context, heads, -1).transpose(1, 2) for t in self.qkv(self.norm1(x)).split(width, 2))
        a = (q @ k.transpose(2, 3)) / math.sqrt(width // heads)
        a = a.masked_fill(hidden, -math.inf).softmax(3)
        x = x + self.out((a @ v).transpose(1, 2).reshape(batch, context, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(vocab, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block() for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.register_buffer("hidden", torch.ones(context, context, dtype=torch.bool).triu(1))
        for p in self.parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)

    def forward(self, tokens, following):
        x = self.words(tokens) + self.places.weight
        for b in self.blocks:
            x = b(x, self.hidden)
        logits = self.norm(x) @ self.words.weight.T
        return F.cross_entropy(logits.view(-1, vocab), following.view(-1))


model = Model()
try:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, foreach=True)
except TypeError:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
for _ in sys.stdin:
    tokens, following = torch.randint(0, vocab, (2, batch, context))
    begin = time.perf_counter()
    loss = model(tokens, following)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    print(time.perf_counter() - begin, batch * context, "nan", flush=True)
