/* Loops over many items, cut into tasks of the pool. */
#include "threads/parallel.h"

#include "threads/jobs.h"

static int threads_in_use = 1;

int fcn_get_threads(void) { return threads_in_use; }
void fcn_set_threads(int threads) { threads_in_use = threads; }

typedef struct {
    ptrdiff_t count, length; /* items, in all and of one run */
    fcn_loop *loop;
    const void *context;
} runs;

static void do_run(void *runs_, ptrdiff_t index, int thread)
{
    const runs *r = runs_;
    const ptrdiff_t first = index * r->length, rest = r->count - first;
    r->loop(r->context, first, first + (rest < r->length ? rest : r->length), thread);
}

void fcn_parallel_for(ptrdiff_t count, double elements, int threads, fcn_loop *loop, const void *context)
{
    if (threads <= 1 || count <= 1 || (double)count * elements < FCN_SERIAL_BELOW) {
        loop(context, 0, count, 0);
        return;
    }
    const double length = FCN_RUN_ELEMENTS / elements;
    runs r = {count, length > 1 ? (ptrdiff_t)length : 1, loop, context};
    fcn_parallel(count / r.length + (count % r.length > 0), threads, do_run, &r);
}
