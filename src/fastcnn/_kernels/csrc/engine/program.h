/* A program: what the engine makes of a model. Phases run one after the other; the tasks of a phase are shared
 * out to threads; a task runs the phase's operations in order for its groups of images.
 *
 * Layout  There are two, and a program has one of them. Rows and columns include the halo of zeros that a
 *         consumer's padding needs; it is written once, when the buffer is made.
 *         "images"    [group][row][column][channel][VL]: a group is VL images, a vector holds one element of each,
 *                     so every channel count and every window is dense.
 *         "channels"  [image][row][column][channel]: a group is one image, a vector holds VL channels of a pixel.
 *                     Channels are padded with zeros to whole vectors, but for an input that is only read element
 *                     by element. One image is enough to fill the vectors, and its arrays stay in the caches.
 * Places  Where an element stands is a matter of tables: int32 offsets, in reals, of pixels, taps and channels.
 *         They carry all geometry (padding, stride, dilation, flattening), so a kernel has none.
 * Order   Groups are cut into at most FCN_SLOTS runs ("slots"); a task of a phase over groups is one slot, and
 *         partial sums are kept per slot or per group and added in order, so that no result depends on the
 *         number of threads. The lanes of the last group past the batch hold zeros or are masked out of sums.
 */
#ifndef FCN_PROGRAM_H
#define FCN_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#define FCN_SLOTS 8
#define FCN_TOGETHER 16      /* groups that a phase takes through its operations at a time, at most */
#define FCN_TASK_TAPS 48     /* taps whose weight gradient is one task, in layers of few pixels */
#define FCN_TASK_COLUMNS 64  /* columns of a linear layer's weight gradient that are one task */
#define FCN_TASK_TOTALS 1024 /* sums whose lanes are added in one task */
#define FCN_SUM_BLOCK 1024   /* pixels of an image that are summed in one go; more would lose digits */
#define FCN_CHAINS 4         /* sums that a deep linear layer's output is made of */
#define FCN_MAX_BUFFERS 8
#define FCN_MAX_TABLES 8
#define FCN_MAX_SIZES 8

/* A buffer that is used in one phase only needs no copy for every group. */
typedef enum {
    FCN_EACH_GROUP,
    FCN_EACH_THREAD,
    FCN_EACH_TOGETHER, /* one for each of the FCN_TOGETHER groups that a thread has in hand */
} fcn_scope;

/* What an operation is told about the run. */
typedef struct {
    ptrdiff_t batch;      /* images */
    ptrdiff_t groups;     /* of VL images, the last one perhaps partial; or of one image */
    ptrdiff_t slots;      /* runs of groups, see fcn_slot_of */
    ptrdiff_t first;      /* group of those that the task takes through its operations now, */
    ptrdiff_t count;      /* and their number: an operation on several at once (`together`) takes them all */
    const uint64_t *keys; /* of dropout, one for each Dropout layer */
    int thread;           /* that runs the task */
} fcn_run;

/* Slots are as equal as they can be: no thread waits long for another. */
static inline ptrdiff_t fcn_slot_of(const fcn_run *run, ptrdiff_t group)
{
    return group * run->slots / run->groups;
}
static inline ptrdiff_t fcn_slot_start(const fcn_run *run, ptrdiff_t slot)
{
    return (slot * run->groups + run->slots - 1) / run->slots;
}
static inline int fcn_is_slot_start(const fcn_run *run, ptrdiff_t group)
{
    return group == fcn_slot_start(run, fcn_slot_of(run, group));
}

typedef struct fcn_op fcn_op;
typedef void fcn_op_kernel(const fcn_op *op, const fcn_run *run, ptrdiff_t task);

struct fcn_op {
    fcn_op_kernel *kernel;
    char *buffer[FCN_MAX_BUFFERS];
    ptrdiff_t stride[FCN_MAX_BUFFERS]; /* bytes from one copy to the next */
    char scope[FCN_MAX_BUFFERS];       /* fcn_scope: what has a copy of its own */
    ptrdiff_t tasks; /* in a phase over tasks: the kernel gets a task's number in place of a group's */
    char together;   /* one call for up to FCN_TOGETHER groups, see fcn_run.count */
    const int32_t *table[FCN_MAX_TABLES];
    ptrdiff_t size[FCN_MAX_SIZES];
    double scalar[2];
};

/* A phase is shared out by slots of groups; by the tasks of its operations, which touch nothing of each other; or by
 * its operations, which are the bands of one: parts of the work on a group. */
typedef enum { FCN_OVER_GROUPS, FCN_OVER_TASKS, FCN_OVER_BANDS } fcn_phase_kind;

typedef struct {
    fcn_phase_kind kind;
    ptrdiff_t first_op, last_op;
} fcn_phase;

/* A kernel by its name, for the engine's compiler. */
typedef struct {
    const char *name;
    fcn_op_kernel *kernel;
} fcn_named_kernel;

void fcn_run_program(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_run *run,
                     int threads);
/* The same on one thread, in the same order; adds the time that each operation takes to seconds[operation]. */
void fcn_time_program(double *seconds, const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops,
                      const fcn_run *run);

#endif
