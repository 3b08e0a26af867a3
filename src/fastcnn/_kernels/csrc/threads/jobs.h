/* A pool of threads that share out the tasks of a job.
 *
 * fcn_parallel runs task(context, index, thread) for index 0 .. tasks - 1, each once, on up to `threads`
 * threads (the caller is thread 0), and returns when all are done. Threads claim indices one by one, so a
 * thread that the system does not run delays nothing but the task that it holds. Workers wait for the next
 * job awake for a few tens of microseconds, then asleep. While one job runs, a job of another caller, or one
 * from inside a task, runs on its caller alone. Tasks run in the caller's floating-point mode. After fork the
 * child starts with a pool of its own.
 */
#ifndef FCN_POOL_H
#define FCN_POOL_H

#include <stddef.h>

typedef void fcn_task(void *context, ptrdiff_t index, int thread);

void fcn_parallel(ptrdiff_t tasks, int threads, fcn_task *task, void *context);

#endif
