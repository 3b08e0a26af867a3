/* The types of system.h for POSIX. */
#ifndef FCN_POSIX_H
#define FCN_POSIX_H

#include <pthread.h>

typedef pthread_mutex_t fcn_mutex;
typedef pthread_cond_t fcn_condition;

#define FCN_MUTEX PTHREAD_MUTEX_INITIALIZER
#define FCN_CONDITION PTHREAD_COND_INITIALIZER

#endif
