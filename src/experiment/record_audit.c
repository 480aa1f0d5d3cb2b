/*
 * record_audit.c - audit.csv: what the leakage auditor (data/audit.h) counted, a row a dataset, fold and check, from the lines of the
 * cells that ran.
 */
#include <string.h>

#include "base/csv_put.h"
#include "data/audit.h"
#include "experiment/plan.h"
#include "experiment/record.h"

json_t *audit_json(const struct audit *a)
{
    json_t *out = json_object();
    for (size_t k = 0; k < N_AUDITS; k++)
        json_object_set_new(out, audit_checks[k].name,
                            json_pack("{s:I, s:I, s:s, s:s}", "count", (json_int_t)a->count[k], "of",
                                      (json_int_t)a->of[k], "verdict", audit_verdict(a, (enum audit_id)k),
                                      "detail", a->detail[k]));
    return out;
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* Did an earlier line of the plan tell of this dataset and fold? */
static bool told_before(const struct record *r, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (json_object_get(r->lines[j], "audit") != NULL &&
            strcmp(record_text(r->lines[j], "dataset"), record_text(r->lines[i], "dataset")) == 0 &&
            number_of(r->lines[j], "fold") == number_of(r->lines[i], "fold"))
            return true;
    return false;
}

static void write_line(const json_t *line, FILE *out)
{
    const json_t *audit = json_object_get(line, "audit");
    for (size_t k = 0; k < N_AUDITS; k++) {
        const json_t *one = json_object_get(audit, audit_checks[k].name);
        if (one == NULL)
            continue;
        csv_put(out, record_text(line, "dataset"));
        fprintf(out, ",%lld,%s,%s,%lld,%lld,", number_of(line, "fold"), audit_checks[k].name,
                record_text(one, "verdict"), number_of(one, "count"), number_of(one, "of"));
        csv_put(out, record_text(one, "detail"));
        fputc(',', out);
        csv_put(out, audit_checks[k].help);
        fputc('\n', out);
    }
}

enum status record_audit(const struct record *r)
{
    char path[4096];
    struct atomic_file csv;
    TRY(path_join(r->folder, "audit.csv", path));
    TRY(atomic_open(&csv, path));
    fputs("dataset,fold,check,verdict,count,of,detail,meaning\n", csv.stream);
    for (size_t i = 0; i < r->n_lines; i++)
        if (json_object_get(r->lines[i], "audit") != NULL && !told_before(r, i))
            write_line(r->lines[i], csv.stream);
    return atomic_commit(&csv);
}
