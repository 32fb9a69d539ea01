// Explicit heat equation in f32 by hand, on a box of nodes whose ends stay fixed: u += r*(neighbours - 2*dim*u).
//   usage: heat DIM N STEPS KIND [TIMES] [ROWS]
//   plain   two arrays, one sweep per step
//   blocked rows of a block are swept through all planes, so that three planes of it stay in cache (three dimensions)
//   stream  the same with stores past the cache
//   tiled   TIMES steps at once: tiles of ROWS rows go through the planes with a small ring of planes per level (Nguyen et al. 2010, 3.5-D
//           blocking), each level one plane behind the one before; tiles overlap by TIMES rows
#include "peer.h"
#include <immintrin.h>

static const float rate = 0.125f;
static int dim, times = 8, rows = 32;
static long n, plane; // elements of a plane; in two dimensions of a row

typedef void sweep(float *to, const float *at, const float *before, const float *after, const float *low, const float *high);

// One row of the interior: before/after are the rows beside it in its plane, low/high those of the planes beside it.
#define ROW3(STORE)                                                                                                        \
  for (long x = 1; x < n - 1; x++)                                                                                         \
    STORE(to + x, at[x] + rate * ((((at[x - 1] + at[x + 1]) + (before[x] + after[x])) + (low[x] + high[x])) - 6 * at[x]))
#define ROW2(STORE)                                                                              \
  for (long x = 1; x < n - 1; x++)                                                               \
    STORE(to + x, at[x] + rate * (((at[x - 1] + at[x + 1]) + (low[x] + high[x])) - 4 * at[x]))
#define KEEP(p, v) (*(p) = (v))

static void row3(float *restrict to, const float *restrict at, const float *restrict before, const float *restrict after,
                 const float *restrict low, const float *restrict high) {
#pragma omp simd
  ROW3(KEEP);
  to[0] = at[0], to[n - 1] = at[n - 1];
}
static void row2(float *restrict to, const float *restrict at, const float *before, const float *after, const float *restrict low,
                 const float *restrict high) {
  (void)before, (void)after;
#pragma omp simd
  ROW2(KEEP);
  to[0] = at[0], to[n - 1] = at[n - 1];
}

// The same in vectors made by hand, aligned, ends included; past: with stores past the cache.
#if defined(__AVX512F__)
enum { LANES = 16 };
typedef __m512 vec;
#define AT(p) _mm512_loadu_ps(p)
#define PUT(p, v) (past ? _mm512_stream_ps(p, v) : _mm512_store_ps(p, v))
#define ADD _mm512_add_ps
#define MUL _mm512_mul_ps
#define SET _mm512_set1_ps
#define MADD _mm512_fmadd_ps
#else
enum { LANES = 8 };
typedef __m256 vec;
#define AT(p) _mm256_loadu_ps(p)
#define PUT(p, v) (past ? _mm256_stream_ps(p, v) : _mm256_store_ps(p, v))
#define ADD _mm256_add_ps
#define MUL _mm256_mul_ps
#define SET _mm256_set1_ps
#define MADD(a, b, c) _mm256_add_ps(_mm256_mul_ps(a, b), c)
#endif
static inline __attribute__((always_inline)) void vectors(float *restrict to, const float *restrict at, const float *restrict before,
    const float *restrict after, const float *restrict low, const float *restrict high, int three, int past) {
  vec r = SET(rate), keep = SET(1 - (three ? 6 : 4) * rate);
  float first = at[0], last = at[n - 1];
  for (long x = 0; x < n; x += LANES) {
    vec sum = ADD(ADD(AT(at + x - 1), AT(at + x + 1)), ADD(AT(low + x), AT(high + x)));
    if (three) sum = ADD(sum, ADD(AT(before + x), AT(after + x)));
    vec v = MADD(r, sum, MUL(keep, AT(at + x)));
    if (x == 0) v[0] = first;
    if (x + LANES == n) v[LANES - 1] = last;
    PUT(to + x, v);
  }
}
static void past3(float *to, const float *at, const float *before, const float *after, const float *low, const float *high) {
  vectors(to, at, before, after, low, high, 1, 1);
}
static void past2(float *to, const float *at, const float *before, const float *after, const float *low, const float *high) {
  vectors(to, at, before, after, low, high, 0, 1);
}
static void near3(float *to, const float *at, const float *before, const float *after, const float *low, const float *high) {
  vectors(to, at, before, after, low, high, 1, 0);
}
static void near2(float *to, const float *at, const float *before, const float *after, const float *low, const float *high) {
  vectors(to, at, before, after, low, high, 0, 0);
}

static void steps_plain(float *a, float *b, int steps, int blocked, sweep *row) {
  for (int s = 0; s < steps; s++) {
    if (dim == 2) {
#pragma omp parallel for schedule(static)
      for (long y = 1; y < n - 1; y++) { long i = y * n; row(b + i, a + i, a, a, a + i - n, a + i + n); }
    } else if (!blocked) {
#pragma omp parallel for schedule(static)
      for (long z = 1; z < n - 1; z++)
        for (long y = 1; y < n - 1; y++) {
          long i = z * plane + y * n;
          row(b + i, a + i, a + i - n, a + i + n, a + i - plane, a + i + plane);
        }
    } else {
#pragma omp parallel for schedule(static)
      for (long y0 = 1; y0 < n - 1; y0 += rows)
        for (long z = 1; z < n - 1; z++)
          for (long y = y0; y < y0 + rows && y < n - 1; y++) {
            long i = z * plane + y * n;
            row(b + i, a + i, a + i - n, a + i + n, a + i - plane, a + i + plane);
          }
    }
    float *t = a; a = b; b = t;
  }
}

