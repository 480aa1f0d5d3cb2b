/*
 * audit_parts.h - the parts of the auditor that look at what is known of items (audit_items.c); only audit.c includes this.
 */
#ifndef DATA_AUDIT_PARTS_H
#define DATA_AUDIT_PARTS_H
#include "base/csr.h"
#include "data/audit.h"

/* train: [n_users x n_items] the pairs of the train part. */
enum status audit_user_made(const struct dataset *d, struct arena *arena, struct audit *out);
enum status audit_links(const struct dataset *d, const struct interactions *test, const struct csr *train,
                        struct arena *arena, struct audit *out);
enum status audit_titles(const struct dataset *d, const struct interactions *test, const struct csr *train,
                         struct arena *arena, struct audit *out);

#endif
