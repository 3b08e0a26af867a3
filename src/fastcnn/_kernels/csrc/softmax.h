/* What the kernels of softmax and cross-entropy share: rows of classes, a vector at a time.
 *
 * A row is one sample whose classes fill the lanes (TOGETHER), or VL samples with a lane each (APART). Sums over the
 * classes of a sample are taken in an order that depends on their number alone.
 */
#ifndef FCN_SOFTMAX_H
#define FCN_SOFTMAX_H

#include "kernels.h"
#include "vexp.h"
#include <math.h>

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

INLINE vreal merge_sum(vreal v, const row_kind kind)
{
    for (int width = VL; kind == TOGETHER && width > 1; width /= 2) {
        vreal other = v;
        zip(&v, &other);
        v += other;
    }
    return v;
}

INLINE vreal log_of(vreal v, const row_kind kind)
{
    real lanes[VL];
    vstore(lanes, v);
    for (int i = 0; i < (kind == TOGETHER ? 1 : VL); ++i)
        lanes[i] = sizeof(real) == 4 ? (real)logf((float)lanes[i]) : (real)log((double)lanes[i]);
    return kind == TOGETHER ? vset(lanes[0]) : vload(lanes);
}

/* y = softmax(x), or its logarithm. */
INLINE void row_softmax(row *y, row *x, const row_kind kind, const int log)
{
    const ptrdiff_t vectors = row_vectors(x, kind);
    row_begin(x, kind, (real)-INFINITY);
    vreal max = row_load(x, 0, kind), sum = {0};
    for (ptrdiff_t k = 1; k < vectors; ++k)
        max = larger(row_load(x, k, kind), max);
    max = merge_larger(max, kind);
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal e = vexp(row_load(x, k, kind) - max);
        if (!log)
            row_store(y, k, kind, e);
        sum += e;
    }
    sum = merge_sum(sum, kind);
    const vreal log_sum = log ? log_of(sum, kind) : sum, inverse = 1 / sum;
    for (ptrdiff_t k = 0; k < vectors; ++k)
        row_store(y, k, kind, log ? row_load(x, k, kind) - max - log_sum : row_load(y, k, kind) * inverse);
    row_end(y, kind);
}

/* dx of y = softmax(x), or of its logarithm. */
INLINE void row_softmax_grad(row *dx, row *dy, row *y, const row_kind kind, const int log)
{
    const ptrdiff_t vectors = row_vectors(dy, kind);
    row_begin(dy, kind, 0);
    row_begin(y, kind, 0);
    vreal sum = {0};
    for (ptrdiff_t k = 0; k < vectors; ++k)
        sum += log ? row_load(dy, k, kind) : row_load(dy, k, kind) * row_load(y, k, kind);
    sum = merge_sum(sum, kind);
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal g = row_load(dy, k, kind), value = row_load(y, k, kind);
        row_store(dx, k, kind, log ? g - vexp(value) * sum : value * (g - sum));
    }
    row_end(dx, kind);
}

/* Cross-entropy. */
typedef struct {
    real *weight; /* of each class, or NULL */
    int64_t ignore_index;
    double smoothing, scale; /* scale: of the gradient */
} loss_options;

/* The share of each lane's class of vector k in the targets, times its weight. */
typedef struct {
    row weight, soft; /* soft: probabilities; no data: labels */
    vint label;       /* -1: of no class */
    vreal hard;       /* the label's share */
    real rest, smooth;
} targets;

INLINE vreal target_share(const targets *t, ptrdiff_t k, const row_kind kind)
{
    const vint classes = row_classes(k, kind);
    vreal weight = vset(1), share = vset(t->smooth);
    if (t->weight.data)
        weight = kind == TOGETHER ? row_load(&t->weight, k, kind) : vset(t->weight.data[k]);
    if (t->soft.data)
        return (row_load(&t->soft, k, kind) * t->rest + share) * keep(classes < (lane_int)t->weight.classes, weight);
    share = t->smooth != 0 ? share * keep(classes < (lane_int)t->weight.classes, weight) : (vreal){0};
    return keep(classes == t->label, t->hard) + share;
}

