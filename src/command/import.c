/* import.c - `recfuse import FORMAT SOURCE -o FILE.h5`: from a publisher's files to a dataset file. */
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "data/import.h"
#include "data/import/policies.h"

enum { FEATURES_MAX = 16 };

struct arguments {
    const char *format, *source, *out;
    struct import_options options;
    const char *features[FEATURES_MAX], *item_texts[FEATURES_MAX];
};

enum {
    OPTION_HEADER = 256,
    OPTION_ITEMS,
    OPTION_ITEM_ID,
    OPTION_ATTRIBUTES,
    OPTION_ITEM_COLUMNS,
    OPTION_ITEM_KINDS,
    OPTION_ITEM_TEXT,
    OPTION_NAME,
    OPTION_REVIEWS,
    OPTION_META,
    OPTION_FEATURE,
    OPTION_FRIENDS,
    OPTION_QUERIES,
    OPTION_COLUMNS,
    OPTION_DUPLICATES,
    OPTION_SCALE,
    OPTION_OUT_OF_RANGE,
    OPTION_MISSING_TIMES,
    OPTION_MAX_BAD
};

/* The word's place in the list, or an error that names all. */
static int word(const struct argp_state *state, const char *option, const char *const *words,
                const char *argument)
{
    const int k = policies_word(words, argument);
    char list[128] = "";
    for (int i = 0; k < 0 && words[i] != NULL; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i > 0 ? ", " : "", words[i]);
    if (k < 0)
        argp_error(state, "%s: found '%s', expected one of %s", option, argument, list);
    return k;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    int64_t number;
    switch (key) {
    case 'o':
        a->out = argument;
        return 0;
    case OPTION_HEADER:
        a->options.header = true;
        return 0;
    case OPTION_ITEMS:
        a->options.items = argument;
        return 0;
    case OPTION_ITEM_ID:
        a->options.item_id = argument;
        return 0;
    case OPTION_ITEM_COLUMNS:
        a->options.item_columns = argument;
        return 0;
    case OPTION_ITEM_TEXT:
        if (a->options.n_item_texts == FEATURES_MAX)
            argp_error(state, "--item-text: more than %d", FEATURES_MAX);
        a->item_texts[a->options.n_item_texts++] = argument;
        return 0;
    case OPTION_ITEM_KINDS:
        a->options.item_kinds = argument;
        return 0;
    case OPTION_ATTRIBUTES:
        a->options.attributes = argument;
        return 0;
    case OPTION_NAME:
        a->options.name = argument;
        return 0;
    case OPTION_REVIEWS:
        if (a->source != NULL)
            argp_error(state, "--reviews stands for SOURCE: give one of them");
        a->source = argument;
        return 0;
    case OPTION_META:
        a->options.meta = argument;
        return 0;
    case OPTION_COLUMNS:
        a->options.columns = argument;
        return 0;
    case OPTION_FEATURE:
        if (a->options.n_features == FEATURES_MAX)
            argp_error(state, "--feature: more than %d", FEATURES_MAX);
        a->features[a->options.n_features++] = argument;
        return 0;
    case OPTION_FRIENDS:
        a->options.friends = argument;
        return 0;
    case OPTION_QUERIES:
        a->options.queries = argument;
        return 0;
    case OPTION_DUPLICATES:
        a->options.duplicates = word(state, "--duplicates", policies_duplicates, argument);
        return 0;
    case OPTION_OUT_OF_RANGE:
        a->options.out_of_range = word(state, "--out-of-range", policies_out_of_range, argument);
        return 0;
    case OPTION_MISSING_TIMES:
        a->options.missing_times = word(state, "--missing-times", policies_missing_times, argument);
        return 0;
    case OPTION_SCALE:
        a->options.has_scale = policies_scale(argument, &a->options.scale_low, &a->options.scale_high);
        if (!a->options.has_scale)
            argp_error(state, "--scale: found '%s', expected LOW..HIGH as in 0.5..5", argument);
        return 0;
    case OPTION_MAX_BAD:
        if (!field_integer((struct field){argument, strlen(argument)}, &number) || number < 0)
            argp_error(state, "--max-bad: found '%s', expected a whole number from 0", argument);
        a->options.max_bad = (uint64_t)number;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0)
            a->format = argument;
        else if (state->arg_num == 1 && a->source != NULL)
            argp_error(state, "--reviews stands for SOURCE: give one of them");
        else if (state->arg_num == 1)
            a->source = argument;
        else
            argp_error(state, "too many arguments: '%s'", argument);
        return 0;
    case ARGP_KEY_END:
        if (a->format == NULL || a->source == NULL)
            argp_error(state, "FORMAT and SOURCE are needed; `recfuse formats` lists the formats");
        if (a->out == NULL)
            argp_error(state, "-o FILE.h5 is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"output", 'o', "FILE.h5", 0, "The dataset file to write", 0},
        {"header", OPTION_HEADER, NULL, 0, "tsv, csv: the first line names the columns", 0},
        {"columns", OPTION_COLUMNS, "user=NAME,item=NAME,...", 0,
         "tsv, csv: which columns are user, item, rating, time, by the names of a header or, without one, by "
         "their numbers from 1",
         0},
        {"items", OPTION_ITEMS, "FILE", 0,
         "csv (or .tsv) with a header line: titles and other columns of the items", 0},
        {"item-id", OPTION_ITEM_ID, "COLUMN", 0, "The id column of --items (default: the first)", 0},
        {"item-columns", OPTION_ITEM_COLUMNS, "NAME,NAME", 0,
         "The columns of --items, where it has no header line", 0},
        {"item-kinds", OPTION_ITEM_KINDS, "NAME=KIND,...", 0,
         "Columns of --items that are no texts: number, or list (entries parted by |): "
         "price=number,genres=list",
         0},
        {"attributes", OPTION_ATTRIBUTES, "FILE.json[,COLUMN]", 0,
         "tsv, csv, adjacency, libfm: an object {item: [attribute, ...]}; its keys are item ids, or what "
         "COLUMN of --items says",
         0},
        {"reviews", OPTION_REVIEWS, "FILE", 0, "amazon: the file of reviews, in place of SOURCE", 0},
        {"meta", OPTION_META, "FILE", 0, "amazon: the file of product metadata", 0},
        {"item-text", OPTION_ITEM_TEXT, "NAME=FILE.json", 0,
         "A text column of the items from an object {item: text}, plain or .gz: what a catalogue or a "
         "language "
         "model says of each",
         0},
        {"feature", OPTION_FEATURE, "NAME=FILE[,IDS]", 0,
         "Vectors of the items: .npy (row k is item k, or the k-th line of IDS), or Amazon's image features "
         "(.b)",
         0},
        {"friends", OPTION_FRIENDS, "FILE[,both]", 0,
         "Links between users, two ids a row (.csv: parted by commas, else tabs): the first has the second "
         "as "
         "a friend; both: each has the other",
         0},
        {"queries", OPTION_QUERIES, "FILE[,user=NAME,text=NAME,...]", 0,
         "What users searched for: csv (.csv) or tabs behind a header with the columns user and text, or "
         "what "
         "they are called, and where there are such item (it led to) and time",
         0},
        {"duplicates", OPTION_DUPLICATES, "WHAT", 0,
         "Of a (user, item) pair that occurs again: all (default), last, first, sum, error", 0},
        {"scale", OPTION_SCALE, "LOW..HIGH", 0,
         "Ratings lie within this scale (default: the format's, if it has one)", 0},
        {"out-of-range", OPTION_OUT_OF_RANGE, "WHAT", 0,
         "A rating outside the scale: error (default), skip, clip", 0},
        {"missing-times", OPTION_MISSING_TIMES, "WHAT", 0,
         "A row without a time where others have one: error (default), skip the row, or none: keep no times",
         0},
        {"max-bad", OPTION_MAX_BAD, "N", 0, "Skip up to N malformed rows, each listed (default: 0, an error)",
         0},
        {"name", OPTION_NAME, "NAME", 0, "Name of the dataset (default: from FILE.h5)", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "FORMAT SOURCE",
        "Reads a publisher's files and writes one dataset file (HDF5). `recfuse formats` lists "
        "the formats.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    a.options.features = a.features;
    a.options.item_texts = a.item_texts;
    return import_run(a.format, a.source, &a.options, a.out);
}

const struct command command_import = {"import", "FORMAT SOURCE -o FILE.h5",
                                       "a publisher's files into a dataset file", run};
