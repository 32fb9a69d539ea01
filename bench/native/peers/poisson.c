// Poisson -lap(u) = f in f64 on the unit cube by hand: N^3 cells, u = 0 on the walls, matrix-free, to a relative residual of 1e-6.
//   usage: poisson N cg | multigrid
//   cg         plain conjugate gradients, both updates of a pass fused with their sums; work is cells times iterations
//   multigrid  V(2,1) cycles, red-black Gauss-Seidel, piecewise constant restriction, linear interpolation; work is one solve
// Fields have a layer of ghosts: the value beyond a wall is minus the value before it. The equation is scaled by h*h.
#include "peer.h"

typedef struct {
  int n;
  double *u, *f, *r;
} level;

static size_t at(int n, int z, int y, int x) { return ((size_t)z * (n + 2) + y) * (n + 2) + x; }
static double *field(int n) {
  size_t all = (size_t)(n + 2) * (n + 2) * (n + 2), plane = (size_t)(n + 2) * (n + 2);
  double *p = memory(all * sizeof *p);
#pragma omp parallel for schedule(static)
  for (int z = 0; z < n + 2; z++) memset(p + z * plane, 0, plane * sizeof *p);
  return p;
}

static void walls(double *u, int n) {
#pragma omp parallel for schedule(static)
  for (int a = 1; a <= n; a++) {
    for (int b = 1; b <= n; b++) {
      u[at(n, a, b, 0)] = -u[at(n, a, b, 1)], u[at(n, a, b, n + 1)] = -u[at(n, a, b, n)];
      u[at(n, a, 0, b)] = -u[at(n, a, 1, b)], u[at(n, a, n + 1, b)] = -u[at(n, a, n, b)];
      u[at(n, 0, a, b)] = -u[at(n, 1, a, b)], u[at(n, n + 1, a, b)] = -u[at(n, n, a, b)];
    }
  }
}

#define AROUND(p) ((p[x - 1] + p[x + 1]) + (p[x - row] + p[x + row]) + (p[x - plane] + p[x + plane]))

// smooth is one red-black sweep.
static void smooth(level *l, int first) {
  int n = l->n;
  long row = n + 2, plane = row * row;
  for (int half = 0; half < 2; half++) {
    int color = first ^ half;
    walls(l->u, n);
#pragma omp parallel for schedule(static)
    for (int z = 1; z <= n; z++)
      for (int y = 1; y <= n; y++) {
        double *u = l->u + at(n, z, y, 0);
        const double *f = l->f + at(n, z, y, 0);
        for (int x = 1 + ((z + y + color) & 1); x <= n; x += 2) u[x] = (f[x] + AROUND(u)) * (1.0 / 6);
      }
  }
}

static double residual(level *l) {
  int n = l->n;
  long row = n + 2, plane = row * row;
  double all = 0;
  walls(l->u, n);
#pragma omp parallel for schedule(static) reduction(+ : all)
  for (int z = 1; z <= n; z++)
    for (int y = 1; y <= n; y++) {
      const double *u = l->u + at(n, z, y, 0), *f = l->f + at(n, z, y, 0);
      double *r = l->r + at(n, z, y, 0), sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int x = 1; x <= n; x++) {
        double v = f[x] - (6 * u[x] - AROUND(u));
        r[x] = v, sum += v * v;
      }
      all += sum;
    }
  return all;
}

static void cycle(level *l, int depth) {
  if (depth == 1) {
    for (int i = 0; i < 20; i++) smooth(l, 0);
    return;
  }
  smooth(l, 0), smooth(l, 0);
  residual(l);
  level *c = l + 1;
  int n = l->n, m = c->n;
  long row = n + 2, plane = row * row;
#pragma omp parallel for schedule(static)
  for (int z = 1; z <= m; z++)
    for (int y = 1; y <= m; y++)
      for (int x = 1; x <= m; x++) {
        const double *r = l->r + at(n, 2 * z - 1, 2 * y - 1, 2 * x - 1);
        double sum = r[0] + r[1] + r[row] + r[row + 1] + r[plane] + r[plane + 1] + r[plane + row] + r[plane + row + 1];
        c->f[at(m, z, y, x)] = 0.5 * sum; // (2h)^2/h^2 times the mean
        c->u[at(m, z, y, x)] = 0;
      }
  cycle(c, depth - 1);
  walls(c->u, m);
  long crow = m + 2, cplane = crow * crow;
#pragma omp parallel for schedule(static)
  for (int z = 1; z <= n; z++)
    for (int y = 1; y <= n; y++) {
      double *u = l->u + at(n, z, y, 0);
      const double *v = c->u + at(m, (z + 1) / 2, (y + 1) / 2, 0);
      long dz = z & 1 ? -cplane : cplane, dy = y & 1 ? -crow : crow;
      for (int x = 1; x <= n; x++) {
        const double *w = v + (x + 1) / 2;
        u[x] += w[0] + 0.25 * ((w[dz] - w[0]) + (w[dy] - w[0]) + (w[x & 1 ? -1 : 1] - w[0]));
      }
    }
  smooth(l, 1);
}

