/* Jobs: tasks that threads share.
 *
 * fcn_parallel calls task(context, index, thread) for each index from 0 to tasks - 1, once, on up to
 * `threads` threads (number 0 is the caller), and returns when all calls have returned. Each thread has a
 * share of neighbouring indices, the same one in all jobs of so many tasks, so that it finds in its caches
 * what it left there; it takes them one by one, from the last one if `downwards`. When its own are taken, it
 * takes those of others, from their far end: a thread that the system does not let run holds up the task that
 * it has taken and nothing else.
 *
 * The other threads are workers. They are started when a job first asks for them and live as long as the
 * process. A worker waits for the next job awake for some tens of microseconds, then, for some hundreds, lets
 * whoever else wants the processor have it, then sleeps. There is one job at a time: a job that another
 * thread of the program starts meanwhile, or that a task starts, runs on its caller alone. Tasks run in the
 * floating-point mode of the caller (common/float_mode.h). After a fork the child starts workers of its own.
 */
#ifndef FCN_JOBS_H
#define FCN_JOBS_H

#include <stddef.h>

typedef void fcn_task(void *context, ptrdiff_t index, int thread);

void fcn_parallel(ptrdiff_t tasks, int threads, int downwards, fcn_task *task, void *context);

#endif
