/* The workers of jobs.h. */
#include "threads/jobs.h"
#include "common/float_mode.h"
#include "common/integers.h"
#include "threads/system.h"

#include <stdatomic.h>
#include <stdint.h>

#define MAX_WORKERS 1023
#define JOBS_OF_FEWER 1000

/* Of a worker without a job: how long it waits awake, then for how long it lets others run first, before it
 * sleeps. To wake it takes as long as some layers of a small network do. */
#define SECONDS_AWAKE 50e-6
#define SECONDS_YIELDING 200e-6

/* The present job.
 *
 * A worker may read `job` only while nobody writes it. It first counts itself in `readers`, then looks at
 * `number`, which is even while the job runs, and odd while the caller is writing `job`. The caller first
 * makes it odd, then waits until `readers` is 0, and writes. All these operations are sequentially
 * consistent, so at least one of the two sees what the other did first: either the worker finds the odd
 * number, or the caller waits for the worker. The worker stays counted until it has left the job, so no job
 * begins while a worker is still at the one before. */
static struct {
    fcn_task *task;
    void *context;
    ptrdiff_t tasks;
    int threads;
    int downwards;
    fcn_float_mode mode;
} job;

/* Of the tasks that are a thread's own, in the order in which it takes them: (how many others have taken from
 * the end << 32) | how many it has taken itself. Each in a cache line of its own. */
typedef struct {
    _Alignas(64) _Atomic uint64_t taken;
} share;

static share shares[MAX_WORKERS + 1];
static _Atomic uint32_t number;             /* of the job */
static _Atomic ptrdiff_t unfinished;        /* tasks of the job */
static atomic_flag busy = ATOMIC_FLAG_INIT; /* there is a job */
static atomic_int readers;                  /* workers that read `job` or are at its tasks */
static atomic_int asleep;                   /* workers */
static int workers;                         /* that have been started */
static atomic_int enrolled;                 /* workers with numbers up to this wait for jobs, others sleep */
static fcn_mutex mutex = FCN_MUTEX;
static fcn_condition wake = FCN_CONDITION;  /* there is a job */
static fcn_condition enrol = FCN_CONDITION; /* `enrolled` has changed */

/* Run the tasks that are left of the share of thread `owner`, as the thread `thread`. */
static void work_at_share(int owner, int thread)
{
    const ptrdiff_t first = job.tasks * owner / job.threads, last = job.tasks * (owner + 1) / job.threads;
    const uint64_t one = owner == thread ? 1 : (uint64_t)1 << 32;
    uint64_t seen = atomic_load(&shares[owner].taken);
    for (;;) {
        const ptrdiff_t own = (ptrdiff_t)(uint32_t)seen, others = (ptrdiff_t)(seen >> 32);
        if (own + others >= last - first)
            return;
        if (!atomic_compare_exchange_weak(&shares[owner].taken, &seen, seen + one))
            continue;
        const ptrdiff_t place = owner == thread ? own : last - first - 1 - others;
        job.task(job.context, job.downwards ? last - 1 - place : first + place, thread);
        atomic_fetch_sub(&unfinished, 1); /* after the last one the job's context may be gone */
        seen = atomic_load(&shares[owner].taken);
    }
}

static void work(int thread)
{
    for (int i = 0; i < job.threads; ++i)
        work_at_share((thread + i) % job.threads, thread);
}

/* Return when the number is another one than `last`. */
static void wait_for_job(uint32_t last)
{
    const double start = fcn_seconds();
    for (double waited = 0; waited < SECONDS_AWAKE + SECONDS_YIELDING; waited = fcn_seconds() - start) {
        if (waited > SECONDS_AWAKE)
            fcn_yield();
        for (int spins = 0; spins < 64; ++spins) {
            if (atomic_load(&number) != last)
                return;
            fcn_pause();
        }
    }
    fcn_lock(&mutex);
    atomic_fetch_add(&asleep, 1);
    while (atomic_load(&number) == last)
        fcn_wait(&wake, &mutex);
    atomic_fetch_sub(&asleep, 1);
    fcn_unlock(&mutex);
}

static void *worker(void *argument)
{
    const int thread = (int)(ptrdiff_t)argument;
    uint32_t last = 0;
    fcn_float_mode mode = fcn_get_float_mode();
    for (;;) {
        if (thread > atomic_load(&enrolled)) {
            fcn_lock(&mutex);
            while (thread > atomic_load(&enrolled))
                fcn_wait(&enrol, &mutex);
            fcn_unlock(&mutex);
        }
        wait_for_job(last);
        atomic_fetch_add(&readers, 1);
        last = atomic_load(&number);
        if (last % 2 == 0 && thread < job.threads) {
            if (job.mode != mode)
                fcn_set_float_mode(mode = job.mode);
            work(thread);
        }
        atomic_fetch_sub(&readers, 1);
    }
    return NULL;
}

static void after_fork_in_child(void)
{
    workers = 0;
    atomic_store(&enrolled, 0);
    atomic_store(&readers, 0);
    atomic_store(&asleep, 0);
    atomic_store(&number, 0); /* it may have been odd */
    atomic_flag_clear(&busy);
    fcn_renew_mutex(&mutex);
    fcn_renew_condition(&wake);
    fcn_renew_condition(&enrol);
}

/* Have `wanted` workers wait for jobs, or as many as the system lets us start. Those that are too many go
 * when many jobs in a row have had fewer: callers that share the processor want more and fewer by turns. */
static void hire(int wanted)
{
    static int registered, fewer;
    const int now = atomic_load(&enrolled);
    if (wanted == now || (wanted < now && ++fewer < JOBS_OF_FEWER)) {
        fewer = wanted == now ? 0 : fewer;
        return;
    }
    fewer = 0;
    if (!registered) {
        registered = 1;
        fcn_at_fork_in_child(after_fork_in_child);
    }
    fcn_lock(&mutex);
    atomic_store(&enrolled, wanted);
    fcn_broadcast(&enrol);
    fcn_unlock(&mutex);
    while (workers < wanted && workers < MAX_WORKERS) {
        if (!fcn_start_thread(worker, (void *)(ptrdiff_t)(workers + 1)))
            return;
        ++workers;
    }
}

/* One step of a busy wait. A long one lets other threads run. */
static void relax(unsigned *spins)
{
    fcn_pause();
    if (++*spins % 512 == 0)
        fcn_yield();
}

void fcn_parallel(ptrdiff_t tasks, int threads, int downwards, fcn_task *task, void *context)
{
    unsigned spins = 0;
    if (threads <= 1 || tasks <= 1 || tasks > 0x7fffffff || atomic_flag_test_and_set(&busy)) {
        for (ptrdiff_t i = 0; i < tasks; ++i)
            task(context, downwards ? tasks - 1 - i : i, 0);
        return;
    }
    hire(threads - 1);
    atomic_fetch_add(&number, 1);
    while (atomic_load(&readers))
        relax(&spins);
    job.task = task;
    job.context = context;
    job.tasks = tasks;
    job.threads = (int)fcn_min(fcn_min(threads, MAX_WORKERS + 1), tasks);
    job.downwards = downwards;
    job.mode = fcn_get_float_mode();
    for (int i = 0; i < job.threads; ++i)
        atomic_store(&shares[i].taken, 0);
    atomic_store(&unfinished, tasks);
    atomic_fetch_add(&number, 1);
    if (atomic_load(&asleep)) {
        fcn_lock(&mutex);
        fcn_broadcast(&wake);
        fcn_unlock(&mutex);
    }
    work(0);
    while (atomic_load(&unfinished))
        relax(&spins);
    atomic_flag_clear(&busy);
}
