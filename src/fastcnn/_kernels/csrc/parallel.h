/* Threads, behind one module: OpenMP where the compiler has it, serial where it has not.
 *
 * No kernel's result depends on the number of threads: a loop that runs in parallel writes to places of
 * its own in every iteration, and sums over images are taken over fixed slots, in order (see
 * FCN_SUM_SLOTS).
 */
#ifndef FCN_PARALLEL_H
#define FCN_PARALLEL_H

#include <stddef.h>

/* A sum over images is cut into this many runs of images at the most, whatever the number of threads. */
#define FCN_SUM_SLOTS 16
/* Fewer elements than this are not worth waking a thread for. */
#define FCN_SERIAL_BELOW 32768

int fcn_get_threads(void);
void fcn_set_threads(int threads);
int fcn_has_openmp(void);

/* Threads for a loop over about `elements` elements. */
static inline int fcn_threads_for(ptrdiff_t elements)
{
    return elements < FCN_SERIAL_BELOW ? 1 : fcn_get_threads();
}

#ifdef _OPENMP
#include <omp.h>
#define FCN_PRAGMA(text) _Pragma(#text)
#define FCN_PARALLEL_FOR(threads) FCN_PRAGMA(omp parallel for schedule(static) num_threads(threads))
#define FCN_PARALLEL_FOR_DYNAMIC(threads) FCN_PRAGMA(omp parallel for schedule(dynamic) num_threads(threads))
static inline int fcn_thread(void) { return omp_get_thread_num(); }
#else
#define FCN_PARALLEL_FOR(threads) (void)(threads);
#define FCN_PARALLEL_FOR_DYNAMIC(threads) (void)(threads);
static inline int fcn_thread(void) { return 0; }
#endif

#endif
