/* Denormal numbers: those closer to 0 than 2^-126 in float32, with which a processor computes up to a hundred times
 * slower. Moments of Adam that decay, and activations that fade, become denormal.
 *
 * Method  A float32 kernel takes denormals for zeros, and writes zeros in their place. A kernel that Cython calls
 *         begins with FLUSH_DENORMALS: until it returns, its thread is in that floating-point mode (FTZ and DAZ on
 *         x86, FZ on ARM), and then again in the one that it came with. A thread of the pool takes over the mode of
 *         the thread whose job it works on, so that no result depends on the number of threads.
 * Edges   float64 kernels compute in the mode that they find, and so do all while the setting is off.
 */
#ifndef FCN_DENORMALS_H
#define FCN_DENORMALS_H

#include <stdint.h>

/* A thread's floating-point control register. */
typedef uint64_t fcn_float_mode;

/* One setting for the process; returns whether this architecture can flush. */
int fcn_set_flush_denormals(int flush);
int fcn_get_flush_denormals(void);

fcn_float_mode fcn_get_float_mode(void);
void fcn_set_float_mode(fcn_float_mode mode);

/* Flush denormals from now on, if that is the setting; returns the mode that was left. */
fcn_float_mode fcn_begin_flush(void);
void fcn_end_flush(const fcn_float_mode *before);

/* To the end of the block. */
#if FCN_REAL_BYTES == 4
#define FLUSH_DENORMALS                                                                                      \
    const fcn_float_mode mode_before __attribute__((cleanup(fcn_end_flush), unused)) = fcn_begin_flush()
#else
#define FLUSH_DENORMALS ((void)0)
#endif

#endif
