/* The workers of jobs.h. */
#include "threads/jobs.h"
#include "common/denormals.h"
#include "threads/system.h"

#include <stdatomic.h>
#include <stdint.h>

#define MAX_WORKERS 1023
#define SECONDS_AWAKE 50e-6 /* of a worker without a job, before it sleeps */

/* The present job.
 *
 * `ticket` holds the job's number and how many of its tasks have been claimed in one word, because a claim
 * must fail if the job has changed since the worker looked: a late worker then claims nothing of the next
 * job. The number is even while the job runs, and odd while the caller is writing `job`.
 *
 * A worker may read `job` only while nobody writes it. It first counts itself in `readers`, then looks at the
 * number, and reads if that is even. The caller first makes the number odd, then waits until `readers` is 0,
 * and writes. All these operations are sequentially consistent, so at least one of the two sees what the
 * other did first: either the worker finds the odd number, or the caller waits for the worker. The worker
 * stays counted until it has left the job, so no job begins while a worker is still at the one before. */
static struct {
    fcn_task *task;
    void *context;
    ptrdiff_t tasks;
    int threads;
    fcn_float_mode mode;
} job;

static _Atomic uint64_t ticket;             /* (number of the job << 32) | next task */
static _Atomic ptrdiff_t unfinished;        /* tasks of the job */
static atomic_flag busy = ATOMIC_FLAG_INIT; /* there is a job */
static atomic_int readers;                  /* workers that read `job` or are at its tasks */
static atomic_int asleep;                   /* workers */
static int workers;                         /* that have been started */
static atomic_int enrolled;                 /* workers with numbers up to this wait for jobs, others sleep */
static fcn_mutex mutex = FCN_MUTEX;
static fcn_condition wake = FCN_CONDITION;  /* there is a job */
static fcn_condition enrol = FCN_CONDITION; /* `enrolled` has changed */

static uint32_t current_number(void) { return (uint32_t)(atomic_load(&ticket) >> 32); }

/* Claim and run one task of job `number` after another, until none is left. */
static void work(uint32_t number, fcn_task *task, void *context, ptrdiff_t tasks, int thread)
{
    for (;;) {
        uint64_t seen = atomic_load(&ticket);
        do {
            if ((uint32_t)(seen >> 32) != number || (ptrdiff_t)(uint32_t)seen >= tasks)
                return;
        } while (!atomic_compare_exchange_weak(&ticket, &seen, seen + 1));
        task(context, (ptrdiff_t)(uint32_t)seen, thread);
        atomic_fetch_sub(&unfinished, 1); /* after the last one the job's context may be gone */
    }
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
        const double deadline = fcn_seconds() + SECONDS_AWAKE;
        unsigned spins = 0;
        while (current_number() == last) {
            fcn_pause();
            if (++spins % 64 == 0 && fcn_seconds() > deadline) {
                fcn_lock(&mutex);
                atomic_fetch_add(&asleep, 1);
                while (current_number() == last)
                    fcn_wait(&wake, &mutex);
                atomic_fetch_sub(&asleep, 1);
                fcn_unlock(&mutex);
            }
        }
        atomic_fetch_add(&readers, 1);
        last = current_number();
        if (last % 2 == 0 && thread < job.threads) {
            if (job.mode != mode)
                fcn_set_float_mode(mode = job.mode);
            work(last, job.task, job.context, job.tasks, thread);
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
    atomic_store(&ticket, 0); /* the number may have been odd */
    atomic_flag_clear(&busy);
    fcn_renew_mutex(&mutex);
    fcn_renew_condition(&wake);
    fcn_renew_condition(&enrol);
}

/* Have `wanted` workers wait for jobs, or as many as the system lets us start. */
static void hire(int wanted)
{
    static int registered;
    if (wanted == atomic_load(&enrolled))
        return;
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
    if (++*spins % 4096 == 0)
        fcn_yield();
}

void fcn_parallel(ptrdiff_t tasks, int threads, fcn_task *task, void *context)
{
    unsigned spins = 0;
    if (threads <= 1 || tasks <= 1 || tasks > 0x7fffffff || atomic_flag_test_and_set(&busy)) {
        for (ptrdiff_t i = 0; i < tasks; ++i)
            task(context, i, 0);
        return;
    }
    hire(threads - 1);
    uint32_t number = current_number() + 1;
    atomic_store(&ticket, (uint64_t)number << 32);
    while (atomic_load(&readers))
        relax(&spins);
    job.task = task;
    job.context = context;
    job.tasks = tasks;
    job.threads = threads < tasks ? threads : (int)tasks;
    job.mode = fcn_get_float_mode();
    atomic_store(&unfinished, tasks);
    ++number;
    atomic_store(&ticket, (uint64_t)number << 32);
    if (atomic_load(&asleep)) {
        fcn_lock(&mutex);
        fcn_broadcast(&wake);
        fcn_unlock(&mutex);
    }
    work(number, task, context, tasks, 0);
    while (atomic_load(&unfinished))
        relax(&spins);
    atomic_flag_clear(&busy);
}
