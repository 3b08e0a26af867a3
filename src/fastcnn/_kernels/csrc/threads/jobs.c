/* The pool of threads of pool.h: POSIX threads and C11 atomics. */
#include "threads/jobs.h"
#include "common/denormals.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#define MAX_WORKERS 1023
#define AWAKE_NANOSECONDS 50000

#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() ((void)0)
#endif

/* The job's number and the count of its claimed tasks share one word, `ticket`: a claim succeeds only while the word
 * is what the worker saw, so that one that comes late claims nothing of another job. Numbers are even while a job
 * runs; the odd one before it says that `job` is being written. A worker counts itself in `readers`, then looks at
 * the number, and reads `job` if it is even; the writer makes the number odd, then waits until nobody is counted.
 * Whichever of the two is first in the one order of all these operations (they are sequentially consistent), the
 * other sees it: `job` is never read while it is written, and no job begins while a worker is still at the last. */
static struct {
    fcn_task *task;
    void *context;
    ptrdiff_t tasks;
    int threads;
    fcn_float_mode mode;
} job;

static _Atomic uint64_t ticket; /* (job number << 32) | next task */
static _Atomic ptrdiff_t unfinished;
static atomic_flag busy = ATOMIC_FLAG_INIT;
static atomic_int readers;
static atomic_int asleep;
static int workers;         /* threads that exist */
static atomic_int enrolled; /* the first so many wait for jobs, the others for being enrolled again */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static pthread_cond_t enrol = PTHREAD_COND_INITIALIZER;

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint32_t current_number(void) { return (uint32_t)(atomic_load(&ticket) >> 32); }

/* Claim and run tasks of job `number` until none is left. */
static void work(uint32_t number, fcn_task *task, void *context, ptrdiff_t tasks, int thread)
{
    for (;;) {
        uint64_t seen = atomic_load(&ticket);
        do {
            if ((uint32_t)(seen >> 32) != number || (ptrdiff_t)(uint32_t)seen >= tasks)
                return;
        } while (!atomic_compare_exchange_weak(&ticket, &seen, seen + 1));
        task(context, (ptrdiff_t)(uint32_t)seen, thread);
        atomic_fetch_sub(&unfinished, 1); /* and nothing of the job is touched after its last one */
    }
}

static void *worker(void *argument)
{
    const int thread = (int)(ptrdiff_t)argument;
    uint32_t last = 0;
    fcn_float_mode mode = fcn_get_float_mode();
    for (;;) {
        if (thread > atomic_load(&enrolled)) {
            pthread_mutex_lock(&mutex);
            while (thread > atomic_load(&enrolled))
                pthread_cond_wait(&enrol, &mutex);
            pthread_mutex_unlock(&mutex);
        }
        long long deadline = now() + AWAKE_NANOSECONDS;
        unsigned spins = 0;
        while (current_number() == last) {
            RELAX();
            if (++spins % 64 == 0 && now() > deadline) {
                pthread_mutex_lock(&mutex);
                atomic_fetch_add(&asleep, 1);
                while (current_number() == last)
                    pthread_cond_wait(&wake, &mutex);
                atomic_fetch_sub(&asleep, 1);
                pthread_mutex_unlock(&mutex);
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
    atomic_store(&ticket, 0); /* it may have been odd */
    atomic_flag_clear(&busy);
    pthread_mutex_init(&mutex, NULL);
    pthread_cond_init(&wake, NULL);
    pthread_cond_init(&enrol, NULL);
}

/* Have `wanted` workers wait for jobs, or as many as the system gives. */
static void hire(int wanted)
{
    static int registered;
    if (wanted == atomic_load(&enrolled))
        return;
    if (!registered) {
        registered = 1;
        pthread_atfork(NULL, NULL, after_fork_in_child);
    }
    pthread_mutex_lock(&mutex);
    atomic_store(&enrolled, wanted);
    pthread_cond_broadcast(&enrol);
    pthread_mutex_unlock(&mutex);
    while (workers < wanted && workers < MAX_WORKERS) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, worker, (void *)(ptrdiff_t)(workers + 1)))
            return;
        pthread_detach(thread);
        ++workers;
    }
}

/* Wait a little longer; let others run if it takes long. */
static void relax(unsigned *spins)
{
    RELAX();
    if (++*spins % 4096 == 0)
        sched_yield();
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
        pthread_mutex_lock(&mutex);
        pthread_cond_broadcast(&wake);
        pthread_mutex_unlock(&mutex);
    }
    work(number, task, context, tasks, 0);
    while (atomic_load(&unfinished))
        relax(&spins);
    atomic_flag_clear(&busy);
}
