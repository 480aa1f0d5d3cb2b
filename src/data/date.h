/*
 * date.h - calendar dates as seconds since 1970, for importers, splits and filters.
 */
#ifndef DATA_DATE_H
#define DATA_DATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds since 1970 of the beginning of that day (UTC, Gregorian calendar); any year. */
int64_t date_day(int64_t year, int month, int day);
/* "2018-09-05", or "2018-09-05 19:42:07" (a T may stand for the space), taken as UTC; years 1 to 9999. */
bool date_parse(const char *at, size_t length, int64_t *seconds);
/* As people write it in a config: a date as above, or whole seconds since 1970 ("-86400"). */
bool date_or_seconds(const char *text, int64_t *seconds);

#endif
