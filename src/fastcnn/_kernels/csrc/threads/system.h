/* All that fastcnn asks of the operating system: threads, locks, and a clock.
 *
 * posix.h and posix.c are its form for POSIX. A form for another system is two files as well: a header with
 * the types and initialisers named below, and a C file with the functions.
 */
#ifndef FCN_SYSTEM_H
#define FCN_SYSTEM_H

/* fcn_mutex and fcn_condition; FCN_MUTEX and FCN_CONDITION are what static ones are initialised with. */
#include "threads/posix.h"

/* Start a thread that runs body(argument) and that nobody waits for; return 0 if the system has none left to
 * give. */
int fcn_start_thread(void *(*body)(void *argument), void *argument);

/* Let others run first. */
void fcn_yield(void);

void fcn_lock(fcn_mutex *mutex);
void fcn_unlock(fcn_mutex *mutex);

/* Unlock the mutex, sleep until the condition is broadcast (or for no reason), and lock it again. */
void fcn_wait(fcn_condition *condition, fcn_mutex *mutex);
void fcn_broadcast(fcn_condition *condition);

/* Make them new, whatever state they are in: in the child of a fork, a thread that is not there any more may
 * have held them. */
void fcn_renew_mutex(fcn_mutex *mutex);
void fcn_renew_condition(fcn_condition *condition);

/* Call `handler` in the child of every fork, before fork returns there. Without forks, do nothing. */
void fcn_at_fork_in_child(void (*handler)(void));

/* Seconds since some moment in the past; the clock never goes back. */
double fcn_seconds(void);

/* Tell the processor that this thread is waiting for a variable to change. */
static inline void fcn_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
