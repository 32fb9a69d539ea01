"""The heat equation of heat.c with Devito, blocks tuned.   usage: heat_devito.py DIM N STEPS"""
import sys
import time

import numpy as np
from devito import Eq, Grid, Operator, TimeFunction, configuration

dim, n, steps = map(int, sys.argv[1:4])
configuration["log-level"] = "ERROR"
configuration["language"] = "openmp"
grid = Grid(shape=(n,) * dim)
u = TimeFunction(name="u", grid=grid, time_order=1, space_order=2, dtype=np.float32)
around = sum(u.subs(d, d + s * d.spacing) for d in grid.dimensions for s in (-1, 1))
op = Operator([Eq(u.forward, u + 0.125 * (around - 2 * dim * u), subdomain=grid.interior)])
h = np.arange(n) / (n - 1)
first = np.multiply.outer(h * np.sin(np.pi * h), np.sin(np.pi * h))
if dim == 3:
    first = np.multiply.outer(first, np.sin(np.pi * h))
op.apply(time_M=steps - 1, autotune=("basic", "runtime"))
for _ in sys.stdin:
    u.data[:] = first
    begin = time.perf_counter()
    op.apply(time_m=0, time_M=steps - 1)
    seconds = time.perf_counter() - begin
    a = u.data[steps % 2]
    print(seconds, first.size * steps, a[n // 3, n // 2, n // 4] if dim == 3 else a[n // 3, n // 2], flush=True)
