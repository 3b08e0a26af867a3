/* Rows of classes, a vector at a time.
 *
 * A row is one sample whose classes fill the lanes (TOGETHER), or VL samples with a lane each (APART). Sums over the
 * classes of a sample are taken in an order that depends on their number alone.
 */
#ifndef FCN_ROWS_H
#define FCN_ROWS_H

#include "common/integers.h"
#include "common/vec.h"

typedef enum { APART, TOGETHER } row_kind;

typedef struct {
    real *data;
    const int32_t *places; /* of each class; NULL: they are `step` apart, and neighbours in a row TOGETHER */
    ptrdiff_t step, classes;
    ptrdiff_t lanes; /* samples APART */
    const real *end; /* of what may be read, or NULL */
    vreal last;      /* the last vector of a row TOGETHER, which is often partial, and often the only one */
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
    return kind == TOGETHER ? fcn_divide_up(r->classes, VL) : r->classes;
}

/* How many lanes of vector k there are. */
INLINE ptrdiff_t row_lanes(const row *r, ptrdiff_t k, const row_kind kind)
{
    return kind == TOGETHER ? fcn_min(VL, r->classes - k * VL) : r->lanes;
}

/* The class of each lane of vector k. */
INLINE vint row_classes(ptrdiff_t k, const row_kind kind)
{
    const vint first = (vint){0} + (lane_int)(kind == TOGETHER ? k * VL : k);
    return kind == TOGETHER ? first + (vint){FIRST_LANES} : first;
}

INLINE real *row_at(const row *r, ptrdiff_t k, const row_kind kind)
{
    if (kind == TOGETHER)
        return r->data + k * VL;
    return r->data + (r->places ? r->places[k] : k * r->step);
}

/* One class of one sample, as it stands in memory. */
INLINE real row_element(const row *r, ptrdiff_t k, ptrdiff_t lane, const row_kind kind)
{
    if (kind == TOGETHER)
        return r->data[r->places ? r->places[k] : k];
    return row_at(r, k, kind)[lane];
}

/* to[i] = from[i], i < count < VL. */
INLINE void copy_lanes(real *to, const real *from, ptrdiff_t count)
{
#pragma GCC unroll 4
    for (int width = VL / 2; width > 0; width /= 2)
        if (count & width) {
            memcpy(to, from, width * sizeof(real));
            to += width;
            from += width;
        }
}

/* Vector k from memory; lanes that it does not have are `fill`. */
INLINE vreal row_read(const row *r, ptrdiff_t k, const row_kind kind, real fill)
{
    const ptrdiff_t valid = row_lanes(r, k, kind);
    const real *from = row_at(r, k, kind);
    real lanes[VL];
    if (kind == TOGETHER && r->places) {
        for (ptrdiff_t i = 0; i < VL; ++i)
            lanes[i] = i < valid ? r->data[r->places[k * VL + i]] : fill;
        return vload(lanes);
    }
    if (valid == VL)
        return vload(from);
    if (r->end && from + VL <= r->end)
        return pick((vint){FIRST_LANES} < (lane_int)valid, vload(from), vset(fill));
    vstore(lanes, vset(fill));
    copy_lanes(lanes, from, valid);
    return vload(lanes);
}

INLINE void row_write(const row *r, ptrdiff_t k, const row_kind kind, vreal v)
{
    const ptrdiff_t valid = row_lanes(r, k, kind);
    real *to = row_at(r, k, kind), lanes[VL];
    vstore(lanes, v);
    if (kind == TOGETHER && r->places)
        for (ptrdiff_t i = 0; i < valid; ++i)
            r->data[r->places[k * VL + i]] = lanes[i];
    else if (valid == VL)
        vstore(to, v);
    else
        copy_lanes(to, lanes, valid);
}

/* Rows that are read start with row_begin, those that are written end with row_end. */
INLINE void row_begin(row *r, const row_kind kind, real fill)
{
    if (kind == TOGETHER)
        r->last = row_read(r, row_vectors(r, kind) - 1, kind, fill);
}

INLINE void row_end(const row *r, const row_kind kind)
{
    if (kind == TOGETHER)
        row_write(r, row_vectors(r, kind) - 1, kind, r->last);
}

INLINE vreal row_load(const row *r, ptrdiff_t k, const row_kind kind)
{
    return kind == TOGETHER && k == row_vectors(r, kind) - 1 ? r->last : row_read(r, k, kind, 0);
}

INLINE void row_store(row *r, ptrdiff_t k, const row_kind kind, vreal v)
{
    if (kind == TOGETHER && k == row_vectors(r, kind) - 1)
        r->last = v;
    else
        row_write(r, k, kind, v);
}

/* The larger of each lane; NaN wins. */
static inline vreal larger(vreal a, vreal b) { return pick(a != a, a, vmax(a, b)); }

/* What belongs to one sample: APART each lane's own, TOGETHER that of all lanes, in each lane. */
INLINE vreal merge_larger(vreal v, const row_kind kind)
{
    for (int width = VL; kind == TOGETHER && width > 1; width /= 2) {
        vreal other = v;
        zip(&v, &other);
        v = larger(v, other);
    }
    return v;
}

/* A sum over the classes of each sample: APART a part for each lane that the class would have TOGETHER, so that both
 * add the same numbers in the same order. */
typedef struct {
    vreal part[VL];
} row_sum;

INLINE void add_class(row_sum *sum, ptrdiff_t k, const row_kind kind, vreal v)
{
    sum->part[kind == TOGETHER ? 0 : k % VL] += v;
}

INLINE vreal merge_sum(row_sum *sum, const row_kind kind)
{
    vreal v = sum->part[0];
    for (int width = VL; kind == TOGETHER && width > 1; width /= 2) {
        vreal other = v;
        zip(&v, &other);
        v += other;
    }
    if (kind == TOGETHER)
        return v;
    for (int width = VL / 2; width > 0; width /= 2)
        for (int i = 0; i < width; ++i)
            sum->part[i] += sum->part[i + width];
    return sum->part[0];
}

#endif
