/* Denormal numbers, which are closer to 0 than 2^-126 in float32, and slow a processor down up to a hundred
 * times. Moments of Adam that decay, and activations that fade, become denormal.
 *
 * Method  A float32 kernel reads denormals as zeros, and writes zeros in their place. A kernel that Cython
 *         calls begins with FLUSH_DENORMALS, which puts its thread into that floating-point mode (FTZ and DAZ
 *         on x86, FZ on ARM) and puts the mode before it back when the kernel returns. A worker takes over
 *         the mode of the thread whose job it works on, so no result depends on the number of threads.
 * Edges   float64 kernels leave the mode as it is, and so do all kernels while the setting is off.
 */
#ifndef FCN_DENORMALS_H
#define FCN_DENORMALS_H

#include <stdint.h>

/* A thread's floating-point control register. */
typedef uint64_t fcn_float_mode;

/* The setting is one for the whole process. Setting it returns whether this architecture can flush. */
int fcn_set_flush_denormals(int flush);
int fcn_get_flush_denormals(void);

fcn_float_mode fcn_get_float_mode(void);
void fcn_set_float_mode(fcn_float_mode mode);

/* Flush denormals from now on, if that is the setting; return the mode before. */
fcn_float_mode fcn_begin_flush(void);
void fcn_end_flush(const fcn_float_mode *before);

/* Flush denormals to the end of the block that this stands in. */
#if FCN_REAL_BYTES == 4
#define FLUSH_DENORMALS                                                                                      \
    const fcn_float_mode mode_before __attribute__((cleanup(fcn_end_flush), unused)) = fcn_begin_flush()
#else
#define FLUSH_DENORMALS ((void)0)
#endif

#endif
