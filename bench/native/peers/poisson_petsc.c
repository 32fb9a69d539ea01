// The problem of poisson.c with PETSc: an assembled matrix on a DMDA. The solver is that of the command line; process 0 talks.
//   usage: poisson_petsc N -ksp_type .. -pc_type ..
#include <unistd.h>
#include "peer.h"
#include <petscdmda.h>
#include <petscksp.h>

static double source(int n, int z, int y, int x) {
  double h = 1.0 / n;
  return (sin(M_PI * (x + 0.5) * h) * sin(2 * M_PI * (y + 0.5) * h) * ((z + 0.5) * h) + ((x + 0.5) * h > 0.5 ? 1 : 0)) * h * h;
}

int main(int argc, char **argv) {
  int n = atoi(argv[1]);
  DM da;
  Mat A;
  Vec b, u;
  KSP ksp;
  PetscInitialize(&argc, &argv, 0, 0);
  DMDACreate3d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, n, n, n, PETSC_DECIDE, PETSC_DECIDE,
               PETSC_DECIDE, 1, 1, 0, 0, 0, &da);
  DMSetFromOptions(da), DMSetUp(da);
  DMCreateMatrix(da, &A), DMCreateGlobalVector(da, &b), VecDuplicate(b, &u);
  PetscInt x0, y0, z0, w, h, d;
  DMDAGetCorners(da, &x0, &y0, &z0, &w, &h, &d);
  PetscScalar ***f;
  DMDAVecGetArray(da, b, &f);
  for (PetscInt z = z0; z < z0 + d; z++)
    for (PetscInt y = y0; y < y0 + h; y++)
      for (PetscInt x = x0; x < x0 + w; x++) {
        MatStencil row = {.i = x, .j = y, .k = z}, col[7];
        PetscScalar v[7];
        int m = 1, by[6][3] = {{-1, 0, 0}, {1, 0, 0}, {0, -1, 0}, {0, 1, 0}, {0, 0, -1}, {0, 0, 1}};
        col[0] = row, v[0] = 6;
        for (int k = 0; k < 6; k++) {
          PetscInt i = x + by[k][0], j = y + by[k][1], l = z + by[k][2];
          if (i < 0 || j < 0 || l < 0 || i >= n || j >= n || l >= n) v[0] += 1; // the ghost is minus the cell
          else col[m] = (MatStencil){.i = i, .j = j, .k = l}, v[m++] = -1;
        }
        MatSetValuesStencil(A, 1, &row, m, col, v, INSERT_VALUES);
        f[z][y][x] = source(n, z, y, x);
      }
  DMDAVecRestoreArray(da, b, &f);
  MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY), MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY);
  MatSetOption(A, MAT_SPD, PETSC_TRUE);
  KSPCreate(PETSC_COMM_WORLD, &ksp);
  KSPSetDM(ksp, da), KSPSetDMActive(ksp, PETSC_FALSE), KSPSetOperators(ksp, A, A);
  KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED);
  KSPSetTolerances(ksp, 1e-6, 1e-50, 1e5, 5000), KSPSetFromOptions(ksp), KSPSetUp(ksp);
  KSPType type;
  KSPGetType(ksp, &type);
  PC pc;
  PCType kind;
  KSPGetPC(ksp, &pc), PCGetType(pc, &kind);
  int plain = !strcmp(kind, PCNONE);
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  for (;;) {
    int more = rank == 0 && requested();
    // Ranks that wait in a broadcast keep their cores busy; others take their samples meanwhile.
    MPI_Request request;
    MPI_Ibcast(&more, 1, MPI_INT, 0, PETSC_COMM_WORLD, &request);
    for (int done = 0; MPI_Test(&request, &done, MPI_STATUS_IGNORE), !done;) usleep(1000);
    if (!more) break;
    VecSet(u, 0);
    MPI_Barrier(PETSC_COMM_WORLD);
    begin();
    KSPSolve(ksp, b, u);
    double t = end();
    PetscInt its;
    KSPConvergedReason why;
    KSPGetIterationNumber(ksp, &its), KSPGetConvergedReason(ksp, &why);
    DMDAVecGetArray(da, u, &f);
    PetscInt z = n / 2 - 1, y = n / 3 - 1, x = n / 4 - 1;
    double check = 0, here = z >= z0 && z < z0 + d && y >= y0 && y < y0 + h && x >= x0 && x < x0 + w ? f[z][y][x] : 0;
    DMDAVecRestoreArray(da, u, &f);
    MPI_Reduce(&here, &check, 1, MPI_DOUBLE, MPI_SUM, 0, PETSC_COMM_WORLD);
    if (rank == 0) answer(t, plain ? (double)its * n * n * n : 1, why > 0 ? check : NAN); // iterations may be limited
  }
  PetscFinalize();
}
