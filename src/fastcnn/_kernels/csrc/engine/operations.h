/* The operations by number, and their declarations as data: see operations.inc. */
#ifndef FCN_OPERATIONS_H
#define FCN_OPERATIONS_H

#include "engine/program.h"

enum {
#define OPERATION(name, layouts, over) FCN_OPERATION_##name,
#include "engine/operations.inc"
    FCN_OPERATIONS
};

/* A line of operations.inc: its macro, and what stands in the parentheses. */
typedef struct {
    const char *kind, *name, *details[4];
    size_t bytes; /* of the struct of arguments, on the line with END */
} fcn_declaration;

extern const fcn_declaration fcn_declarations[]; /* a line without kind ends them */

#endif
