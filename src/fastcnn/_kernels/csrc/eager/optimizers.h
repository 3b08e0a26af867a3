/* The rows of optimizers.inc by number, and as data for optim.pyx. */
#ifndef FCN_OPTIMIZERS_H
#define FCN_OPTIMIZERS_H

#include "eager/types.h"

typedef struct {
    const char *name, *arrays, *options, *own; /* names, each with a space behind it */
} fcn_optimizer;

#define ARRAY(name) #name " "
#define NUMBER(name) #name " "
#define OPTIMIZER(name, arrays, options, own) {#name, "" arrays, "" options, "" own},
static const fcn_optimizer fcn_optimizers[] = {
#include "eager/optimizers.inc"
};

#endif
