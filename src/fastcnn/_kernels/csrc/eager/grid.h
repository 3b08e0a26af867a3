/* Rows of classes (common/rows.h) in arrays of eager mode. */
#ifndef FCN_GRID_H
#define FCN_GRID_H

#include "common/rows.h"

/* The rows (common/rows.h) of an (outer, classes, inner) array: one for each sample if inner is 1, and else
 * one for up to VL neighbouring samples. */
typedef struct {
    ptrdiff_t outer, classes, inner;
    ptrdiff_t blocks; /* rows for each outer index */
} grid;

static inline grid grid_of(ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner)
{
    return (grid){outer, classes, inner, inner == 1 ? 1 : fcn_divide_up(inner, VL)};
}

/* The index of the first sample of row i. */
static inline ptrdiff_t first_sample(const grid *g, ptrdiff_t i)
{
    return i / g->blocks * g->inner + i % g->blocks * VL;
}

static inline row row_of(const void *data, const grid *g, ptrdiff_t i)
{
    const ptrdiff_t at = i / g->blocks * g->classes * g->inner + i % g->blocks * VL;
    return (row){
        .data = (real *)data + at,
        .step = g->inner,
        .classes = g->classes,
        .lanes = fcn_min(VL, g->inner - i % g->blocks * VL),
        .end = (const real *)data + g->outer * g->classes * g->inner,
    };
}

/* How many elements a row is worth to fcn_parallel_for. */
static inline double row_elements(const grid *g) { return (double)g->classes * (g->inner == 1 ? 1 : VL); }

#endif
