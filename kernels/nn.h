/*
 * nn.h - arguments of the dense layers' kernels (nn.cu).
 *
 * A matrix of activations has one row a token and a leading dimension of its own; its allocation has a multiple of
 * NN_TILE_ROWS rows, of which the last may hold anything.
 */
#ifndef NN_H
#define NN_H

#define NN_TILE_ROWS 12
#define NN_TILE_COLS 32
/* Rows or columns rounded up to whole tiles. */
#define NN_PAD_ROWS(n) (((n) + NN_TILE_ROWS - 1) / NN_TILE_ROWS * NN_TILE_ROWS)
#define NN_PAD_COLS(n) (((n) + NN_TILE_COLS - 1) / NN_TILE_COLS * NN_TILE_COLS)

/* y = f(x W' + bias).  A row of the kernel is a tile of NN_TILE_ROWS tokens by one group of panels; a panel is
 * NN_TILE_COLS outputs.  Launch n_tiles * ceil(n_panels / group) rows, tiles fastest, so that a group's weights stay in the
 * cache while all tiles pass. */
struct nn_linear {
    const float *x;    /* [n_tiles * NN_TILE_ROWS x k] */
    const float *w;    /* packed [n_panels][k][NN_TILE_COLS] */
    const float *bias; /* [n_panels * NN_TILE_COLS] */
    float *y;          /* [n_tiles * NN_TILE_ROWS x n_panels * NN_TILE_COLS] */
    long ldx, ldy;
    long n_tiles;
    int k, n_panels, group; /* group: panels a kernel row */
    int gelu;               /* f: 0 nothing, 1 x Phi(x), with erf (Hendrycks and Gimpel 2016) */
};

/* Packs W [n x k], row-major (outputs down, as files hold it), into nn_linear's order.  A row is a panel; `k` inputs;
 * outputs beyond n become zeros. */
struct nn_pack {
    const float *w;
    float *packed;
    int n, k;
};

/* A row is a token: x = (x - mean) / sqrt(variance + eps) * gamma + beta over `width`, after x += add (NULL: nothing). */
struct nn_layer_norm {
    float *x;         /* [n_tokens x width] */
    const float *add; /* [n_tokens x width] */
    const float *gamma, *beta;
    long ldx, ld_add;
    int width;
    float eps;
};

/* A row is a token: x = word[id] + position[place] + type (Devlin et al. 2018, figure 2). */
struct nn_embed {
    const unsigned *ids;    /* [n_tokens] */
    const unsigned *places; /* [n_tokens], position in the text, from 0 */
    const float *words;     /* [vocabulary x width] */
    const float *positions; /* [longest x width] */
    const float *type;      /* [width] */
    float *x;               /* [n_tokens x width] */
    long ldx;
    int width;
};

/* A row is a text: out = mean over its tokens of x, or the first one's x, divided by its length. */
struct nn_pool {
    const float *x;           /* [n_tokens x width] */
    const unsigned *first;    /* [n_texts + 1] */
    const unsigned long *row; /* [n_texts]: where each text's vector goes */
    float *out;               /* [... x width] */
    long ldx;
    int width, cls; /* cls: 0 mean, 1 the first token */
};

/* A row is a stretch of NN_CURVE numbers: y = exp x, erf x or gelu x (which: 0, 1, 2).  For the tests of the bounds. */
#define NN_CURVE 32
struct nn_curve {
    const float *x; /* [n_rows * NN_CURVE] */
    float *y;
    int which;
};

#endif
