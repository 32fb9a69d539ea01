"""The heat equation of heat.c with numba's parallel loops.   usage: heat_numba.py DIM N STEPS"""
import sys
import time

import numpy as np
from numba import njit, prange

dim, n, steps = map(int, sys.argv[1:4])
rate = np.float32(0.125)


@njit(parallel=True, fastmath=True)
def step3(a, b):
    for z in prange(1, n - 1):
        for y in range(1, n - 1):
            for x in range(1, n - 1):
                c = a[z, y, x]
                s = a[z, y, x - 1] + a[z, y, x + 1] + a[z, y - 1, x] + a[z, y + 1, x] + a[z - 1, y, x] + a[z + 1, y, x]
                b[z, y, x] = c + rate * (s - np.float32(6) * c)


@njit(parallel=True, fastmath=True)
def step2(a, b):
    for y in prange(1, n - 1):
        for x in range(1, n - 1):
            c = a[y, x]
            b[y, x] = c + rate * (a[y, x - 1] + a[y, x + 1] + a[y - 1, x] + a[y + 1, x] - np.float32(4) * c)


h = np.arange(n) / (n - 1)
first = np.multiply.outer(h * np.sin(np.pi * h), np.sin(np.pi * h))
if dim == 3:
    first = np.multiply.outer(first, np.sin(np.pi * h))
first = first.astype(np.float32)
for _ in sys.stdin:
    a, b = first.copy(), first.copy()
    begin = time.perf_counter()
    for _ in range(steps):
        (step3 if dim == 3 else step2)(a, b)
        a, b = b, a
    seconds = time.perf_counter() - begin
    print(seconds, a.size * steps, a[n // 3, n // 2, n // 4] if dim == 3 else a[n // 3, n // 2], flush=True)
