/* The number of threads that kernels use: one setting for the process. */
#include "parallel.h"

static int threads_in_use = 1;

int fcn_get_threads(void) { return threads_in_use; }
void fcn_set_threads(int threads) { threads_in_use = threads; }

int fcn_has_openmp(void)
{
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}
