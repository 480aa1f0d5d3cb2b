/*
 * topk.h - arguments of the kernel topk: the k best items of every user, fed a tile of scores at a time.
 *
 * A candidate is one 64-bit key: score as an ordered integer (high half), tie hash of (seed, user, item) (low
 * half). The hash is a permutation of the 32-bit integers chosen by (seed, user), so no two items of a user
 * share a key, the order is total, and the item is read back from the key.  Other rules for equal scores, as libraries
 * have them, put other numbers into the low half.
 */
#ifndef TOPK_H
#define TOPK_H
#include <stddef.h>
#include <stdint.h>

#define TOPK_NONE  0xFFFFFFFFu
#define TOPK_MASKS 2
/* Keys kept per user while tiles arrive, and groups of the first bound; multiples of 32. */
#define TOPK_CAPACITY(k) (((size_t)(k)*2 + 64 + 31) / 32 * 32)
#define TOPK_GROUPS(k)   (((size_t)(k)*4 + 31) / 32 * 32)
/* Bytes of scratch a team needs. */
#define TOPK_SCRATCH(k) (TOPK_GROUPS(k) * 4 + TOPK_CAPACITY(k) * 8 + ((size_t)(k) + 1) * 8 + 256)

/* Which of equal scores stands first: by the hash, the lower or the higher item, the user's relevant items, or the others
 * (then by rising item). */
enum topk_ties {
    TOPK_TIES_HASH,
    TOPK_TIES_INDEX_RISING,
    TOPK_TIES_INDEX_FALLING,
    TOPK_TIES_RELEVANT_FIRST,
    TOPK_TIES_RELEVANT_LAST
};

struct topk_mask {
    const int64_t *ptr;  /* [n_users + 1]; NULL: no mask */
    const uint32_t *idx; /* [nnz] items not to be ranked, rising within a user */
};

struct topk {
    float *scores; /* [n_rows x ld] of items first_item .. first_item + n_items - 1; written to */
    size_t ld;     /* at least n_items */
    uint32_t first_item, n_items; /* of this tile; tiles come in rising order */
    int first, last;              /* is this the first tile of the row, the last? */
    uint32_t k;                   /* length of a list */
    uint64_t seed;                /* of the tie hash */
    uint64_t purpose;             /* Philox stream of the tie hash */
    const uint32_t *users;        /* [n_rows] user of each row */
    const float *item_bias;       /* [all items] added to the scores; NULL: none */
    struct topk_mask mask[TOPK_MASKS];
    int ties;                  /* enum topk_ties */
    struct topk_mask relevant; /* of TOPK_TIES_RELEVANT_FIRST and _LAST; items below 2^31 */

    /* between the tiles of a row */
    uint64_t *keys;   /* [n_rows x TOPK_CAPACITY(k)] candidates, in no order */
    uint32_t *count;  /* [n_rows] of them */
    float *threshold; /* [n_rows] scores below cannot enter the list any more */
    uint64_t *lost;   /* [n_rows] the best score ever pushed out, as the high half of a key; 0: none */

    /* results, written at the last tile */
    uint32_t *item; /* [n_rows x k] best first; TOPK_NONE where candidates are out */
    float *score;   /* [n_rows x k] with item_bias; -infinity where candidates are out */
    uint8_t *tied;  /* [n_rows] 1: equal scores inside the list or across its end */
    uint32_t *bad;  /* [n_rows] first item with a score NaN or +infinity; TOPK_NONE: none */
};
#endif
