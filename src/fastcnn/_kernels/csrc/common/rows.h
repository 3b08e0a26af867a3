/* Rows of classes, a vector at a time.
 *
 * With CLASSES_IN_LANES a row is one sample: a vector holds VL of its classes. With SAMPLES_IN_LANES a row is
 * up to VL samples, one in each lane: a vector holds one class of all of them. A sum over the classes of a
 * sample is taken in the same order in both, which depends only on how many classes there are.
 */
#ifndef FCN_ROWS_H
#define FCN_ROWS_H

#include "common/integers.h"
#include "common/vec.h"

typedef enum { SAMPLES_IN_LANES, CLASSES_IN_LANES } row_kind;

typedef struct {
    stored *data;
    /* Where each class stands in data; NULL: neighbours if classes are in the lanes, else `step` apart. */
    const int32_t *places;
    ptrdiff_t step, classes;
    ptrdiff_t lanes;   /* how many samples there are, if they are in the lanes */
    const stored *end; /* of the memory that may be read, or NULL if nothing past a partial vector may be */
    vreal last; /* the last vector, if classes are in the lanes: often partial, and often the only one */
} row;

#if VL == 16
#define FIRST_LANES 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#elif VL == 8
#define FIRST_LANES 0, 1, 2, 3, 4, 5, 6, 7
#elif VL == 4
#define FIRST_LANES 0, 1, 2, 3
#else
#define FIRST_LANES 0, 1
#endif

INLINE ptrdiff_t row_vectors(const row *r, const row_kind kind)
{
    return kind == CLASSES_IN_LANES ? fcn_divide_up(r->classes, VL) : r->classes;
}

/* How many lanes of vector k are in use. */
INLINE ptrdiff_t row_lanes(const row *r, ptrdiff_t k, const row_kind kind)
{
    return kind == CLASSES_IN_LANES ? fcn_min(VL, r->classes - k * VL) : r->lanes;
}

/* The class that each lane of vector k holds. */
INLINE vint row_classes(ptrdiff_t k, const row_kind kind)
{
    const vint first = (vint){0} + (lane_int)(kind == CLASSES_IN_LANES ? k * VL : k);
    return kind == CLASSES_IN_LANES ? first + (vint){FIRST_LANES} : first;
}

INLINE stored *row_at(const row *r, ptrdiff_t k, const row_kind kind)
{
    if (kind == CLASSES_IN_LANES)
        return r->data + k * VL;
    return r->data + (r->places ? r->places[k] : k * r->step);
}

/* The number of class k for the sample in `lane` (if the row has several). */
INLINE real row_element(const row *r, ptrdiff_t k, ptrdiff_t lane, const row_kind kind)
{
    if (kind == CLASSES_IN_LANES)
        return value_of(r->data + (r->places ? r->places[k] : k));
    return value_of(row_at(r, k, kind) + lane);
}

/* to[i] = from[i], i < count < VL. */
INLINE void copy_lanes(stored *to, const stored *from, ptrdiff_t count)
{
#pragma GCC unroll 4
    for (int width = VL / 2; width > 0; width /= 2)
        if (count & width) {
            memcpy(to, from, width * sizeof(stored));
            to += width;
            from += width;
        }
}

/* Vector k from memory, with `fill` in the lanes that are not in use. */
INLINE vreal row_read(const row *r, ptrdiff_t k, const row_kind kind, real fill)
{
    const ptrdiff_t valid = row_lanes(r, k, kind);
    const stored *from = row_at(r, k, kind);
    stored lanes[VL];
    vstore(lanes, vset(fill));
    if (kind == CLASSES_IN_LANES && r->places) {
        for (ptrdiff_t i = 0; i < valid; ++i)
            lanes[i] = r->data[r->places[k * VL + i]];
        return vload(lanes);
    }
    if (valid == VL)
        return vload(from);
    if (r->end && from + VL <= r->end)
        return pick((vint){FIRST_LANES} < (lane_int)valid, vload(from), vset(fill));
    copy_lanes(lanes, from, valid);
    return vload(lanes);
}

INLINE void row_write(const row *r, ptrdiff_t k, const row_kind kind, vreal v)
{
    const ptrdiff_t valid = row_lanes(r, k, kind);
    stored *to = row_at(r, k, kind), lanes[VL];
    vstore(lanes, v);
    if (kind == CLASSES_IN_LANES && r->places)
        for (ptrdiff_t i = 0; i < valid; ++i)
            r->data[r->places[k * VL + i]] = lanes[i];
    else if (valid == VL)
        vstore(to, v);
    else
        copy_lanes(to, lanes, valid);
}

/* Call row_begin before the first row_load of a row, and row_end after its last row_store: in between, the
 * last vector of a row of classes is kept in `last`, not in memory. */
INLINE void row_begin(row *r, const row_kind kind, real fill)
{
    if (kind == CLASSES_IN_LANES)
        r->last = row_read(r, row_vectors(r, kind) - 1, kind, fill);
}

INLINE void row_end(const row *r, const row_kind kind)
{
    if (kind == CLASSES_IN_LANES)
        row_write(r, row_vectors(r, kind) - 1, kind, r->last);
}

INLINE vreal row_load(const row *r, ptrdiff_t k, const row_kind kind)
{
    return kind == CLASSES_IN_LANES && k == row_vectors(r, kind) - 1 ? r->last : row_read(r, k, kind, 0);
}

INLINE void row_store(row *r, ptrdiff_t k, const row_kind kind, vreal v)
{
    if (kind == CLASSES_IN_LANES && k == row_vectors(r, kind) - 1)
        r->last = v;
    else
        row_write(r, k, kind, v);
}

/* The largest number of each sample, in each of its lanes. */
INLINE vreal merge_larger(vreal v, const row_kind kind)
{
    for (int width = VL; kind == CLASSES_IN_LANES && width > 1; width /= 2) {
        vreal other = v;
        zip(&v, &other);
        v = larger(v, other);
    }
    return v;
}

/* A sum over the classes of each sample. With samples in the lanes it has VL parts, one for each lane that a
 * class would be in if classes were in the lanes: both kinds add the same numbers in the same order. */
typedef struct {
    vreal part[VL];
} row_sum;

INLINE void add_class(row_sum *sum, ptrdiff_t k, const row_kind kind, vreal v)
{
    sum->part[kind == CLASSES_IN_LANES ? 0 : k % VL] += v;
}

INLINE vreal merge_sum(row_sum *sum, const row_kind kind)
{
    vreal v = sum->part[0];
    for (int width = VL; kind == CLASSES_IN_LANES && width > 1; width /= 2) {
        vreal other = v;
        zip(&v, &other);
        v += other;
    }
    if (kind == CLASSES_IN_LANES)
        return v;
    for (int width = VL / 2; width > 0; width /= 2)
        for (int i = 0; i < width; ++i)
            sum->part[i] += sum->part[i + width];
    return sum->part[0];
}

#endif
