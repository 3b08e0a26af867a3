/* Loops over many items, shared out among threads; and the number of threads that kernels use.
 *
 * No kernel's result depends on the number of threads: a loop that runs in parallel writes to places of its own
 * for every item, and sums over images are taken over fixed slots, in order (see FCN_SUM_SLOTS).
 */
#ifndef FCN_PARALLEL_H
#define FCN_PARALLEL_H

#include <stddef.h>

/* A sum over images is cut into this many runs of images at the most, whatever the number of threads. */
#define FCN_SUM_SLOTS 16
/* Fewer elements than this are not worth waking a thread for. */
#define FCN_SERIAL_BELOW 32768
/* A thread that has done this many elements, some microseconds' work, asks for more. */
#define FCN_RUN_ELEMENTS 16384
/* Products of a convolution or of a GEMM that take the time of one element of other loops. */
#define FCN_PRODUCTS_PER_ELEMENT 8.0

/* One setting for the process. */
int fcn_get_threads(void);
void fcn_set_threads(int threads);

/* The body of a loop: does the items first .. last - 1. Threads are numbered from 0. */
typedef void fcn_loop(const void *context, ptrdiff_t first, ptrdiff_t last, int thread);

/* Call loop(context, first, last, thread) for runs that cover the items 0 .. count - 1, each once, on up to
 * `threads` threads. An item is worth `elements` elements. They are counted in double: a window may have far more
 * taps than its image has pixels. */
void fcn_parallel_for(ptrdiff_t count, double elements, int threads, fcn_loop *loop, const void *context);

#endif
