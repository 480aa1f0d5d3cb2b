/*
 * quantize.c - see quantize.h.
 *
 * The error that counts is that of the products: sum of w_j (x_j - x'_j)^2, w_j = importance_j sqrt(sigma^2 + x_j^2) as llama.cpp weighs
 * it (sigma^2: twice the block's mean square).  A scale is searched over candidates around the largest weight's, each with the scale
 * that then fits best (least squares).
 */
#include "llm/quantize.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int type;
} names[] = {{"f32", QUANT_F32},
             {"f16", QUANT_F16},
             {"bf16", QUANT_BF16},
             {"q8_0", QUANT_Q8_0},
             {"q5_0", QUANT_Q5_0},
             {"q4_0", QUANT_Q4_0},
             {"int8_row", COMPRESS_INT8_ROW},
             {"q4_k", QUANT_Q4_K}};
enum { N_NAMES = sizeof names / sizeof *names };

int quantize_type(const char *name)
{
    for (int i = 0; i < N_NAMES; i++)
        if (strcasecmp(name, names[i].name) == 0)
            return names[i].type;
    return -1;
}

const char *quantize_name(int type)
{
    for (int i = 0; i < N_NAMES; i++)
        if (type == names[i].type)
            return names[i].name;
    return type == QUANT_Q5_K ? "q5_k" : type == QUANT_Q6_K ? "q6_k" : "?";
}

int quantize_stored(int type, size_t k)
{
    if (type == COMPRESS_INT8_ROW)
        return QUANT_Q8_0;
    return type == QUANT_Q4_K && k % 256 != 0 ? QUANT_Q5_0 : type;
}

static void put_half(float x, unsigned char *out)
{
    const _Float16 half = (_Float16)x;
    memcpy(out, &half, 2);
}
static float get_half(const unsigned char *p)
{
    _Float16 half;
    memcpy(&half, p, 2);
    return (float)half;
}
/* A scale as the file will hold it, not beyond half precision. */
static float halved(float x)
{
    unsigned char bytes[2];
    put_half(fminf(fmaxf(x, -65504.0f), 65504.0f), bytes);
    return get_half(bytes);
}

static float largest(const float *x, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = fabsf(x[i]) > fabsf(most) ? x[i] : most;
    return most;
}

static int clamp(float x, int low, int high)
{
    const float r = rintf(x);
    return r <= (float)low ? low : r >= (float)high ? high : (int)r;
}

static void row_q8_0(const float *x, size_t k, float shared, unsigned char *out)
{
    for (size_t b = 0; b < k / 32; b++, out += 34, x += 32) {
        const float d = halved(shared > 0 ? shared : fabsf(largest(x, 32)) / 127);
        put_half(d, out);
        for (int j = 0; j < 32; j++)
            out[2 + j] = (unsigned char)(signed char)(d > 0 ? clamp(x[j] / d, -127, 127) : 0);
    }
}

/* Weights of the errors of n numbers of a block. */
static void error_weights(const float *x, const float *importance, size_t n, float mean_square, float *w)
{
    for (size_t j = 0; j < n; j++)
        w[j] = (importance != NULL ? importance[j] : 1) * sqrtf(2 * mean_square + x[j] * x[j]) + 1e-30f;
}

/* d for x ~ d q, q from -n to n - 1. */
static float best_scale(const float *x, const float *w, int n)
{
    const float most = largest(x, 32);
    double best = -1;
    float scale = 0;
    for (int step = -9; most != 0 && step <= 9; step++) {
        const float inverse = -((float)n + 0.1f * (float)step) / most;
        double xl = 0, ll = 0;
        for (int j = 0; j < 32; j++) {
            const int l = clamp(inverse * x[j], -n, n - 1);
            xl += (double)w[j] * (double)x[j] * l;
            ll += (double)w[j] * l * l;
        }
        if (ll > 0 && xl * xl / ll > best) { /* what is left of the error is sum w x^2 - xl^2 / ll */
            best = xl * xl / ll;
            scale = (float)(xl / ll);
        }
    }
    return halved(scale);
}

static float mean_square(const float *x, size_t n)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += (double)x[j] * (double)x[j];
    return (float)(sum / (double)n);
}

/* Q4_0 (n = 8) and Q5_0 (n = 16). */
static void row_centred(const float *x, const float *importance, size_t k, int n, unsigned char *out)
{
    const size_t nibbles = n == 8 ? 2 : 6;
    for (size_t b = 0; b < k / 32; b++, out += 16 + nibbles, x += 32) {
        float w[32];
        uint32_t fifth = 0;
        error_weights(x, importance != NULL ? importance + 32 * b : NULL, 32, mean_square(x, 32), w);
        const float d = best_scale(x, w, n);
        put_half(d, out);
        memset(out + nibbles, 0, 16);
        for (int j = 0; j < 32; j++) {
            const unsigned q = (unsigned)((d != 0 ? clamp(x[j] / d, -n, n - 1) : 0) + n);
            out[nibbles + (size_t)j % 16] |= (unsigned char)((q & 15) << (j < 16 ? 0 : 4));
            fifth |= (q >> 4 & 1) << j;
        }
        if (n == 16)
            memcpy(out + 2, &fifth, 4);
    }
}

