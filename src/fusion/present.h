/*
 * present.h - what a recommended item is shown with: a description and a title that a language model writes for this user, held to the
 * item's facts (facts.h): what says more than the record is written again, and after some tries a sentence from a template stands in.
 *
 * Prompts are files (prompt.h) with the sections [liked] (how an item of the history is named), [between], [none] (in place of a history),
 * [description], [title] (told what was described), [template_description], [template_title], [openers] (facts_open()).  Places: {facts},
 * {history}, {description}, and the item's columns.
 */
#ifndef FUSION_PRESENT_H
#define FUSION_PRESENT_H
#include "fusion/facts.h"
#include "fusion/prompt.h"
#include "llm/generate.h"

enum { PRESENT_PROBLEMS = 8 };
enum present_kind { PRESENT_DESCRIPTION, PRESENT_TITLE, PRESENT_KINDS };
extern const char *const present_kinds[]; /* description, title */

struct present_options {
    const struct prompt_file *prompt;
    const struct param_list
        *columns; /* what the model is told of an item; NULL: those of a usual list that there are */
    uint32_t tries, tokens; /* of each text; at least 1 */
    struct sample_options sample;
};

struct presented_text {
    const char *text;
    bool by_template;
    uint32_t tries;
    const char *first; /* what came at the first try, and what was wrong with it: */
    struct fact_problem problem[PRESENT_PROBLEMS];
    size_t n_problems; /* checked facts, at most so many kept */
    const char *
        defect; /* NULL, or "empty", "not UTF-8", "unfinished", "copied" (an example of the prompt, the item's own title) */
};
struct presented {
    const char *facts; /* what the model was told */
    struct presented_text text[PRESENT_KINDS];
};

struct presenter;
/* Everything lives in the arena and points to what is given, which must outlive it.  STATUS_DATA: a section is missing; STATUS_UNAVAILABLE: a
 * column that the items lack; STATUS_USAGE: none of the usual columns is there. */
enum status presenter_open(const struct decoder *decoder, const struct view *view,
                           const struct present_options *options, struct arena *arena,
                           struct presenter **out);
void presenter_close(struct presenter *presenter); /* takes NULL */

/* Texts for the items [n], out [n], told that the user had liked `history` (items, best first).  A text depends on the options, the history and
 * its item and place.  Statuses of generate(). */
enum status present_items(struct presenter *presenter, const uint32_t *history, size_t n_history,
                          const uint32_t *items, size_t n, struct arena *arena, struct presented *out);

/* How much likelier the text came behind the prompt with this history than with the stranger's: nats a token. */
enum status present_gain(const struct presenter *presenter, const struct presented *p, enum present_kind kind,
                         uint32_t item, const uint32_t *history, size_t n_history, const uint32_t *stranger,
                         size_t n_stranger, double *gain);

/* Distinct words, and pairs of neighbouring words, over all of them in the texts (Li et al. 2016): [0] and [1]; NaN where there is none. */
enum status present_distinct(const char *const *texts, size_t n, double out[2]);

#endif
