/* order.c - see order.h. */
#include "base/order.h"

#include <stdint.h>

#define ORDER(name, type)                                                                                    \
    int rising_##name(const void *a, const void *b)                                                          \
    {                                                                                                        \
        const type x = *(const type *)a, y = *(const type *)b;                                               \
        return (x > y) - (x < y);                                                                            \
    }
#define FALLING(name)                                                                                        \
    int falling_##name(const void *a, const void *b)                                                         \
    {                                                                                                        \
        return rising_##name(b, a);                                                                          \
    }

ORDER(u32, uint32_t)
ORDER(u64, uint64_t)
ORDER(i64, int64_t)
ORDER(f32, float)
ORDER(f64, double)
FALLING(u32)
FALLING(u64)
FALLING(f32)
FALLING(f64)
