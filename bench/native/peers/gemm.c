// A matrix product by the installed BLAS.  usage: gemm M N K
#include "peer.h"
#include <cblas.h>

int main(int argc, char **argv) {
  long m = atol(argv[1]), n = atol(argv[2]), k = atol(argv[3]);
  float *a = memory(m * k * 4), *b = memory(k * n * 4), *c = memory(m * n * 4);
  for (long i = 0; i < m; i++)
    for (long j = 0; j < k; j++) a[i * k + j] = (float)sin(0.1 * (1 + i) * (1 + j));
  for (long i = 0; i < k; i++)
    for (long j = 0; j < n; j++) b[i * n + j] = (float)cos(0.1 * (1 + i) + 0.3 * j);
  double flops = 2.0 * m * n * k;
  int times = (int)(1e11 / flops) + 1;
  while (requested()) {
    begin();
    for (int i = 0; i < times; i++) cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
    answer(end(), flops * times, c[m / 2 * n + n / 3]);
  }
}
