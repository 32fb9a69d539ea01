// Limits of the machine.  usage: limits copy BYTES | fma32 | fma64
//   copy   BYTES of reading and writing are one unit of work: an array is copied to another with streaming stores
//   fma32  flops of independent fused multiply-adds
#include "peer.h"
#include <immintrin.h>

#if defined(__AVX512F__)
typedef __m512 vec;
#define STREAM(p, v) _mm512_stream_ps(p, v)
#define LOAD(p) _mm512_load_ps(p)
#else
typedef __m256 vec;
#define STREAM(p, v) _mm256_stream_ps(p, v)
#define LOAD(p) _mm256_load_ps(p)
#endif
enum { LANES = sizeof(vec) / sizeof(float), CHAINS = 12 };
typedef float lanes32 __attribute__((vector_size(sizeof(vec))));
typedef double lanes64 __attribute__((vector_size(sizeof(vec))));

#define FMA(NAME, T, S)                                              \
  static double NAME(long turns) {                                   \
    double all = 0;                                                  \
    _Pragma("omp parallel reduction(+ : all)") {                     \
      T a[CHAINS], x = (T){} + (S)1.0000001, y = (T){} + (S)1e-9;    \
      for (int i = 0; i < CHAINS; i++) a[i] = (T){} + (S)i;          \
      for (long k = 0; k < turns; k++) {                             \
        _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) a[i] = a[i] * x + y; \
        __asm__ volatile("" ::: );                                   \
      }                                                              \
      for (int i = 0; i < CHAINS; i++) all += a[i][0];               \
    }                                                                \
    return all;                                                      \
  }
FMA(fma32, lanes32, float)
FMA(fma64, lanes64, double)

int main(int argc, char **argv) {
  const char *what = argv[1];
  if (!strcmp(what, "copy")) {
    double bytes = atof(argv[2]);
    size_t n = (size_t)1 << 27;
    float *a = memory(n * 4), *b = memory(n * 4);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) a[i] = b[i] = i & 255;
    while (requested()) {
      begin();
      for (int r = 0; r < 3; r++) {
#pragma omp parallel for schedule(static)
        for (size_t i = 0; i < n; i += LANES) STREAM(b + i, LOAD(a + i));
      }
      answer(end(), 3 * 8.0 * n / bytes, NAN);
    }
    return 0;
  }
  int wide = !strcmp(what, "fma64");
  long turns = 20000000;
  while (requested()) {
    begin();
    volatile double sink = wide ? fma64(turns) : fma32(turns);
    (void)sink;
    answer(end(), 2.0 * turns * CHAINS * (sizeof(vec) / (wide ? 8 : 4)) * omp_get_max_threads(), NAN);
  }
}