// conjugate returns the iterations.
static int conjugate(level *l, double *p, double *q) {
  int n = l->n, k = 0;
  long row = n + 2, plane = row * row;
  double rr = 0, *r = l->r, *u = l->u;
#pragma omp parallel for schedule(static) reduction(+ : rr)
  for (int z = 1; z <= n; z++)
    for (int y = 1; y <= n; y++)
      for (int x = 1; x <= n; x++) {
        size_t i = at(n, z, y, x);
        u[i] = 0, r[i] = p[i] = l->f[i], rr += r[i] * r[i];
      }
  double stop = 1e-12 * rr;
  for (; rr > stop && k < 5000; k++) {
    double pq = 0, next = 0;
    walls(p, n);
#pragma omp parallel for schedule(static) reduction(+ : pq)
    for (int z = 1; z <= n; z++)
      for (int y = 1; y <= n; y++) {
        const double *c = p + at(n, z, y, 0);
        double *o = q + at(n, z, y, 0), sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int x = 1; x <= n; x++) {
          double v = 6 * c[x] - AROUND(c);
          o[x] = v, sum += v * c[x];
        }
        pq += sum;
      }
    double a = rr / pq;
#pragma omp parallel for schedule(static) reduction(+ : next)
    for (int z = 1; z <= n; z++)
      for (int y = 1; y <= n; y++) {
        size_t b = at(n, z, y, 0);
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int x = 1; x <= n; x++) {
          u[b + x] += a * p[b + x];
          double v = r[b + x] - a * q[b + x];
          r[b + x] = v, sum += v * v;
        }
        next += sum;
      }
    double s = next / rr;
    rr = next;
#pragma omp parallel for schedule(static)
    for (int z = 1; z <= n; z++)
      for (int y = 1; y <= n; y++) {
        size_t b = at(n, z, y, 0);
#pragma omp simd
        for (int x = 1; x <= n; x++) p[b + x] = r[b + x] + s * p[b + x];
      }
  }
  return k;
}

int main(int argc, char **argv) {
  int n = atoi(argv[1]), cg = !strcmp(argv[2], "cg"), depth = 1;
  level l[16];
  for (int k = 0, m = n;; k++, m /= 2) {
    l[k] = (level){m, field(m), field(m), field(m)};
    depth = k + 1;
    if (cg || m % 2 || m <= 4) break;
  }
  double *p = cg ? field(n) : 0, *q = cg ? field(n) : 0, norm = 0, h = 1.0 / n;
  for (int z = 1; z <= n; z++)
    for (int y = 1; y <= n; y++)
      for (int x = 1; x <= n; x++) {
        double f = sin(M_PI * (x - 0.5) * h) * sin(2 * M_PI * (y - 0.5) * h) * ((z - 0.5) * h) + ((x - 0.5) * h > 0.5 ? 1 : 0);
        l[0].f[at(n, z, y, x)] = f * h * h, norm += f * f * h * h * h * h;
      }
  while (requested()) {
    memset(l[0].u, 0, (size_t)(n + 2) * (n + 2) * (n + 2) * sizeof(double));
    begin();
    double work = 1;
    if (cg) work = (double)conjugate(l, p, q) * n * n * n;
    else
      for (int k = 0; k < 60; k++) {
        cycle(l, depth);
        if (residual(l) <= 1e-12 * norm) break;
      }
    double t = end();
    answer(t, work, l[0].u[at(n, n / 2, n / 3, n / 4)]);
  }
}
