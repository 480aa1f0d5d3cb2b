/*
 * double_bert.h - the model of tiny_bert.h in double, by plain loops, with or without adapters.  For test_encoder.c, test_encoder_lora.c and
 * tests/fusion/test_two_tower.c.
 */
#ifndef TESTS_LLM_DOUBLE_BERT_H
#define TESTS_LLM_DOUBLE_BERT_H
#include "llm/encoder_lora_parts.h"
#include "philox.h"
#include "tiny_bert.h"

enum { MOST = 256, H = 96, F = 80 };
struct double_state {
    int n;
    double x[MOST][H], q[MOST][H], k[MOST][H], v[MOST][H], mixed[MOST][H], wide[MOST][F], y[MOST][H];
};

static void double_norm(double *x, const float *gamma, const float *beta)
{
    double mean = 0, variance = 0;
    for (int j = 0; j < H; j++)
        mean += x[j] / H;
    for (int j = 0; j < H; j++)
        variance += (x[j] - mean) * (x[j] - mean) / H;
    for (int j = 0; j < H; j++)
        x[j] = (x[j] - mean) / sqrt(variance + 1e-12) * (double)gamma[j] + (double)beta[j];
}

enum { DOUBLE_RANK = 3 };
/* Adapters of the top `layers` layers, their weights laid out as struct encoder_lora has them. */
struct double_lora {
    int layers;
    double scale, dropout;
    uint64_t seed;
    uint32_t step;
    const double *weights; /* a layer: queries A [rank x H], B [H x rank], values A, B */
};

/* y += scale B A dropout(x) of queries (k 0) or values (1) of a layer, for the token of that number. */
static void double_adapt(const struct double_lora *lora, int layer, int k, uint32_t place, const double *x,
                         double *y)
{
    const int index = lora == NULL ? -1 : layer - (2 - lora->layers);
    if (index < 0)
        return;
    const double *A = lora->weights + (size_t)(2 * index + k) * 2 * DOUBLE_RANK * H,
                 *B = A + (size_t)DOUBLE_RANK * H;
    const uint64_t stream =
        (uint64_t)(lora->step * (uint32_t)lora->layers + (uint32_t)index) << 32 | RANDOM_DROPOUT;
    for (int r = 0; r < DOUBLE_RANK; r++) {
        double u = 0;
        for (int j = 0; j < H; j++) {
            const struct philox draw =
                philox4x32(lora->seed, stream, (uint64_t)place * (H / 4) + (uint64_t)j / 4);
            if (draw.v[j % 4] >= (uint32_t)(lora->dropout * 0x1p32))
                u += A[r * H + j] * x[j] / (1 - lora->dropout);
        }
        for (int i = 0; i < H; i++)
            y[i] += lora->scale * B[i * DOUBLE_RANK + r] * u;
    }
}

/* y [n_out] = W x + b of layer `layer`. */
static void double_dense(const struct tiny *t, const char *name, int layer, const double *x, int n_in,
                         double *y, int n_out)
{
    char full[96];
    snprintf(full, sizeof full, "encoder.layer.%%d.%s.weight", name);
    const float *w = tiny_find(t, full, layer);
    snprintf(full, sizeof full, "encoder.layer.%%d.%s.bias", name);
    const float *b = tiny_find(t, full, layer);
    for (int i = 0; i < n_out; i++) {
        y[i] = (double)b[i];
        for (int j = 0; j < n_in; j++)
            y[i] += (double)w[i * n_in + j] * x[j];
    }
}

static void double_attention(struct double_state *s)
{
    const int d = H / 3;
    for (int head = 0; head < 3; head++)
        for (int i = 0; i < s->n; i++) {
            double score[MOST], sum = 0;
            for (int j = 0; j < s->n; j++) {
                score[j] = 0;
                for (int m = head * d; m < (head + 1) * d; m++)
                    score[j] += s->q[i][m] * s->k[j][m];
                score[j] = exp(score[j] / sqrt(d));
                sum += score[j];
            }
            for (int m = head * d; m < (head + 1) * d; m++) {
                s->mixed[i][m] = 0;
                for (int j = 0; j < s->n; j++)
                    s->mixed[i][m] += score[j] / sum * s->v[j][m];
            }
        }
}

static void double_layer(const struct tiny *t, const struct double_lora *lora, struct double_state *s, int l,
                         uint32_t place)
{
    for (int i = 0; i < s->n; i++) {
        double_dense(t, "attention.self.query", l, s->x[i], H, s->q[i], H);
        double_dense(t, "attention.self.key", l, s->x[i], H, s->k[i], H);
        double_dense(t, "attention.self.value", l, s->x[i], H, s->v[i], H);
        double_adapt(lora, l, 0, place + (uint32_t)i, s->x[i], s->q[i]);
        double_adapt(lora, l, 1, place + (uint32_t)i, s->x[i], s->v[i]);
    }
    double_attention(s);
    for (int i = 0; i < s->n; i++) {
        double_dense(t, "attention.output.dense", l, s->mixed[i], H, s->y[i], H);
        for (int j = 0; j < H; j++)
            s->x[i][j] += s->y[i][j];
        double_norm(s->x[i], tiny_find(t, "encoder.layer.%d.attention.output.LayerNorm.weight", l),
                    tiny_find(t, "encoder.layer.%d.attention.output.LayerNorm.bias", l));
        double_dense(t, "intermediate.dense", l, s->x[i], H, s->wide[i], F);
        for (int j = 0; j < F; j++)
            s->wide[i][j] *= 0.5 * (1 + erf(s->wide[i][j] / sqrt(2)));
        double_dense(t, "output.dense", l, s->wide[i], F, s->y[i], H);
        for (int j = 0; j < H; j++)
            s->x[i][j] += s->y[i][j];
        double_norm(s->x[i], tiny_find(t, "encoder.layer.%d.output.LayerNorm.weight", l),
                    tiny_find(t, "encoder.layer.%d.output.LayerNorm.bias", l));
    }
}

/* The vector of length 1 of a text; its first token is number `place` among all texts' (which dropout goes by). */
static void double_embed(const struct tiny *t, const struct double_lora *lora, const uint32_t *ids,
                         uint32_t n, uint32_t place, double out[H])
{
    static struct double_state s;
    s.n = (int)n;
    for (int i = 0; i < s.n; i++) {
        for (int j = 0; j < H; j++)
            s.x[i][j] = (double)tiny_find(t, "embeddings.word_embeddings.weight", 0)[(int)ids[i] * H + j] +
                        (double)tiny_find(t, "embeddings.position_embeddings.weight", 0)[i * H + j] +
                        (double)tiny_find(t, "embeddings.token_type_embeddings.weight", 0)[j];
        double_norm(s.x[i], tiny_find(t, "embeddings.LayerNorm.weight", 0),
                    tiny_find(t, "embeddings.LayerNorm.bias", 0));
    }
    double_layer(t, lora, &s, 0, place);
    double_layer(t, lora, &s, 1, place);
    double squares = 0;
    for (int j = 0; j < H; j++) {
        out[j] = 0;
        for (int i = 0; i < s.n; i++)
            out[j] += s.x[i][j] / s.n;
        squares += out[j] * out[j];
    }
    for (int j = 0; j < H; j++)
        out[j] /= sqrt(squares);
}

#endif