// tile takes rows [lo, hi) of all planes (in two dimensions: planes [lo, hi), which are rows) through `levels` steps, from a into b.
static void tile(const float *a, float *b, int levels, long lo, long hi, float *ring) {
  int flat = dim == 2;
  long first = flat ? (lo - levels > 0 ? lo - levels : 0) : 0, last = flat ? (hi + levels < n ? hi + levels : n) : n;
  long base = flat ? 0 : lo - levels, height = flat ? 1 : hi - lo + 2 * levels, size = height * n;
#define PLANE(level, p, y)                                                                                  \
  ((level) == 0 ? (float *)a + (p) * plane + (y) * (flat ? 0 : n)                                           \
                : ring + ((((level) - 1) * 4 + ((p) & 3)) * size) + (flat ? 0 : ((y) - base) * n))
  for (long front = first; front < last + levels; front++)
    for (int l = 1; l <= levels; l++) {
      long p = front - (l - 1), shrink = levels - l;
      if (p < first || p >= last || (flat && (p < lo - shrink || p >= hi + shrink))) continue;
      long y0 = flat ? 0 : lo - shrink, y1 = flat ? 1 : hi + shrink;
      if (y0 < 0) y0 = 0;
      if (y1 > n) y1 = n;
      for (long y = y0; y < y1; y++) {
        float *to = l == levels ? b + p * plane + (flat ? 0 : y * n) : PLANE(l, p, y);
        const float *at = PLANE(l - 1, p, y);
        if (p == 0 || p == n - 1 || (!flat && (y == 0 || y == n - 1))) memcpy(to, at, n * sizeof *to);
        else if (flat) (l == levels ? past2 : near2)(to, at, at, at, PLANE(l - 1, p - 1, 0), PLANE(l - 1, p + 1, 0));
        else (l == levels ? past3 : near3)(to, at, PLANE(l - 1, p, y - 1), PLANE(l - 1, p, y + 1), PLANE(l - 1, p - 1, y), PLANE(l - 1, p + 1, y));
      }
    }
}

static void steps_tiled(float *a, float *b, int steps) {
  for (int s = 0; s < steps; s += times) {
    int levels = steps - s < times ? steps - s : times;
#pragma omp parallel
    {
      long height = dim == 2 ? 1 : rows + 2 * levels;
      float *ring = (float *)memory(((size_t)levels * 4 * height * n + 64) * sizeof *ring) + 32;
      if (dim == 2) {
        long k = omp_get_num_threads(), i = omp_get_thread_num();
        tile(a, b, levels, n * i / k, n * (i + 1) / k, ring);
      } else {
#pragma omp for schedule(static)
        for (long y = 0; y < n; y += rows) tile(a, b, levels, y, y + rows < n ? y + rows : n, ring);
      }
      free(ring - 32);
    }
    float *t = a; a = b; b = t;
  }
}

static float initial(long i, long j, long k) {
  double h = 1.0 / (n - 1);
  return (float)(i * h * sin(M_PI * i * h) * sin(M_PI * j * h) * (dim == 3 ? sin(M_PI * k * h) : 1));
}

int main(int argc, char **argv) {
  dim = atoi(argv[1]), n = atol(argv[2]);
  int steps = atoi(argv[3]);
  const char *kind = argv[4];
  if (argc > 5) times = atoi(argv[5]);
  if (argc > 6) rows = atoi(argv[6]);
  plane = dim == 3 ? n * n : n;
  size_t all = dim == 3 ? (size_t)n * n * n : (size_t)n * n;
  float *a = (float *)memory((all + 64) * 4) + 32, *b = (float *)memory((all + 64) * 4) + 32;
  int turns = !strcmp(kind, "tiled") ? (steps + times - 1) / times : steps;
  while (requested()) {
#pragma omp parallel for schedule(static)
    for (long p = 0; p < (dim == 3 ? n : 1); p++)
      for (long y = 0; y < n; y++) {
        float v[n];
        for (long x = 0; x < n; x++) v[x] = dim == 3 ? initial(p, y, x) : initial(y, x, 0);
        long i = dim == 3 ? p * plane + y * n : y * n;
        memcpy(a + i, v, n * 4), memcpy(b + i, v, n * 4);
      }
    begin();
    if (!strcmp(kind, "tiled")) steps_tiled(a, b, steps);
    else if (!strcmp(kind, "stream")) steps_plain(a, b, steps, 1, dim == 3 ? past3 : past2);
    else steps_plain(a, b, steps, !strcmp(kind, "blocked"), dim == 3 ? row3 : row2);
    double t = end();
    const float *u = turns & 1 ? b : a;
    long i = n / 3, j = n / 2, k = n / 4;
    answer(t, (double)all * steps, dim == 3 ? u[i * plane + j * n + k] : u[i * n + j]);
  }
}
