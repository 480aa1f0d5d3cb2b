/*
 * number_rows.c - see number_rows.h.
 *
 * The quick way: one comparison of 64 bytes says which are digits, so that the ends of all fields of a row are the set
 * bits of one word, and finding the next row doesn't wait for this row's numbers.  A number is eight bytes that end where
 * the field ends; those before it are cleared (zeros in front), and three multiplications add up pairs, fours and eights
 * of digits (Lemire, "Quickly parsing eight digits", 2018).  A rating is digits / 10^places, both exact as float up to
 * seven digits and so the quotient is the float nearest to the decimal; longer ones, signs, exponents, lines over 64
 * bytes take the careful way, which is that of the general reader (field_real(), field_integer()).
 */
#include "data/number_rows.h"

#include <stdbool.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "data/import/record.h"

/* Bit i: text[i] is no digit.  One for each instruction set; number_rows_parse() takes the best that the processor has. */
#define INLINE static inline __attribute__((always_inline))
typedef uint64_t mask_of(const char *text);
#ifdef __x86_64__
#define WITH_AVX512 __attribute__((target("avx512f,avx512bw,bmi,bmi2,popcnt")))
#define WITH_AVX2   __attribute__((target("avx2,bmi,bmi2,popcnt")))
WITH_AVX512 INLINE uint64_t not_digits_avx512(const char *text)
{
    const __m512i bytes = _mm512_loadu_si512(text);
    return _mm512_cmpgt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8('0')), _mm512_set1_epi8(9));
}
WITH_AVX2 INLINE uint64_t not_digits_avx2(const char *text)
{
    uint64_t mask = 0;
    for (int half = 0; half < 2; half++) {
        const __m256i bytes = _mm256_loadu_si256((const __m256i *)(text + 32 * half));
        const __m256i digit = _mm256_sub_epi8(bytes, _mm256_set1_epi8('0'));
        const __m256i small = _mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit);
        mask |= (uint64_t)(uint32_t)~_mm256_movemask_epi8(small) << 32 * half;
    }
    return mask;
}
#else
#define WITH_AVX512
#define WITH_AVX2
#endif
/* Eight bytes at a time, in any processor's own words: a byte's high bit is set where it is below '0' or above '9'; the
 * multiplication gathers the eight bits. */
INLINE uint64_t not_digits_portable(const char *text)
{
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t x;
        memcpy(&x, text + 8 * i, sizeof x);
        const uint64_t low = x & 0x7f7f7f7f7f7f7f7fu; /* no carry between bytes */
        const uint64_t above = low + 0x4646464646464646u, at_least = low + 0x5050505050505050u;
        const uint64_t bad = ((above | ~at_least | x) >> 7) & 0x0101010101010101u;
        mask |= (bad * 0x0102040810204080u >> 56) << 8 * i;
    }
    return mask;
}

/* The number of 1 to 8 digits that ends before `end`. */
static inline uint64_t digits_before(const char *end, unsigned length)
{
    uint64_t x;
    memcpy(&x, end - 8, sizeof x);
    x = (x & 0x0f0f0f0f0f0f0f0fu) >> (64 - 8 * length) << (64 - 8 * length);
    x = x * 10 + (x >> 8);
    return (((x & 0x000000ff000000ffu) * 0x000f424000000064u) +
            (((x >> 16) & 0x000000ff000000ffu) * 0x0000271000000001u)) >>
           32;
}

/* As above, up to 16 digits. */
static inline uint64_t long_digits_before(const char *end, unsigned length)
{
    if (length <= 8)
        return digits_before(end, length);
    return digits_before(end - 8, length - 8) * 100000000u + digits_before(end, 8);
}

bool number_id(const char *text, size_t length, uint32_t *out)
{
    int64_t number;
    if (length == 0 || length > 10 || text[0] < '0' || text[0] > '9' || (text[0] == '0' && length > 1) ||
        !field_integer((struct field){text, length}, &number) || number > UINT32_MAX)
        return false;
    *out = (uint32_t)number;
    return true;
}

/* One line in the careful way; NULL: it isn't plain. */
static const char *careful_row(struct number_form form, const char *line, const char *end, uint64_t row,
                               struct number_rows rows)
{
    struct field field[4];
    const size_t width = form.separator == ':' ? 2 : 1;
    const char *newline = memchr(line, '\n', (size_t)(end - line)), *at = line;
    if (newline == NULL)
        return NULL;
    const char *stop = newline > line && newline[-1] == '\r' ? newline - 1 : newline;
    for (unsigned i = 0; i < form.n_fields; i++) {
        const char *to = memchr(at, form.separator, (size_t)(stop - at));
        if (i + 1 < form.n_fields && (to == NULL || (width == 2 && (to + 1 == stop || to[1] != ':'))))
            return NULL;
        if (i + 1 == form.n_fields && to != NULL)
            return NULL;
        field[i] = (struct field){at, (size_t)((to != NULL ? to : stop) - at)};
        at = to != NULL ? to + width : stop;
    }
    rows.value[row] = 1;
    rows.time[row] = 0;
    const bool plain =
        number_id(field[0].at, field[0].length, &rows.user[row]) &&
        number_id(field[1].at, field[1].length, &rows.item[row]) &&
        (form.n_fields < 3 || field_real(field[2], &rows.value[row])) &&
        (form.n_fields < 4 || (field_integer(field[3], &rows.time[row]) && rows.time[row] >= 0));
    return plain ? newline + 1 : NULL;
}

