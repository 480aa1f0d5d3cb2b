/*
 * date.c - see date.h.  Days from 1970-01-01 in the Gregorian calendar; a year begins with March (Hinnant,
 * "chrono-compatible low-level date algorithms").
 */
#include "data/date.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int64_t date_day(int64_t year, int month, int day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - 400 * era;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t days = 365 * of_era + of_era / 4 - of_era / 100 + of_year;
    return 86400 * (146097 * era + days - 719468);
}

/* Exactly n digits. */
static bool digits(const char *at, size_t n, int *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        *out = 10 * *out + (at[i] - '0');
    }
    return true;
}

bool date_parse(const char *at, size_t length, int64_t *seconds)
{
    int year, month, day, hour = 0, minute = 0, second = 0;
    if (length != 10 && length != 19)
        return false;
    if (!digits(at, 4, &year) || at[4] != '-' || !digits(at + 5, 2, &month) || at[7] != '-' ||
        !digits(at + 8, 2, &day))
        return false;
    if (length == 19 && ((at[10] != ' ' && at[10] != 'T') || !digits(at + 11, 2, &hour) || at[13] != ':' ||
                         !digits(at + 14, 2, &minute) || at[16] != ':' || !digits(at + 17, 2, &second)))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    *seconds = date_day(year, month, day) + 3600 * hour + 60 * minute + second;
    return true;
}

bool date_or_seconds(const char *text, int64_t *seconds)
{
    if (date_parse(text, strlen(text), seconds))
        return true;
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    *seconds = value;
    return errno == 0 && end != text && *end == '\0';
}
