// What the peers in C share: see the protocol in peer.go.
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static double clock_begin;

// go waits for the request of a sample; 0 when there will be none.
static int requested(void) {
  char line[16];
  return fgets(line, sizeof line, stdin) != NULL;
}
static void begin(void) { clock_begin = omp_get_wtime(); }
static double end(void) { return omp_get_wtime() - clock_begin; }
static void answer(double seconds, double work, double check) {
  printf("%.9g %.9g %.9g\n", seconds, work, check);
  fflush(stdout);
}

// memory on large pages, not yet touched.
static void *memory(size_t bytes) {
  size_t page = 2u << 20, n = (bytes + page - 1) / page * page;
  void *p = aligned_alloc(page, n);
  if (!p) { fprintf(stderr, "no memory for %zu bytes\n", bytes); exit(1); }
  madvise(p, n, MADV_HUGEPAGE);
  return p;
}
