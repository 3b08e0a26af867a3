/* The functions of system.h for POSIX. */
#include "threads/system.h"

#include <sched.h>
#include <time.h>

int fcn_start_thread(void *(*body)(void *argument), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument))
        return 0;
    pthread_detach(thread);
    return 1;
}

void fcn_yield(void) { sched_yield(); }

void fcn_lock(fcn_mutex *mutex) { pthread_mutex_lock(mutex); }
void fcn_unlock(fcn_mutex *mutex) { pthread_mutex_unlock(mutex); }
void fcn_renew_mutex(fcn_mutex *mutex) { pthread_mutex_init(mutex, NULL); }

void fcn_wait(fcn_condition *condition, fcn_mutex *mutex) { pthread_cond_wait(condition, mutex); }
void fcn_broadcast(fcn_condition *condition) { pthread_cond_broadcast(condition); }
void fcn_renew_condition(fcn_condition *condition) { pthread_cond_init(condition, NULL); }

void fcn_at_fork_in_child(void (*handler)(void)) { pthread_atfork(NULL, NULL, handler); }

double fcn_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
