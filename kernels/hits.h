/*
 * hits.h - arguments of the kernel hits: what every ranking metric of every cut-off and dialect needs to know of a list.
 */
#ifndef HITS_H
#define HITS_H
#include <stddef.h>
#include <stdint.h>

#define HITS_NONE   0xFFFFFFFFu
#define HITS_FILTER 1024 /* a power of 2 */
/* Bytes of scratch a team needs for lists of that many places. */
#define HITS_SCRATCH(longest) ((size_t)(longest)*8 + HITS_FILTER + 512)

/* Sums over the places j (from 1) up to a cut-off k that hold a relevant item; d(j) = 1 / log2(j + 1). */
struct hits_sums {
    double dcg;         /* sum d(j) */
    double clipped;     /* sum 1 / log2(max(j, 2)), Jarvelin and Kekalainen's own discount */
    double linear;      /* sum gain d(j) */
    double exponential; /* sum (2^gain - 1) d(j) */
    double precisions;  /* sum of precision(j) */
    double averages;    /* sum over all places i <= k of (hits up to i) / i, beyond the list's end too */
    double before;      /* sum over places without a hit, up to k, of the hits before them */
    uint32_t hits;
    uint32_t first; /* place of the first hit; 0: none */
};

struct hits {
    uint32_t longest, ld;  /* places looked at; row length of item, at least that */
    const uint32_t *item;  /* [n_rows x ld] best first; HITS_NONE from the list's end on */
    const uint32_t *users; /* [n_rows] the list's row of the relevant items */
    const int64_t *ptr;    /* [all users + 1] */
    const uint32_t *idx;   /* [nnz] relevant items, rising within a user */
    const double *gain;    /* [nnz]; NULL: 1 */
    const double *power;   /* [nnz] 2^gain - 1; NULL: 1 */
    uint32_t n_k;
    const uint32_t *k;                /* [n_k] cut-offs, 1 .. longest */
    const double *discount, *clipped; /* [longest] */
    const double *harmonic;           /* [longest + 1] sums 1 + 1/2 + ... */
    struct hits_sums
        *out;         /* [n_rows x (n_k + 1)]; the last: cut at the number of relevant items, or longest */
    uint32_t *length; /* [n_rows] places filled, at most longest */
};
#endif
