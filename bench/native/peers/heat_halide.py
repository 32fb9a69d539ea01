"""The heat equation of heat.c in Halide, STAGES steps in a pipeline, scheduled by hand: rows of tiles in parallel, each stage as far ahead
as the next one reads, vectors along x.   usage: heat_halide.py DIM N STEPS STAGES"""
import sys
import time

import halide as hl
import numpy as np

dim, n, steps, stages = map(int, sys.argv[1:5])
x, y, z, yo, yi, zo, zi, xi = (hl.Var(v) for v in ("x", "y", "z", "yo", "yi", "zo", "zi", "xi"))
at = [x, y, z][:dim]
rate = hl.f32(0.125)
source = hl.ImageParam(hl.Float(32), dim)
chain = [hl.BoundaryConditions.constant_exterior(source, hl.f32(0), [(0, n)] * dim)]
for k in range(stages):
    a, b = chain[-1], hl.Func("step%d" % k)
    around = sum(a[tuple(v + s if v is d else v for v in at)] for d in at for s in (-1, 1))
    inner = hl.likely(at[0] > 0)
    for d in at:
        inner = inner & hl.likely(d > 0) & hl.likely(d < n - 1)
    b[tuple(at)] = hl.select(inner, a[tuple(at)] + rate * (around - hl.f32(2 * dim) * a[tuple(at)]), hl.f32(0))
    chain.append(b)
last = chain[-1]
if dim == 3:
    last.split(z, zo, zi, n // 2).split(y, yo, yi, 64).reorder(x, yi, zi, yo, zo).fuse(yo, zo, zo).parallel(zo).vectorize(x, 16)
    for f in chain[1:-1]:
        f.store_at(last, zo).compute_at(last, zi).vectorize(x, 16)
else:
    last.split(y, yo, yi, n // 2).reorder(x, yi, yo).parallel(yo).vectorize(x, 16)
    for f in chain[1:-1]:
        f.store_at(last, yo).compute_at(last, yi).vectorize(x, 16)
last.compile_jit(hl.get_jit_target_from_environment() if hasattr(hl, "get_jit_target_from_environment") else hl.get_host_target())

h = np.arange(n) / (n - 1)
first = np.multiply.outer(h * np.sin(np.pi * h), np.sin(np.pi * h))
if dim == 3:
    first = np.multiply.outer(first, np.sin(np.pi * h))
first = np.asfortranarray(first.astype(np.float32).transpose())
for _ in sys.stdin:
    a, b = hl.Buffer(first.copy(order="F")), hl.Buffer(first.copy(order="F"))
    begin = time.perf_counter()
    for _ in range(steps // stages):
        source.set(a)
        last.realize(b)
        a, b = b, a
    seconds = time.perf_counter() - begin
    r = np.array(a)
    print(seconds, r.size * (steps // stages * stages), r[n // 4, n // 2, n // 3] if dim == 3 else r[n // 2, n // 3], flush=True)