/* s and m >= 0 for x ~ s q - m, q from 0 to 15. */
static void best_scale_and_minimum(const float *x, const float *w, float *scale, float *least)
{
    float low = 0, high = x[0];
    for (int j = 0; j < 32; j++) {
        low = fminf(low, x[j]);
        high = fmaxf(high, x[j]);
    }
    *scale = 0, *least = -low;
    double best = INFINITY;
    for (int step = -1; high > low && step <= 20; step++) {
        const float inverse = (15 + (step < 0 ? 0 : -1 + 0.1f * (float)step)) / (high - low);
        double l1 = 0, l2 = 0, xl = 0, sw = 0, sx = 0, error = 0;
        int q[32];
        for (int j = 0; j < 32; j++) {
            const double wj = (double)w[j];
            q[j] = clamp(inverse * (x[j] - low), 0, 15);
            l1 += wj * q[j];
            l2 += wj * q[j] * q[j];
            xl += wj * (double)x[j] * q[j];
            sw += wj;
            sx += wj * (double)x[j];
        }
        const double d = sw * l2 - l1 * l1;
        double s = d > 0 ? (sw * xl - sx * l1) / d : 0, m = d > 0 ? (l2 * sx - l1 * xl) / d : 0;
        if (d <= 0)
            continue;
        if (m > 0)
            m = 0, s = l2 > 0 ? xl / l2 : 0;
        for (int j = 0; j < 32; j++) {
            const double e = s * q[j] + m - (double)x[j];
            error += (double)w[j] * e * e;
        }
        if (error < best) {
            best = error;
            *scale = (float)s;
            *least = (float)-m;
        }
    }
    *scale = fmaxf(*scale, 0);
}

static void row_q4_k(const float *x, const float *importance, size_t k, unsigned char *out)
{
    for (size_t b = 0; b < k / 256; b++, out += 144, x += 256) {
        float scale[8], least[8], most_scale = 0, most_least = 0, w[32];
        unsigned s[8], m[8];
        const float square = mean_square(x, 256);
        for (int i = 0; i < 8; i++) {
            error_weights(x + 32 * i, importance != NULL ? importance + 256 * b + 32 * (size_t)i : NULL, 32,
                          square, w);
            best_scale_and_minimum(x + 32 * i, w, &scale[i], &least[i]);
            most_scale = fmaxf(most_scale, scale[i]);
            most_least = fmaxf(most_least, least[i]);
        }
        const float d = halved(most_scale / 63), dmin = halved(most_least / 63);
        put_half(d, out);
        put_half(dmin, out + 2);
        memset(out + 4, 0, 140);
        for (int i = 0; i < 8; i++) {
            s[i] = (unsigned)(d > 0 ? clamp(scale[i] / d, 0, 63) : 0);
            m[i] = (unsigned)(dmin > 0 ? clamp(least[i] / dmin, 0, 63) : 0);
            if (i < 4) {
                out[4 + i] |= (unsigned char)s[i];
                out[8 + i] |= (unsigned char)m[i];
            } else {
                out[8 + i] = (unsigned char)((s[i] & 15) | (m[i] & 15) << 4);
                out[i] |= (unsigned char)(s[i] >> 4 << 6);
                out[4 + i] |= (unsigned char)(m[i] >> 4 << 6);
            }
        }
        for (int j = 0; j < 256; j++) {
            const int part = j / 32;
            const float step = d * (float)s[part], from = dmin * (float)m[part];
            const unsigned q = (unsigned)(step > 0 ? clamp((x[j] + from) / step, 0, 15) : 0);
            out[16 + j / 64 * 32 + j % 32] |= (unsigned char)(q << (j / 32 % 2 == 0 ? 0 : 4));
        }
    }
}

void quantize_row(int type, const float *x, const float *importance, size_t k, unsigned char *out)
{
    if (type == COMPRESS_INT8_ROW) {
        row_q8_0(x, k, fabsf(largest(x, k)) / 127, out);
        return;
    }
    switch (quantize_stored(type, k)) {
    case QUANT_F32:
        memcpy(out, x, 4 * k);
        break;
    case QUANT_F16:
        for (size_t i = 0; i < k; i++)
            put_half(halved(x[i]), out + 2 * i);
        break;
    case QUANT_BF16:
        for (size_t i = 0; i < k; i++) {
            uint32_t u;
            memcpy(&u, &x[i], 4);
            u += 0x7fff + (u >> 16 & 1); /* to the nearest, of two the even one */
            memcpy(out + 2 * i, (const char *)&u + 2, 2);
        }
        break;
    case QUANT_Q8_0:
        row_q8_0(x, k, 0, out);
        break;
    case QUANT_Q5_0:
        row_centred(x, importance, k, 16, out);
        break;
    case QUANT_Q4_0:
        row_centred(x, importance, k, 8, out);
        break;
    default:
        row_q4_k(x, importance, k, out);
    }
}
