/*
 * common.c - small things that several formats need: files of a folder, dates, options that don't fit.
 */
#include <dirent.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "data/date.h"
#include "data/import/build.h"

bool import_ends_with(const char *name, const char *ending)
{
    const size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcasecmp(name + n - m, ending) == 0;
}

bool import_is_csv(const char *name)
{
    return import_ends_with(name, ".csv") || import_ends_with(name, ".csv.gz");
}

enum status import_beside(const char *prefix, const char *ending, struct arena *arena, char **path)
{
    static const char *const packed[] = {"", ".gz"};
    for (size_t i = 0; i < 2; i++) {
        *path = arena_printf(arena, "%s%s%s", prefix, ending, packed[i]);
        if (*path == NULL)
            return STATUS_SYSTEM;
        if (file_exists(*path))
            return STATUS_OK;
    }
    *path = NULL;
    return STATUS_OK;
}

enum status import_find(const char *folder, const char *name, struct arena *arena, char **path)
{
    const char *prefix = arena_printf(arena, "%s/", folder);
    return prefix != NULL ? import_beside(prefix, name, arena, path) : STATUS_SYSTEM;
}

/* Length of the name without the ending (and .gz), 0 when it has another. */
static size_t stem(const char *name, const char *ending)
{
    const size_t n = strlen(name), m = strlen(ending),
                 packed = n > 3 && strcmp(name + n - 3, ".gz") == 0 ? 3 : 0;
    return n - packed > m && memcmp(name + n - packed - m, ending, m) == 0 ? n - packed - m : 0;
}

/* The one file of the folder with that ending, in the arena. */
static enum status only_file(const char *folder, const char *ending, struct arena *arena, char **path)
{
    DIR *open = opendir(folder);
    const struct dirent *entry;
    size_t n = 0;
    if (open == NULL)
        return status_fail(STATUS_SYSTEM, "%s: the folder can't be read", folder);
    *path = NULL;
    while ((entry = readdir(open)) != NULL)
        if (stem(entry->d_name, ending) > 0 && n++ == 0)
            *path = arena_printf(arena, "%s/%s", folder, entry->d_name);
    closedir(open);
    if (n != 1)
        return status_fail(STATUS_DATA,
                           "%s: holds %zu files that end in %s (or that with .gz), expected one%s", folder, n,
                           ending, n > 1 ? ": name the file" : "");
    return *path != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status import_main_file(const char *source, const char *ending, struct arena *arena, char **prefix,
                             char **path)
{
    if (import_is_folder(source))
        TRY(only_file(source, ending, arena, path));
    else
        *path = arena_strdup(arena, source);
    if (*path == NULL)
        return STATUS_SYSTEM;
    const size_t n = stem(*path, ending);
    if (n == 0)
        return status_fail(STATUS_DATA, "%s: expected a folder, or a file whose name ends in %s", source,
                           ending);
    *prefix = arena_printf(arena, "%.*s", (int)n, *path);
    return *prefix != NULL ? STATUS_OK : STATUS_SYSTEM;
}

bool import_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

enum status import_refuse_items_and_header(const struct import_options *options, const char *format)
{
    if (options->items != NULL)
        return status_fail(STATUS_USAGE, "import %s: its own files describe the items, --items can't be used",
                           format);
    if (options->header)
        return status_fail(STATUS_USAGE, "import %s: --header is for tsv and csv", format);
    return STATUS_OK;
}

static enum status each_row(struct import *im, struct record_reader *r, const char *header, import_row *row,
                            void *context)
{
    bool found;
    TRY(record_next(r, &found));
    if (found && header != NULL) {
        if (!field_is(r->field[0], header))
            return record_expected(r, 0, "a header line that begins with %s", header);
        TRY(record_next(r, &found));
    }
    while (found) {
        TRY(row(im, r, context));
        TRY(record_next(r, &found));
    }
    return STATUS_OK;
}

enum status import_each_row(struct import *im, const char *path, enum record_separator separator,
                            enum reader_text text, const char *header, import_row *row, void *context)
{
    struct record_reader r;
    TRY(record_open(&r, path, separator, text, &im->log));
    const enum status status = each_row(im, &r, header, row, context);
    record_close(&r);
    return status;
}

int64_t import_day(int64_t year, int month, int day)
{
    return date_day(year, month, day);
}

bool import_date(struct field f, int64_t *out)
{
    return date_parse(f.at, f.length, out);
}

bool import_seconds(struct field f, int64_t *out)
{
    const char *point = memchr(f.at, '.', f.length);
    if (point == NULL)
        return field_integer(f, out);
    const struct field whole = {f.at, (size_t)(point - f.at)};
    bool exact = true;
    for (const char *at = point + 1; at < f.at + f.length; at++) {
        if (*at < '0' || *at > '9')
            return false;
        exact = exact && *at == '0';
    }
    if (!field_integer(whole, out))
        return false;
    *out -= !exact && whole.at[0] == '-';
    return true;
}

enum status import_each_part(struct import *im, const char *folder, const char *ending, import_part *part,
                             void *context, struct arena *arena)
{
    static const struct {
        const char *name, *counted_as;
    } parts[] = {{"train", "rows_of_train"},
                 {"valid", "rows_of_valid"},
                 {"val", "rows_of_valid"},
                 {"test", "rows_of_test"}};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        char *path;
        const uint64_t before = im->n;
        const char *name = arena_printf(arena, "%s%s", parts[k].name, ending);
        if (name == NULL)
            return STATUS_SYSTEM;
        TRY(import_find(folder, name, arena, &path));
        if (path == NULL && k == 0)
            return status_fail(STATUS_DATA,
                               "%s: is a folder without train%s (or that with .gz), expected the files of a "
                               "split: train%s, test%s "
                               "and perhaps valid%s; or name one file",
                               folder, ending, ending, ending, ending);
        if (path == NULL)
            continue;
        TRY(part(im, path, context));
        TRY(import_note_count(im, parts[k].counted_as, im->n - before));
    }
    return STATUS_OK;
}
