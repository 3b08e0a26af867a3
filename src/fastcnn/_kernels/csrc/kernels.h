/* What the Cython modules call: pointers to the kernels of one instruction set and element type.
 *
 * There is an fcn_kernels for each pair of them; cpu.pyx chooses the instruction set when it is imported. The
 * engine's kernels are found in it by number, the eager ones are its members. Kernels never allocate, and run
 * without the GIL. Sizes and indices are ptrdiff_t, and count elements.
 */
#ifndef FCN_KERNELS_H
#define FCN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "eager/types.h"
#include "engine/program.h"
#include "threads/jobs.h"

/* The eager kernels, as eager/kernels.inc lists them. */
typedef struct {
#define EAGER_KERNEL(type, name, ...) type (*name)(__VA_ARGS__);
#include "eager/kernels.inc"
} fcn_eager;

typedef struct fcn_kernels {
    const char *element; /* the type's name, as NumPy says it */
    int stored_bytes, real_bytes, vector_bytes;
    int terms; /* of a multiply-add, see common/stored.h: where they are 2, there are no eager kernels */

    /* The engine's kernels in the layouts "images" (NULL where terms are 2) and "channels", by the numbers of
     * their operations; and how many channels, or vectors of channels, a register block has at most. */
    fcn_op_kernel *const *images, *const *channels;
    const struct fcn_kernels *rest; /* has the kernels that are missing here, or NULL */
    int max_block, max_vectors;
    void (*run_program)(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_batch *batch,
                        int threads);
    void (*time_program)(double *seconds, const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops,
                         const fcn_batch *batch);
    void (*parallel)(ptrdiff_t tasks, int threads, int downwards, fcn_task *task,
                     void *context); /* threads/jobs.h */

    fcn_eager eager;
} fcn_kernels;

/* The kernel of an operation, NULL if the layout has none. */
static inline fcn_op_kernel *fcn_op_kernel_of(const fcn_kernels *kernels, int by_channels, int operation)
{
    fcn_op_kernel *const *of_layout = by_channels ? kernels->channels : kernels->images;
    fcn_op_kernel *found = of_layout ? of_layout[operation] : NULL;
    return found || !kernels->rest ? found : fcn_op_kernel_of(kernels->rest, by_channels, operation);
}

#endif
