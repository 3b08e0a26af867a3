/* Loops over many items as jobs, a task for each chunk. */
#include "threads/parallel.h"

#include "threads/jobs.h"

#include <stdatomic.h>

static atomic_int threads_in_use = 1; /* any thread may set it */

int fcn_get_threads(void) { return threads_in_use; }
void fcn_set_threads(int threads) { threads_in_use = threads; }

typedef struct {
    ptrdiff_t count, length; /* items, in all and of one chunk */
    fcn_loop *loop;
    const void *context;
} chunks;

static void run_chunk(void *chunks_, ptrdiff_t index, int thread)
{
    const chunks *c = chunks_;
    const ptrdiff_t first = index * c->length, rest = c->count - first;
    c->loop(c->context, first, first + (rest < c->length ? rest : c->length), thread);
}

void fcn_parallel_for(ptrdiff_t count, double elements, int threads, fcn_loop *loop, const void *context)
{
    if (threads <= 1 || count <= 1 || (double)count * elements < FCN_SERIAL_BELOW) {
        loop(context, 0, count, 0);
        return;
    }
    const double length = FCN_CHUNK_ELEMENTS / elements;
    chunks c = {count, length > 1 ? (ptrdiff_t)length : 1, loop, context};
    fcn_parallel(count / c.length + (count % c.length > 0), threads, 0, run_chunk, &c);
}
