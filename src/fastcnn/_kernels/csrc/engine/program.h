/* A program: what the engine makes of a model. Phases run one after the other; the tasks of a phase are
 * shared out to threads; a task runs the phase's operations in order for its groups of images.
 *
 * Layout  There are two, and a program has one of them. Rows and columns include the halo of zeros that a
 *         consumer's padding needs; it is written once, when the buffer is made.
 *         "images"    [group][row][column][channel][VL]: a group is VL images, a vector holds one element of
 *                     each, so every channel count and every window is dense.
 *         "channels"  [image][row][column][channel]: a group is one image, a vector holds VL channels of a
 *                     pixel. Channels are padded with zeros to whole vectors, but for an input that is only
 *                     read element by element. One image is enough to fill the vectors, and its arrays stay
 *                     in the caches.
 * Places  Where an element stands is a matter of tables: int32 offsets, in numbers, of pixels, taps and
 *         channels. They carry all geometry (padding, stride, dilation, flattening), so a kernel has none.
 * Order   Sums over images are taken by slots of the batch (common/slots.h); a task of a phase over groups is
 *         a slot or several, and each slot's partial sums are added in order, so that no result depends on
 *         the number of threads. The lanes of the last group past the batch hold zeros or are masked out of
 *         sums.
 */
#ifndef FCN_PROGRAM_H
#define FCN_PROGRAM_H

#include "common/slots.h"

#include <stddef.h>
#include <stdint.h>

#define FCN_CHUNK 16            /* groups, at most, that a thread takes through the operations of a phase */
#define FCN_FULL_CHUNK 2        /* of an operation that reads many weights, once for all groups in hand */
#define FCN_TASK_TAPS 48        /* taps whose weight gradient is one task */
#define FCN_TASK_SUMS 432       /* taps whose sums over slots are one task: 48 channels of 3x3 windows */
#define FCN_TASK_COLUMNS 64     /* columns of a linear layer's weight gradient that are one task */
#define FCN_ROWS_IN_HAND 256    /* pixels whose weight gradient is made at a time over all images, */
#define FCN_VECTORS_IN_HAND 8   /* and vectors of output channels */
#define FCN_TASK_TOTALS 1024    /* sums over slots that are one task */
#define FCN_MOST_TILES 128      /* tiles of Winograd's filtering that a thread may have in hand */
#define FCN_WEIGHT_TILE 256     /* pixels that stay in the first cache while all taps pass over them */
#define FCN_TILE_ROWS 16        /* of a tile of sums, see common/tiles.h, */
#define FCN_TILE_TERMS 32       /* and what a product of tiles adds to each sum */
#define FCN_TILE_POSITIONS 1024 /* where pixels may begin to read x, of those that tiles have in hand */
#define FCN_CHAINS 4            /* parts of the sum that is an output of a deep linear layer */

/* The input channels whose sums over slots, of windows of so many places, are one task. */
static inline ptrdiff_t fcn_task_channels(ptrdiff_t channels, ptrdiff_t places)
{
    /* Few channels are some tasks, too. */
    return fcn_max(1, fcn_min(FCN_TASK_SUMS / places, fcn_divide_up(channels, 4)));
}

/* What an operation is told about the batch, and about the part of it that its task is for. */
typedef struct {
    ptrdiff_t images;
    ptrdiff_t group_images;
    ptrdiff_t groups;     /* the last one is perhaps partial */
    ptrdiff_t slots;      /* of a layer whose partial sums are small, see common/slots.h */
    ptrdiff_t first;      /* group of the chunk that the thread has in hand, */
    ptrdiff_t count;      /* and the number of groups in it */
    const uint64_t *keys; /* of dropout, one for each Dropout layer */
    int thread;           /* that runs the task */
} fcn_batch;

/* Group g belongs to the slot of its first image; a slot may have none. */
static inline ptrdiff_t fcn_group_slot(const fcn_batch *batch, ptrdiff_t group)
{
    return group * batch->group_images * batch->slots / batch->images;
}
/* The first group of a slot, groups for slot == slots. */
static inline ptrdiff_t fcn_slot_group(const fcn_batch *batch, ptrdiff_t slot)
{
    return fcn_divide_up(slot * batch->images, batch->slots * batch->group_images);
}

/* What has a copy of a buffer that groups use: one that a single phase uses needs none for every group. */
typedef enum {
    FCN_EACH_GROUP,
    FCN_EACH_THREAD,
    FCN_EACH_IN_HAND, /* each group of the chunk that a thread has in hand */
} fcn_scope;

typedef struct {
    char *data;       /* NULL where the operation has no such buffer */
    ptrdiff_t stride; /* bytes from one copy to the next */
    fcn_scope scope;
} fcn_buffer;

/* The arguments of each operation, by name: struct fcn_conv and so on. */
#define OPERATION(name, layouts, over) struct fcn_##name {
#define OUT(name, copies, element) fcn_buffer name;
#define INOUT OUT
#define IN OUT
#define OUT_IF OUT
#define INOUT_IF OUT
#define IN_IF OUT
#define PLACES(name, length, buffer, count, unit) const int32_t *name;
#define PLACES_OR_NONE PLACES
#define OFFSETS PLACES
#define STARTS(name, length, table) const int32_t *name;
#define SEGMENTS(name, length, pixels, taps) const int32_t *name;
#define COUNTERS(name, length) const int32_t *name;
#define LENGTH(name) ptrdiff_t name;
#define SIZE(name) ptrdiff_t name;
#define SIZE_IF SIZE
#define FLAG(name) ptrdiff_t name;
#define INTEGER(name) int64_t name;
#define SCALAR(name) double name;
#define SCALAR_IF SCALAR
#define END(name)                                                                                            \
    }                                                                                                        \
    ;
#include "engine/operations.inc"

typedef struct fcn_op fcn_op;
typedef void fcn_op_kernel(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task);

struct fcn_op {
    fcn_op_kernel *kernel;
    ptrdiff_t tasks;      /* in a phase over tasks: the kernel gets a task's number in place of a group's */
    ptrdiff_t most_slots; /* that the partial sums of its layer are kept for */
    int whole_chunk;      /* one call for all groups in hand; FCN_FULL_CHUNK: they should be many */
    union {
#define OPERATION(name, layouts, over) struct fcn_##name name;
#include "engine/operations.inc"
        char arguments[1];
    };
};

/* A phase is shared out by slots of groups; by the tasks of its operations, which touch nothing of each
 * other; or by its operations, which are the bands of one: parts of the work on a group. */
typedef enum { FCN_OVER_GROUPS, FCN_OVER_TASKS, FCN_OVER_BANDS } fcn_phase_kind;

typedef struct {
    fcn_phase_kind kind;
    ptrdiff_t first_op, last_op;
} fcn_phase;

void fcn_run_program(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_batch *batch,
                     int threads);
/* The same on one thread, in the same order; adds the time that each operation takes to seconds[operation].
 * */
void fcn_time_program(double *seconds, const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops,
                      const fcn_batch *batch);

#endif