/* Losses of `count` samples (one, TOGETHER) and `scale` times their gradients. `label` are their classes, or NULL if `soft`
 * are their probabilities. With `right`, tells where the first maximum is the label. Numbers of a sample stand `stride`
 * apart in losses and right. */
INLINE void row_cross_entropy(double *losses, double *right, ptrdiff_t stride, row *dx, row *x,
                              const int64_t *label, const row *soft, const loss_options *o, ptrdiff_t count,
                              const row_kind kind)
{
    const ptrdiff_t vectors = row_vectors(x, kind);
    row_begin(x, kind, (real)-INFINITY);
    targets t = {
        .weight = {.data = o->weight, .classes = x->classes},
        .soft = *soft,
        .rest = (real)(1 - o->smoothing),
        .smooth = (real)(o->smoothing / (double)x->classes),
    };
    if (o->weight)
        row_begin(&t.weight, kind, 0);
    if (soft->data)
        row_begin(&t.soft, kind, 0);
    lane_int labels[VL], counted[VL];
    real hard[VL];
    for (ptrdiff_t i = 0; i < VL; ++i) {
        const ptrdiff_t sample = kind == TOGETHER ? 0 : i;
        const int counts = sample < count && (!label || label[sample] != o->ignore_index);
        counted[i] = -counts;
        labels[i] = counts && label ? (lane_int)label[sample] : -1;
        hard[i] = labels[i] < 0 ? 0 : t.rest * (o->weight ? o->weight[labels[i]] : 1);
    }
    vint counts;
    memcpy(&t.label, labels, sizeof(labels));
    memcpy(&counts, counted, sizeof(counted));
    t.hard = vload(hard);

    /* The first maximum of each lane; the first NaN wins. */
    vreal max = row_load(x, 0, kind);
    vint winner = row_classes(0, kind);
    for (ptrdiff_t k = 1; k < vectors; ++k) {
        const vreal value = row_load(x, k, kind);
        const vint better = (value > max) | ((value != value) & (max == max));
        max = pick(better, value, max);
        winner = (better & row_classes(k, kind)) | (~better & winner);
    }
    const vreal best = max;
    max = merge_larger(max, kind);

    vreal sum = {0}, mass = {0};
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal e = vexp(row_load(x, k, kind) - max);
        row_store(dx, k, kind, e);
        sum += e;
        mass += target_share(&t, k, kind);
    }
    sum = merge_sum(sum, kind);
    mass = merge_sum(mass, kind);
    const vreal log_sum = log_of(sum, kind), factor = mass / sum;
    double loss[VL] = {0};
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal share = target_share(&t, k, kind);
        const vreal log_p = keep(share != 0, row_load(x, k, kind) - max - log_sum);
        real shares[VL], logs[VL];
        vstore(shares, share);
        vstore(logs, log_p);
        for (int i = 0; i < VL; ++i)
            loss[i] -= (double)shares[i] * (double)logs[i];
        const vreal grad = (row_load(dx, k, kind) * factor - share) * (real)o->scale;
        row_store(dx, k, kind, keep(counts, grad));
    }
    row_end(dx, kind);
    if (kind == TOGETHER)
        for (int i = 1; i < VL; ++i)
            loss[0] += loss[i];
    for (ptrdiff_t i = 0; i < count; ++i)
        losses[i * stride] = counted[i] ? loss[i] : 0;
    if (!right)
        return;
    lane_int first[VL];
    memcpy(first, &winner, sizeof(winner));
    if (kind == TOGETHER) {
        /* The first class of the lanes that hold the maximum. */
        const vint holds = (best == max) | (best != best);
        lane_int held[VL], least = (lane_int)x->classes;
        memcpy(held, &holds, sizeof(holds));
        for (int i = 0; i < VL; ++i)
            if (held[i] && first[i] < least)
                least = first[i];
        first[0] = least;
    }
    for (ptrdiff_t i = 0; i < count; ++i)
        right[i * stride] = counted[i] && first[i] == labels[i];
}

#endif
