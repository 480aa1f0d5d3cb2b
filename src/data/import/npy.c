/*
 * npy.c - see npy.h.
 *
 * The format: numpy.lib.format, "NPY format version 1.0": "\x93NUMPY", two bytes of version, the length of the header
 * (u16, from version 2 on u32), a Python dict as text with descr, fortran_order and shape, then the values.  The header
 * is read by its three keys, strictly; objects (pickles) are never looked at.
 */
#include "data/import/npy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"

enum status npy_pull(struct npy_pull *p, void *to, size_t n, size_t *got)
{
    for (*got = 0; *got < n;) {
        if (p->n == 0)
            TRY(reader_piece(&p->reader, &p->bytes, &p->n));
        if (p->n == 0)
            return STATUS_OK;
        const size_t take = p->n < n - *got ? p->n : n - *got;
        memcpy((char *)to + *got, p->bytes, take);
        *got += take;
        p->bytes += take;
        p->n -= take;
    }
    return STATUS_OK;
}

/* What stands behind 'key': in the header. */
static const char *header_value(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (at == NULL)
        return NULL;
    for (at += strlen(key); *at == ' ' || *at == ':';)
        at++;
    return at;
}

static enum status npy_header(const char *path, const char *header, struct npy *out)
{
    const char *descr = header_value(header, "'descr'"), *order = header_value(header, "'fortran_order'"),
               *shape = header_value(header, "'shape'");
    if (descr == NULL || order == NULL || shape == NULL)
        return status_fail(STATUS_DATA,
                           "%s: its header lacks descr, fortran_order or shape: not a file of numpy.save",
                           path);
    if (strncmp(descr, "'<f2'", 5) != 0 && strncmp(descr, "'<f4'", 5) != 0 && strncmp(descr, "'<f8'", 5) != 0)
        return status_fail(STATUS_DATA,
                           "%s: found values of type %.*s, expected '<f2', '<f4' or '<f8' (floats)", path,
                           (int)strcspn(descr, ","), descr);
    if (strncmp(order, "False", 5) != 0)
        return status_fail(STATUS_DATA,
                           "%s: is in Fortran order, expected C order: save numpy.ascontiguousarray(...)",
                           path);
    unsigned long long rows, width;
    int used = 0;
    if (sscanf(shape, "(%llu, %llu)%n", &rows, &width, &used) != 2 || used == 0 || shape[1] == '-' ||
        width < 1 || width > FEATURE_WIDTH_MAX || rows < 1 || rows >= UINT32_MAX)
        return status_fail(STATUS_DATA,
                           "%s: found the shape %.*s, expected (rows, width) with a width of 1 to %d", path,
                           (int)strcspn(shape, "}"), shape, FEATURE_WIDTH_MAX);
    *out = (struct npy){descr[3], rows, width};
    return STATUS_OK;
}

enum status npy_open(struct npy_pull *p, const char *path, struct source_log *log, struct npy *out)
{
    unsigned char head[12];
    char header[4096];
    size_t got;
    TRY(reader_open(&p->reader, path, READER_UTF8, log));
    TRY(npy_pull(p, head, 10, &got));
    if (got < 10 || memcmp(head, "\x93NUMPY", 6) != 0)
        return status_fail(STATUS_DATA, "%s: is not an .npy file: it doesn't begin with \\x93NUMPY", path);
    if (head[6] < 1 || head[6] > 2)
        return status_fail(STATUS_DATA, "%s: .npy version %u, expected 1 or 2", path, head[6]);
    size_t length = head[8] | (size_t)head[9] << 8;
    if (head[6] == 2) {
        TRY(npy_pull(p, head + 10, 2, &got));
        if (got < 2)
            return status_fail(STATUS_DATA, "%s: ends within its header", path);
        length |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    }
    if (length >= sizeof header)
        return status_fail(STATUS_DATA, "%s: a header of %zu bytes, expected below %zu", path, length,
                           sizeof header);
    TRY(npy_pull(p, header, length, &got));
    if (got < length)
        return status_fail(STATUS_DATA, "%s: ends within its header", path);
    header[length] = '\0';
    return npy_header(path, header, out);
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits; exact in a float. */
static float half(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float sign = bits >> 15 != 0 ? -1.0f : 1.0f;
    if (exponent == 31)
        return fraction != 0 ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexpf((float)fraction, -24);
    return sign * ldexpf((float)(1024 + fraction), exponent - 25);
}

void npy_floats(const unsigned char *raw, char kind, uint32_t width, float *out)
{
    for (uint32_t k = 0; k < width; k++) {
        uint16_t two;
        double eight;
        switch (kind) {
        case '2':
            memcpy(&two, raw + 2 * (size_t)k, 2);
            out[k] = half(two);
            break;
        case '4':
            memcpy(&out[k], raw + 4 * (size_t)k, 4);
            break;
        default:
            memcpy(&eight, raw + 8 * (size_t)k, 8);
            out[k] = (float)eight;
        }
    }
}
