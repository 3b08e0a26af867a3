/* Loops over many items, cut into chunks that threads share; and the number of threads that kernels use.
 *
 * No kernel's result depends on the number of threads. Each item of a parallel loop writes to places of its
 * own, and a sum over images is the sum of fixed parts, added in order (common/slots.h).
 */
#ifndef FCN_PARALLEL_H
#define FCN_PARALLEL_H

#include <stddef.h>

/* A loop of fewer elements than this runs on its caller alone: waking a thread would take longer. */
#define FCN_SERIAL_BELOW 32768
/* Elements of a chunk, some microseconds' work. */
#define FCN_CHUNK_ELEMENTS 16384
/* So many products of a convolution or of a GEMM take as long as one element of other loops. */
#define FCN_PRODUCTS_PER_ELEMENT 8.0

/* The number is one for the whole process. */
int fcn_get_threads(void);
void fcn_set_threads(int threads);

/* The body of a loop: it does the items first to last - 1, on the thread with this number (from 0). */
typedef void fcn_loop(const void *context, ptrdiff_t first, ptrdiff_t last, int thread);

/* Call loop(context, first, last, thread) for chunks that together hold each of the items 0 to count - 1
 * once, on up to `threads` threads. An item takes as long as `elements` elements. That is a double because
 * the taps of a window may be far more than the pixels of its image, and overflow an integer. */
void fcn_parallel_for(ptrdiff_t count, double elements, int threads, fcn_loop *loop, const void *context);

#endif
