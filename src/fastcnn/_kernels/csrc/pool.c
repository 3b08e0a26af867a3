/* The pool of threads of pool.h: POSIX threads and C11 atomics. */
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
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

/* The job's number and the count of its claimed tasks share one word, `ticket`, so that a worker that comes late
 * claims nothing of another job. Numbers are even while a job runs; the odd one before it says that `job` is
 * being written. A worker reads `job` only while it is counted in `readers`, and the writer waits for them. */
static struct {
    fcn_task *task;
    void *context;
    ptrdiff_t tasks;
    int threads;
} job;

static _Atomic unsigned long long ticket; /* (job number << 32) | next task */
static _Atomic ptrdiff_t unfinished;
static atomic_flag busy = ATOMIC_FLAG_INIT;
static atomic_int readers;
static atomic_int asleep;
static int workers;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Claim and run tasks of job `number` until none is left. */
static void work(unsigned long long number, fcn_task *task, void *context, ptrdiff_t tasks, int thread)
{
    for (;;) {
        unsigned long long seen = atomic_load(&ticket);
        do {
            if (seen >> 32 != number || (ptrdiff_t)(seen & 0xffffffffu) >= tasks)
                return;
        } while (!atomic_compare_exchange_weak(&ticket, &seen, seen + 1));
        task(context, (ptrdiff_t)(seen & 0xffffffffu), thread);
        atomic_fetch_sub(&unfinished, 1);
    }
}

static void *worker(void *argument)
{
    const int thread = (int)(ptrdiff_t)argument;
    unsigned long long last = 0;
    for (;;) {
        long long deadline = now() + AWAKE_NANOSECONDS;
        unsigned spins = 0;
        while (atomic_load(&ticket) >> 32 == last) {
            RELAX();
            if (++spins % 64 == 0 && now() > deadline) {
                pthread_mutex_lock(&mutex);
                atomic_fetch_add(&asleep, 1);
                while (atomic_load(&ticket) >> 32 == last)
                    pthread_cond_wait(&wake, &mutex);
                atomic_fetch_sub(&asleep, 1);
                pthread_mutex_unlock(&mutex);
            }
        }
        atomic_fetch_add(&readers, 1);
        last = atomic_load(&ticket) >> 32;
        if (last % 2 == 0 && thread < job.threads)
            work(last, job.task, job.context, job.tasks, thread);
        atomic_fetch_sub(&readers, 1);
    }
    return NULL;
}

static void after_fork_in_child(void)
{
    workers = 0;
    atomic_store(&readers, 0);
    atomic_store(&asleep, 0);
    atomic_flag_clear(&busy);
    pthread_mutex_init(&mutex, NULL);
    pthread_cond_init(&wake, NULL);
}

/* Have at least `wanted` workers, or as many as the system gives. */
static void hire(int wanted)
{
    static int registered;
    if (!registered) {
        registered = 1;
        pthread_atfork(NULL, NULL, after_fork_in_child);
    }
    while (workers < wanted && workers < MAX_WORKERS) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, worker, (void *)(ptrdiff_t)(workers + 1)))
            return;
        pthread_detach(thread);
        ++workers;
    }
}

void fcn_parallel(ptrdiff_t tasks, int threads, fcn_task *task, void *context)
{
    if (threads > tasks)
        threads = (int)tasks;
    if (threads <= 1 || tasks > 0x7fffffff || atomic_flag_test_and_set(&busy)) {
        for (ptrdiff_t i = 0; i < tasks; ++i)
            task(context, i, 0);
        return;
    }
    hire(threads - 1);
    unsigned long long number = (atomic_load(&ticket) >> 32) + 1;
    atomic_store(&ticket, number << 32);
    while (atomic_load(&readers))
        RELAX();
    job.task = task;
    job.context = context;
    job.tasks = tasks;
    job.threads = threads;
    atomic_store(&unfinished, tasks);
    ++number;
    atomic_store(&ticket, number << 32);
    if (atomic_load(&asleep)) {
        pthread_mutex_lock(&mutex);
        pthread_cond_broadcast(&wake);
        pthread_mutex_unlock(&mutex);
    }
    work(number, task, context, tasks, 0);
    for (unsigned spins = 1; atomic_load(&unfinished); ++spins) {
        RELAX();
        if (spins % 4096 == 0)
            sched_yield();
    }
    atomic_flag_clear(&busy);
}
