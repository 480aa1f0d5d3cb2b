/*
 * bag.h - texts as bags of terms: what is counted before it is weighed (tfidf.h, bm25.h).
 */
#ifndef TEXT_BAG_H
#define TEXT_BAG_H
#include "base/csr.h"
#include "base/strings.h"
#include "text/terms.h"

struct bag {
    struct strings words; /* [n_words] sorted by bytes: column j's term */
    const uint32_t *df;   /* [n_words] texts that have it */
    struct csr counts;    /* [n_texts x n_words] how often */
};

/* Terms of all texts (text_analyzer_visit()), pruned by min_df, max_df and max_features, in that order; ties at
 * max_features go to the term that comes first by bytes (scikit-learn's own rule is not fixed).  Everything out is the
 * arena's; scratch is used on the way.  No terms at all is not an error: n_words is 0.  STATUS_UNAVAILABLE: Chinese
 * words without a dictionary. */
enum status bag_build(const struct strings *texts, const struct text_options *options, struct arena *arena,
                      struct arena *scratch, struct bag *out);

#endif
