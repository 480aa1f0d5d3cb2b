/*
 * param.h - what can be set, declared once.
 *
 * Every model, split, filter and block of the config declares its parameters as a table of struct param. That
 * one table gives parsing, validation, defaults, help, documentation, grids and search spaces.  Values are
 * stored into a plain struct of the owner's, at the offset that the table names:
 *
 *     struct ials_params { int factors; double regularization; int solver; };
 *     static const struct param ials_params[] = {
 *         PARAM_INT(struct ials_params, factors, 64, 1, 4096, "dimensions of the latent vectors"),
 *         PARAM_REAL(struct ials_params, regularization, 0.003, 0, 1e6, "L2 weight"),
 *         PARAM_CHOICE(struct ials_params, solver, "cg", "cg|cholesky", "how a row's system is solved"),
 *         PARAM_END};
 */
#ifndef BASE_PARAM_H
#define BASE_PARAM_H
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/node.h"
#include "base/status.h"

enum param_kind {
    PARAM_KIND_INT,    /* int */
    PARAM_KIND_REAL,   /* double */
    PARAM_KIND_BOOL,   /* bool */
    PARAM_KIND_CHOICE, /* int: position in `choices` */
    PARAM_KIND_STRING, /* const char *, terminated; NULL when the default is NULL and it is not set */
    PARAM_KIND_LIST,   /* struct param_list: strings, each one of `choices` unless that is NULL */
    PARAM_KIND_NODE    /* const struct node *: the owner reads it; NULL when not set */
};

struct param_list {
    size_t n;
    const char **item;
};

struct param {
    const char *name;
    enum param_kind kind;
    size_t offset;
    double minimum, maximum; /* numbers: inclusive */
    double number;           /* default of INT, REAL, BOOL */
    const char *text;        /* default of CHOICE, STRING; of LIST: "a|b|c" or "" */
    const char *choices;     /* "a|b|c" */
    const char *help;        /* one line */
};

#define PARAM_INT(type, field, value, low, high, line)                                                       \
    {                                                                                                        \
        .name = #field, .kind = PARAM_KIND_INT, .offset = offsetof(type, field), .minimum = (low),           \
        .maximum = (high), .number = (value), .help = (line)                                                 \
    }
#define PARAM_REAL(type, field, value, low, high, line)                                                      \
    {                                                                                                        \
        .name = #field, .kind = PARAM_KIND_REAL, .offset = offsetof(type, field), .minimum = (low),          \
        .maximum = (high), .number = (value), .help = (line)                                                 \
    }
#define PARAM_BOOL(type, field, value, line)                                                                 \
    {                                                                                                        \
        .name = #field, .kind = PARAM_KIND_BOOL, .offset = offsetof(type, field), .number = (value),         \
        .help = (line)                                                                                       \
    }
#define PARAM_CHOICE(type, field, value, list, line)                                                         \
    {                                                                                                        \
        .name = #field, .kind = PARAM_KIND_CHOICE, .offset = offsetof(type, field), .text = (value),         \
        .choices = (list), .help = (line)                                                                    \
    }
#define PARAM_STRING(type, field, value, line)                                                               \
    {                                                                                                        \
        .name = #field, .kind = PARAM_KIND_STRING, .offset = offsetof(type, field), .text = (value),         \
        .help = (line)                                                                                       \
    }
#define PARAM_LIST(type, field, value, list, line)                                                           \
    {                                                                                                        \
        .name = #field, .kind = PARAM_KIND_LIST, .offset = offsetof(type, field), .text = (value),           \
        .choices = (list), .help = (line)                                                                    \
    }
#define PARAM_NODE(type, field, line)                                                                        \
    {                                                                                                        \
        .name = #field, .kind = PARAM_KIND_NODE, .offset = offsetof(type, field), .help = (line)             \
    }
#define PARAM_END                                                                                            \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }

/* Fills `values` (a zeroed struct of the owner's) with the defaults. */
enum status params_default(const struct param *table, struct arena *arena, void *values);
/* Sets what `map` (NULL: nothing; else NODE_MAP) names.  `owner` ("ials") goes into the messages:
 * "experiment.yaml:14:9: unknown parameter 'regularisation' of ials; did you mean 'regularization'?". */
enum status params_set(const struct param *table, const char *owner, const struct node *map,
                       struct arena *arena, void *values);
/* One parameter from one node, checked. */
enum status param_set(const struct param *param, const char *owner, const struct node *node,
                      struct arena *arena, void *values);
const struct param *param_find(const struct param *table, const char *name); /* NULL: none */
/* All values, defaults included, as compact JSON with sorted keys and %.9g numbers: part of a cell's key. */
enum status params_json(const struct param *table, const void *values, struct arena *arena, char **out);
/* The value as a person reads it ("0.003", "cg", "[title, genres]"). */
enum status param_text(const struct param *param, const void *values, struct arena *arena, char **out);

#endif
