/* Softmax and cross-entropy of one row (common/rows.h), for eager mode and the engine. The equations stand in
 * eager/softmax.c. */
#ifndef FCN_SOFTMAX_H
#define FCN_SOFTMAX_H

#include "common/rows.h"
#include "common/vexp.h"
#include <math.h>

#if FCN_REAL_BYTES == 4
#define LOG logf
#else
#define LOG log
#endif

/* The logarithm of what merge_sum returned, in each lane. */
INLINE vreal log_of(vreal v, const row_kind kind)
{
    for (int i = 0; i < (kind == CLASSES_IN_LANES ? 1 : VL); ++i)
        v[i] = LOG(v[i]);
    return kind == CLASSES_IN_LANES ? vset(v[0]) : v;
}

/* y = softmax(x), or the logarithm of that. */
INLINE void row_softmax(row *y, row *x, const row_kind kind, const int log)
{
    const ptrdiff_t vectors = row_vectors(x, kind);
    row_begin(x, kind, (real)-INFINITY);
    vreal max = row_load(x, 0, kind);
    row_sum parts = {0};
    for (ptrdiff_t k = 1; k < vectors; ++k)
        max = larger(row_load(x, k, kind), max);
    max = merge_larger(max, kind);
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal e = vexp(row_load(x, k, kind) - max);
        if (!log)
            row_store(y, k, kind, e);
        add_class(&parts, k, kind, e);
    }
    const vreal sum = merge_sum(&parts, kind), log_sum = log ? log_of(sum, kind) : sum, inverse = 1 / sum;
    for (ptrdiff_t k = 0; k < vectors; ++k)
        row_store(y, k, kind, log ? row_load(x, k, kind) - max - log_sum : row_load(y, k, kind) * inverse);
    row_end(y, kind);
}

/* dx from dy and the y of row_softmax. */
INLINE void row_softmax_grad(row *dx, row *dy, row *y, const row_kind kind, const int log)
{
    const ptrdiff_t vectors = row_vectors(dy, kind);
    row_begin(dy, kind, 0);
    row_begin(y, kind, 0);
    row_sum parts = {0};
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal g = row_load(dy, k, kind);
        add_class(&parts, k, kind, log ? g : g * row_load(y, k, kind));
    }
    const vreal sum = merge_sum(&parts, kind);
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal g = row_load(dy, k, kind), value = row_load(y, k, kind);
        row_store(dx, k, kind, log ? g - vexp(value) * sum : value * (g - sum));
    }
    row_end(dx, kind);
}

/* Options of cross-entropy. */
typedef struct {
    stored *weight; /* of each class, or NULL */
    int64_t ignore_index;
    double smoothing, scale; /* the gradient is multiplied by `scale` */
} loss_options;

/* What a row should be, after smoothing. */
typedef struct {
    row weight;  /* of each class; without data: 1 */
    row soft;    /* probabilities; without data the targets are labels */
    vint label;  /* the class of each sample, -1: none */
    vreal hard;  /* the part of the label that smoothing leaves to it, times its weight */
    real rest;   /* the part of a target that smoothing leaves to it */
    real smooth; /* the part of each class that comes from smoothing */
} targets;

/* The targets of vector k, each times the weight of its class. */
INLINE vreal target_share(const targets *t, ptrdiff_t k, const row_kind kind)
{
    const vint classes = row_classes(k, kind);
    vreal weight = vset(1), share = vset(t->smooth);
    if (t->weight.data)
        weight =
            kind == CLASSES_IN_LANES ? row_load(&t->weight, k, kind) : vset(value_of(t->weight.data + k));
    if (t->soft.data)
        return (row_load(&t->soft, k, kind) * t->rest + share) *
               keep(classes < (lane_int)t->weight.classes, weight);
    share = t->smooth != 0 ? share * keep(classes < (lane_int)t->weight.classes, weight) : (vreal){0};
    return keep(classes == t->label, t->hard) + share;
}

