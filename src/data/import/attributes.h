/*
 * attributes.h - columns of users or items while a file that describes them is read: texts, lists, numbers,
 * each value given with its owner, in any order.
 */
#ifndef IMPORT_ATTRIBUTES_H
#define IMPORT_ATTRIBUTES_H
#include "data/import/build.h"

#define ATTRIBUTES_MAX 64

struct attribute {
    const char *name; /* must outlive the table: a literal or in the arena */
    enum column_kind kind;
    uint64_t n, n_allocated;
    uint32_t *owner;            /* [n] */
    struct string_builder text; /* TEXT: [n] */
    float *number;              /* NUMBER: [n] */
    uint32_t *entry;            /* LIST: [n] position in names */
    struct string_map *names;   /* LIST */
};
struct attributes {
    struct attribute attribute[ATTRIBUTES_MAX];
    uint32_t n;
    uint8_t *described; /* [n_described_allocated] 1: this owner has had its row */
    uint64_t n_described_allocated, n_described;
};

void attributes_close(struct attributes *t); /* takes a zeroed or closed table */
/* A new column; *out its number. */
enum status attributes_define(struct attributes *t, const char *name, enum column_kind kind, uint32_t *out);
/* The owner's row begins; *again: it has had one already. */
enum status attributes_row(struct attributes *t, uint32_t owner, bool *again);
/* One value of column k.  A text or number at most once per owner; an empty text or list entry adds nothing.
 * */
enum status attributes_text(struct attributes *t, uint32_t k, uint32_t owner, struct field text);
enum status attributes_number(struct attributes *t, uint32_t k, uint32_t owner, float number);
enum status attributes_entry(struct attributes *t, uint32_t k, uint32_t owner, struct field name);
/* Entries parted by `separator`; spaces around an entry are left out. */
enum status attributes_entries(struct attributes *t, uint32_t k, uint32_t owner, struct field names,
                               char separator);
/* Columns of n owners, appended to columns[*n_columns ..]; those without any value are left out. */
enum status attributes_finish(struct attributes *t, struct column *columns, uint32_t *n_columns, uint32_t n,
                              struct arena *arena);

#endif
