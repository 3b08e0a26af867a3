/* The floating-point mode that kernels compute in, which is not the caller's: rounding to nearest, without
 * traps, and in float32 without denormals. Those are closer to 0 than 2^-126, and slow a processor down up to
 * a hundred times. Moments of Adam that decay, and activations that fade, become denormal.
 *
 * Method  A kernel that Cython calls begins with OWN_FLOAT_MODE, which puts its thread into this mode (on x86
 *         with FTZ and DAZ, on ARM with FZ) and puts back the mode before it when the kernel returns, along
 *         with what that says of exceptions that have occurred. A worker takes over the mode of the thread
 *         whose job it works on. So no result depends on the number of threads, or on what else the process
 *         does.
 * Edges   float64 kernels, and all while the setting is off, compute with denormals. On ARM, exceptions that
 *         have occurred are noted in another register and stay there.
 */
#ifndef FCN_FLOAT_MODE_H
#define FCN_FLOAT_MODE_H

#include <stdint.h>

/* A thread's floating-point control register. */
typedef uint64_t fcn_float_mode;

/* Whether float32 kernels flush denormals, for the whole process. Setting it returns whether this
 * architecture can flush. */
int fcn_set_flush_denormals(int flush);
int fcn_get_flush_denormals(void);

fcn_float_mode fcn_get_float_mode(void);
void fcn_set_float_mode(fcn_float_mode mode);

/* Compute in the kernels' own mode from now on; return the mode before. */
fcn_float_mode fcn_begin_float_mode(int is_float32);
void fcn_end_float_mode(const fcn_float_mode *before);

/* Compute in it to the end of the block that this stands in. */
#define OWN_FLOAT_MODE                                                                                       \
    const fcn_float_mode mode_before __attribute__((cleanup(fcn_end_float_mode), unused)) =                  \
        fcn_begin_float_mode(FCN_REAL_BYTES == 4)

#endif