/* loss -= share * log_p. Where the share is 0 so is the product, even if log_p is -inf. */
INLINE void add_losses(double *loss, vreal share, vreal log_p)
{
    real shares[VL], logs[VL];
    rstore(shares, share);
    rstore(logs, keep(share != 0, log_p));
    for (int i = 0; i < VL; ++i)
        loss[i] -= (double)shares[i] * (double)logs[i];
}

/* The losses of `count` samples (1 if classes are in the lanes), and `scale` times their gradients. The
 * targets are the classes `label`, or if that is NULL the probabilities `soft`. If `right` is not NULL it
 * gets 1 for a sample whose first maximum is its label, ignored or not, and 0 for the others. Numbers of
 * neighbouring samples are `stride` apart in losses and right. */
INLINE void row_cross_entropy(double *losses, double *right, ptrdiff_t stride, row *dx, row *x,
                              const int64_t *label, const row *soft, const loss_options *o, ptrdiff_t count,
                              const row_kind kind)
{
    const ptrdiff_t vectors = row_vectors(x, kind), samples = kind == CLASSES_IN_LANES ? 1 : VL;
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
    const int one_class = label && t.smooth == 0;
    lane_int labels[VL], counted[VL];
    real hard[VL];
    for (ptrdiff_t i = 0; i < samples; ++i) {
        const int counts = i < count && (!label || label[i] != o->ignore_index);
        labels[i] = counts && label ? (lane_int)label[i] : -1;
        hard[i] = labels[i] < 0 ? 0 : t.rest * (o->weight ? value_of(o->weight + labels[i]) : 1);
        /* A class of weight 0 counts for nothing, whatever the logits. */
        counted[i] = -(counts && !(one_class && hard[i] == 0));
    }
    vint counts = (vint){0} + counted[0];
    t.label = (vint){0} + labels[0];
    t.hard = vset(hard[0]);
    if (kind == SAMPLES_IN_LANES) {
        memcpy(&t.label, labels, sizeof(labels));
        memcpy(&counts, counted, sizeof(counted));
        t.hard = rload(hard);
    }

    /* The first maximum in each lane, or the first NaN. */
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

    row_sum parts = {0}, shares = {0};
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal e = vexp(row_load(x, k, kind) - max);
        row_store(dx, k, kind, e);
        add_class(&parts, k, kind, e);
        if (!one_class)
            add_class(&shares, k, kind, target_share(&t, k, kind));
    }
    const vreal sum = merge_sum(&parts, kind), mass = one_class ? t.hard : merge_sum(&shares, kind);
    const vreal log_sum = log_of(sum, kind), factor = mass / sum;
    double loss[VL] = {0};
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal share = target_share(&t, k, kind);
        if (!one_class)
            add_losses(loss, share, row_load(x, k, kind) - max - log_sum);
        const vreal grad = (row_load(dx, k, kind) * factor - share) * (real)o->scale;
        row_store(dx, k, kind, keep(counts, grad));
    }
    row_end(dx, kind);
    for (ptrdiff_t i = 0; one_class && i < samples; ++i)
        if (hard[i] != 0)
            loss[i] = -(double)hard[i] * (double)(row_element(x, labels[i], i, kind) - max[i] - log_sum[i]);
    for (int i = 1; kind == CLASSES_IN_LANES && i < VL; ++i)
        loss[0] += loss[i];
    for (ptrdiff_t i = 0; i < count; ++i)
        losses[i * stride] = counted[i] ? loss[i] : 0;
    if (!right)
        return;
    lane_int first[VL];
    memcpy(first, &winner, sizeof(winner));
    if (kind == CLASSES_IN_LANES) {
        /* The first class among the lanes that hold the maximum. */
        const vint holds = (best == max) | (best != best);
        lane_int held[VL], least = (lane_int)x->classes;
        memcpy(held, &holds, sizeof(holds));
        for (int i = 0; i < VL; ++i)
            if (held[i] && first[i] < least)
                least = first[i];
        first[0] = least;
    }
    for (ptrdiff_t i = 0; i < count; ++i)
        right[i * stride] = first[i] == label[i];
}

#endif