static const uint32_t ten_to[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

/* The next end of a field, as a place in the line; clears it from the mask, which is not 0. */
static inline unsigned next_end(uint64_t *mask)
{
    const unsigned at = (unsigned)__builtin_ctzll(*mask);
    *mask &= *mask - 1;
    return at;
}

/* Does the separator stand where a field ends?  Passes over its second character, if it has one. */
static inline bool takes_separator(const char separator, const char *line, unsigned end, uint64_t *mask)
{
    if (line[end] != separator || *mask == 0)
        return false;
    return separator != ':' || (next_end(mask) == end + 1 && line[end + 1] == ':' && *mask != 0);
}

/* A rating: its end (0: take the careful way), and its value. */
static inline unsigned quick_value(const char *line, unsigned begin, uint64_t *mask, float *value)
{
    const unsigned end = next_end(mask), whole = end - begin;
    if (whole - 1u >= 7)
        return 0;
    const uint64_t digits = digits_before(line + end, whole);
    *value = (float)digits;
    if (line[end] != '.')
        return end;
    if (*mask == 0)
        return 0;
    const unsigned last = next_end(mask), places = last - end - 1;
    if (places - 1u >= 7 || whole + places > 7)
        return 0;
    *value = (float)(digits * ten_to[places] + digits_before(line + last, places)) / (float)ten_to[places];
    return last;
}

/* One line in the quick way; NULL: take the careful one. */
INLINE const char *quick_row(mask_of *not_digits, const char separator, const unsigned n_fields,
                             const char *line, uint64_t row, struct number_rows rows)
{
    const unsigned width = separator == ':' ? 2 : 1;
    uint64_t mask = not_digits(line);
    uint32_t id[2];
    float value = 1;
    int64_t time = 0;
    unsigned begin = 0, end = 0;
    if (mask == 0)
        return NULL;
#pragma GCC unroll 2
    for (unsigned i = 0; i < 2; i++) {
        end = next_end(&mask);
        if (end - begin - 1u >= 8 || (line[begin] == '0' && end - begin > 1))
            return NULL;
        id[i] = (uint32_t)digits_before(line + end, end - begin);
        if (i + 1 < n_fields && !takes_separator(separator, line, end, &mask))
            return NULL;
        begin = end + width;
    }
    if (n_fields > 2) {
        end = quick_value(line, begin, &mask, &value);
        if (end == 0)
            return NULL;
    }
    if (n_fields > 3) {
        if (!takes_separator(separator, line, end, &mask))
            return NULL;
        begin = end + width;
        end = next_end(&mask);
        if (end - begin - 1u >= 16)
            return NULL;
        time = (int64_t)long_digits_before(line + end, end - begin);
    }
    rows.user[row] = id[0];
    rows.item[row] = id[1];
    rows.value[row] = value;
    rows.time[row] = time;
    if (line[end] == '\r')
        end++;
    return line[end] == '\n' ? line + end + 1 : NULL;
}

INLINE uint64_t parse_lines(mask_of *not_digits, const char separator, const unsigned n_fields,
                            const char *text, const char *end, struct number_rows rows, size_t *used)
{
    const struct number_form form = {separator, n_fields};
    const char *line = text;
    uint64_t row = 0;
    while (line < end) {
        const char *next = quick_row(not_digits, separator, n_fields, line, row, rows);
        if (__builtin_expect(next == NULL, 0))
            next = careful_row(form, line, end, row, rows);
        if (__builtin_expect(next == NULL, 0))
            break;
        line = next;
        row++;
    }
    *used = (size_t)(line - text);
    return row;
}

/* One parser for each instruction set, each with a loop for each form. */
#define WITH_FIELDS(mask, separator)                                                                         \
    (form.n_fields == 4   ? parse_lines(mask, separator, 4, text, text + n, rows, used)                      \
     : form.n_fields == 3 ? parse_lines(mask, separator, 3, text, text + n, rows, used)                      \
                          : parse_lines(mask, separator, 2, text, text + n, rows, used))
#define PARSER(name, attributes, mask)                                                                       \
    attributes static uint64_t name(struct number_form form, const char *text, size_t n,                     \
                                    struct number_rows rows, size_t *used)                                   \
    {                                                                                                        \
        if (form.separator == '\t')                                                                          \
            return WITH_FIELDS(mask, '\t');                                                                  \
        return form.separator == ',' ? WITH_FIELDS(mask, ',') : WITH_FIELDS(mask, ':');                      \
    }
PARSER(parse_portable, , not_digits_portable)
#ifdef __x86_64__
PARSER(parse_avx2, WITH_AVX2, not_digits_avx2)
PARSER(parse_avx512, WITH_AVX512, not_digits_avx512)
#endif

enum number_set number_rows_best(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi2"))
        return NUMBER_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        return NUMBER_AVX2;
#endif
    return NUMBER_PORTABLE;
}

uint64_t number_rows_parse_by(enum number_set set, struct number_form form, const char *text, size_t n,
                              struct number_rows rows, size_t *used)
{
#ifdef __x86_64__
    if (set == NUMBER_AVX512)
        return parse_avx512(form, text, n, rows, used);
    if (set == NUMBER_AVX2)
        return parse_avx2(form, text, n, rows, used);
#endif
    return parse_portable(form, text, n, rows, used);
}

uint64_t number_rows_parse(struct number_form form, const char *text, size_t n, struct number_rows rows,
                           size_t *used)
{
    return number_rows_parse_by(number_rows_best(), form, text, n, rows, used);
}

uint64_t number_rows_count(const char *text, size_t n)
{
    uint64_t count = 0;
    size_t i = 0;
    for (; i + 128 <= n; i += 128) { /* a byte's count can't pass 128: the compiler makes vectors of it */
        uint8_t some = 0;
        for (size_t j = 0; j < 128; j++)
            some += text[i + j] == '\n';
        count += some;
    }
    for (; i < n; i++)
        count += text[i] == '\n';
    return count;
}
