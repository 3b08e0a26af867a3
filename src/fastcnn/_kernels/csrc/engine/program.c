/* Runs a program; see program.h. */
#include "engine/program.h"
#include "threads/jobs.h"
#include "threads/system.h"

/* A phase at work. */
typedef struct {
    const fcn_phase *phase;
    const fcn_op *ops;
    const fcn_batch *batch;
    double *seconds;      /* of each operation, added to; NULL: no clock is read */
    ptrdiff_t parts;      /* of the batch, each a task, if the phase is over groups */
    ptrdiff_t part_slots; /* slots of a part */
} phase_context;

static void run_ops(const phase_context *context, const fcn_batch *batch, ptrdiff_t first, ptrdiff_t last,
                    ptrdiff_t task)
{
    double before = context->seconds ? fcn_seconds() : 0;
    for (ptrdiff_t op = first; op < last; ++op) {
        context->ops[op].kernel(&context->ops[op], batch, task);
        if (context->seconds) {
            const double after = fcn_seconds();
            context->seconds[op] += after - before;
            before = after;
        }
    }
}

/* Take the groups first .. last - 1 through the operations of a phase, a chunk at a time: neighbouring
 * operations on one group run for each group of the chunk in turn, so that a group's arrays stay in the
 * cache. */
static void run_groups(const phase_context *context, fcn_batch *batch, ptrdiff_t first, ptrdiff_t last)
{
    const fcn_phase *phase = context->phase;
    for (ptrdiff_t i = first; i < last; i += FCN_CHUNK) {
        batch->first = i;
        batch->count = fcn_min(FCN_CHUNK, last - i);
        for (ptrdiff_t op = phase->first_op, next; op < phase->last_op; op = next) {
            const int whole = context->ops[op].whole_chunk;
            next = op + 1;
            while (!whole && next < phase->last_op && !context->ops[next].whole_chunk)
                ++next;
            for (ptrdiff_t group = i; group < i + (whole ? 1 : batch->count); ++group)
                run_ops(context, batch, op, next, group);
        }
    }
}

static void run_task(void *context_, ptrdiff_t index, int thread)
{
    const phase_context *context = context_;
    const fcn_phase *phase = context->phase;
    fcn_batch batch = *context->batch;
    batch.thread = thread;
    batch.first = 0;
    batch.count = 1;
    if (phase->kind == FCN_OVER_TASKS) {
        ptrdiff_t op = phase->first_op;
        for (; index >= context->ops[op].tasks; ++op)
            index -= context->ops[op].tasks;
        run_ops(context, &batch, op, op + 1, index);
        return;
    }
    if (phase->kind == FCN_OVER_BANDS) {
        const ptrdiff_t bands = phase->last_op - phase->first_op, op = phase->first_op + index % bands;
        batch.first = index / bands;
        run_ops(context, &batch, op, op + 1, batch.first);
        return;
    }
    if (!context->part_slots) {
        run_groups(context, &batch, batch.groups * index / context->parts,
                   batch.groups * (index + 1) / context->parts);
        return;
    }
    const ptrdiff_t first = index * context->part_slots;
    run_groups(context, &batch, fcn_slot_group(&batch, first),
               fcn_slot_group(&batch, fcn_min(first + context->part_slots, batch.slots)));
}

/* Cut the batch for a phase over groups. Where it sums over images, a part is as many slots as the layer with
 * the largest partial sums has in one; else the number of parts is free, and large enough for all threads.
 * For an operation that wants a full chunk a part is twice and twice as large, up to that, as long as there
 * is one for each thread; others find smaller ones in the caches. */
static void cut_batch(phase_context *context, int threads)
{
    const fcn_batch *batch = context->batch;
    ptrdiff_t least = FCN_MOST_SLOTS;
    int sums = 0, full_chunks = 0;
    for (ptrdiff_t i = context->phase->first_op; i < context->phase->last_op; ++i) {
        const fcn_op *op = &context->ops[i];
        full_chunks |= op->whole_chunk == FCN_FULL_CHUNK;
        if (op->most_slots) {
            sums = 1;
            least = fcn_min(least, op->most_slots);
        }
    }
    ptrdiff_t part = sums || threads <= batch->slots ? fcn_slots_in_one(batch->slots, least) : 0;
    if (part && full_chunks)
        while (2 * part * batch->groups <= FCN_CHUNK * batch->slots && 2 * part * threads <= batch->slots)
            part *= 2;
    context->part_slots = part;
    context->parts = part ? fcn_divide_up(batch->slots, part) : fcn_min(batch->groups, threads);
}

static void run_phases(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_batch *batch,
                       int threads, double *seconds)
{
    /* Phases over groups take the batch upwards and downwards by turns: what the last one used last may still
     * be in a cache. */
    int next_downwards = 0;
    for (ptrdiff_t i = 0; i < count; ++i) {
        phase_context context = {.phase = &phases[i], .ops = ops, .batch = batch, .seconds = seconds};
        ptrdiff_t tasks = 0;
        int downwards = 0;
        if (phases[i].kind == FCN_OVER_TASKS)
            for (ptrdiff_t op = phases[i].first_op; op < phases[i].last_op; ++op)
                tasks += ops[op].tasks;
        if (phases[i].kind == FCN_OVER_GROUPS) {
            cut_batch(&context, threads);
            tasks = context.parts;
            downwards = next_downwards;
            next_downwards = !downwards;
        } else if (phases[i].kind == FCN_OVER_BANDS)
            tasks = batch->groups * (phases[i].last_op - phases[i].first_op);
        fcn_parallel(tasks, threads, downwards, run_task, &context);
    }
}

void fcn_run_program(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_batch *batch,
                     int threads)
{
    run_phases(phases, count, ops, batch, threads, NULL);
}

void fcn_time_program(double *seconds, const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops,
                      const fcn_batch *batch)
{
    run_phases(phases, count, ops, batch, 1, seconds);
}
