/* test_report.c - tables, plots and page from records alone. */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/columns.h"
#include "base/fsio.h"
#include "report/multiverse.h"
#include "report/parts.h"
#include "report/report.h"

static const char METRICS[] =
    "dataset,fold,model,label,params,seed,split,candidates,metric,k,dialect,stratum,value,n_users\n"
    "toy,0,popularity,Pop & Co_1,{},0,random,full,ndcg,5,default,all,0.2,10\n"
    "toy,0,popularity,Pop & Co_1,{},0,random,full,ndcg,10,default,all,0.3,10\n"
    "toy,1,popularity,Pop & Co_1,{},0,random,full,ndcg,10,default,all,0.5,10\n"
    "toy,0,ials,iALS,\"{\"\"alpha0\"\":0.1,\"\"factors\"\":64}\",0,random,full,ndcg,10,default,all,0.45,10\n"
    "toy,0,ials,iALS,\"{\"\"alpha0\"\":1,\"\"factors\"\":64}\",0,random,full,ndcg,10,default,all,0.35,10\n"
    "toy,0,oracle,oracle,{},0,random,full,ndcg,10,default,all,0.9,10\n";
#define CELL(model, label, fold, params, status, message)                                                    \
    "{\"dataset\":\"toy\",\"fold\":" fold ",\"model\":\"" model "\",\"label\":\"" label                      \
    "\",\"params\":" params ",\"seed\":0,\"status\":\"" status "\",\"message\":\"" message                   \
    "\",\"fit_seconds\":0.5,\"rank_seconds\":0.1}"
static const char RECORD[] = "{\"experiment\":\"toy run\",\"cells\":[" CELL(
    "popularity", "Pop & Co_1", "0", "{}", "done",
    "") "," CELL("popularity", "Pop & Co_1", "1", "{}", "done",
                 "") "," CELL("ials", "iALS", "0", "{\"alpha0\":0.1,\"factors\":64}", "done",
                              "") "," CELL("ials", "iALS", "0", "{\"alpha0\":1,\"factors\":64}", "done",
                                           "") "," CELL("oracle", "oracle", "0", "{}", "done",
                                                        "") "," CELL("llm_content", "LLM", "0", "{}",
                                                                     "skipped",
                                                                     "run tools/get-models.sh "
                                                                     "minilm") "],\"report\":{"
                                                                               "\"tables\":["
                                                                               "\"csv\",\"md\","
                                                                               "\"tex\"],"
                                                                               "\"plots\":["
                                                                               "\"metrics\","
                                                                               "\"per_k\"]}}";

static char *folder;
static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    folder = test_folder();
    arena = arena_new();
    test_write(test_path(folder, "metrics.csv"), METRICS);
    test_write(test_path(folder, "record.json"), RECORD);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    arena_free(arena);
    return 0;
}

static const char *content(const char *name)
{
    char *bytes;
    size_t n;
    assert_ok(read_whole_file(test_path(folder, name), 1 << 24, arena, &bytes, &n));
    return bytes;
}

static void averages_over_folds(void **state)
{
    struct records *r;
    (void)state;
    assert_ok(records_read(folder, arena, &r));
    assert_int_equal(r->n_series, 5);
    assert_int_equal(r->n_measures, 2);
    assert_string_equal(r->measure[1].k, "10");
    assert_float_equal(r->series[0].mean[1], 0.4, 1e-12);
    assert_float_equal(r->series[0].deviation[1], 0.141421356237, 1e-9); /* sample deviation of .3 and .5 */
    assert_string_equal(r->series[1].name, "iALS (alpha0=0.1)");
    assert_true(records_best(r, &r->series[1], 1));
    assert_false(records_best(r, &r->series[2], 1));
    assert_false(records_best(r, &r->series[3], 1)); /* the oracle does not compete */
    assert_string_equal(r->series[4].skipped, "skipped: run tools/get-models.sh minilm");
}

static void tables_escape_and_mark(void **state)
{
    (void)state;
    assert_ok(report_run(folder));
    const char *md = content("tables/toy.md"), *tex = content("tables/toy.tex"),
               *csv = content("tables/toy.csv");
    assert_non_null(strstr(md, "| iALS (alpha0=0.1) | **0.4500** |"));
    assert_non_null(strstr(md, "Pop \\& Co\\_1"));
    assert_non_null(strstr(md, "skipped: run tools/get-models.sh minilm"));
    assert_non_null(strstr(tex, "Pop \\& Co\\_1"));
    assert_non_null(strstr(tex, "\\textbf{0.4500}"));
    assert_non_null(strstr(tex, "\\toprule"));
    assert_non_null(
        strstr(csv, "iALS,ials,\"{\"\"alpha0\"\":0.1,\"\"factors\"\":64}\",1,,,,,0.45,,,,,0.5,0.1,"));
    assert_non_null(strstr(content("index.html"), "Pop &amp; Co_1"));
}

/* A text for a user may be long, of letters of several bytes each; a cell of the page has all of it. */
static void page_has_whole_cells(void **state)
{
    static const char letter[] = "\u6D4B";
    char text[3 * 1000 + 1] = "";
    (void)state;
    for (int i = 0; i < 1000; i++)
        memcpy(text + 3 * (size_t)i, letter, sizeof letter);
    test_write(test_path(folder, "present.csv"),
               arena_printf(arena, "user,title\nu,\"%s <\"\"1\"\">\"\n,\n", text));
    assert_ok(report_run(folder));
    assert_non_null(
        strstr(content("index.html"), arena_printf(arena,
                                                   "<tr><td>u</td><td>%s &lt;&quot;1&quot;&gt;</td></tr>\n"
                                                   "<tr><td></td><td></td></tr>\n",
                                                   text)));
}

/* .4 and .45 of the oracle's .9; the oracle is not in its own table. */
static void shares_of_the_oracle(void **state)
{
    (void)state;
    assert_ok(report_run(folder));
    const char *md = content("tables/toy.md"), *tex = content("tables/toy.tex"),
               *page = content("index.html");
    const char *shares = "## In % of oracle\n\n| model | ndcg@10 |\n|:--|--:|\n| Pop \\& Co\\_1 | 44.4 |\n"
                         "| iALS (alpha0=0.1) | 50.0 |\n| iALS (alpha0=1) | 38.9 |\n";
    assert_string_equal(md + strlen(md) - strlen(shares), shares);
    assert_non_null(strstr(tex, "\\caption{In \\% of oracle.}"));
    assert_non_null(strstr(tex, "Pop \\& Co\\_1 & 44.4 \\\\\n"));
    assert_non_null(strstr(page, "<tr><td>Pop &amp; Co_1</td><td>44.4</td></tr>"));
    assert_non_null(strstr(content("tables/toy-oracle.csv"),
                           "toy,oracle,Pop & Co_1,popularity,{},ndcg,10,0.4,0.9,0.444444444\n"));
}

/* Two universes of mask, one of ties: iALS (alpha0 0.1) and Pop change places; the oracle does not compete. */
static void multiverse_of_two(void **state)
{
    static const char *const cells[][2] = {{"popularity,Pop & Co_1,{}", ".3 .5"},
                                           {"ials,iALS,\"{\"\"alpha0\"\":0.1,\"\"factors\"\":64}\"", ".4 .4"},
                                           {"ials,iALS,\"{\"\"alpha0\"\":1,\"\"factors\"\":64}\"", ".1 .1"},
                                           {"oracle,oracle,{}", ".9 .9"}};
    struct records *r;
    char text[4096] =
        "dataset,fold,model,label,params,seed,mask,ties,metric,k,dialect,value,n_users,n_tied\n";
    (void)state;
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++) {
        double value[2];
        assert_int_equal(sscanf(cells[c][1], "%lf %lf", &value[0], &value[1]), 2);
        for (int m = 0; m < 2; m++)
            snprintf(text + strlen(text), sizeof text - strlen(text),
                     "toy,0,%s,0,%s,hash,ndcg,10,default,%g,9,0\n", cells[c][0],
                     m == 0 ? "train" : "train+valid", value[m]);
    }
    test_write(test_path(folder, "multiverse.csv"), text);
    assert_ok(records_read(folder, arena, &r));
    const struct multiverse *m = r->multiverse;
    assert_non_null(m);
    assert_int_equal(m->n_models, 3);
    assert_int_equal(m->n_universes, 2);
    assert_int_equal(m->n_columns, 2);
    assert_float_equal(m->universe[0].rank[0], 2, 0);
    assert_float_equal(m->universe[1].rank[0], 1, 0);
    assert_int_equal(m->effect[CHOICE_MASK].n_pairs, 1);
    assert_int_equal(m->effect[CHOICE_TIES].n_pairs, 0);
    assert_float_equal(m->effect[CHOICE_MASK].mean, 1.0 / 3, 1e-12); /* two of three pairs agree */
    assert_float_equal(m->effect[CHOICE_MASK].same_best, 0, 0);
    assert_ok(report_run(folder));
    assert_non_null(strstr(content("tables/multiverse.md"), "| mask | 2 | 1 | 0.333 | 0.333 | 0 % |"));
    assert_non_null(strstr(content("tables/multiverse-models.csv"), "Pop & Co_1,1.5,1,2,0.5"));
    strcat(text, "toy,0,ease,ease,{},0,train,hash,ndcg,10,default,.5,9,0\n");
    test_write(test_path(folder, "multiverse.csv"), text);
    test_fails(records_read(folder, arena, &r), STATUS_DATA, "multiverse.csv:10", "--fresh", NULL);
}

/* With ties in both: scipy.stats.kendalltau, scipy 1.17.1. */
static void kendall(void **state)
{
    static const double x[] = {1, 2, 2, 3, 5}, y[] = {1, 3, 2, 2, 4}, flat[] = {1, 1, 1, 1, 1};
    double falling[5];
    (void)state;
    for (int i = 0; i < 5; i++)
        falling[i] = -x[i];
    assert_float_equal(kendall_tau(x, x, 5), 1, 1e-12);
    assert_float_equal(kendall_tau(x, falling, 5), -1, 1e-12);
    assert_float_equal(kendall_tau(x, y, 5), 0.6666666666666666, 1e-9);
    assert_float_equal(kendall_tau(x, flat, 5), 1, 0); /* nothing contradicts */
}

static void plots_are_drawn_and_repeat(void **state)
{
    (void)state;
    if (system("command -v gnuplot >/dev/null") != 0) {
        print_message("gnuplot is not installed\n");
        skip();
    }
    assert_ok(report_run(folder));
    const char *first = content("plots/toy-metrics.svg");
    assert_non_null(strstr(first, "<svg"));
    assert_non_null(strstr(first, "oracle 0.900"));
    assert_true(file_exists(test_path(folder, "plots/toy-per_k.png")));
    assert_non_null(strstr(content("index.html"), "<figure"));
    assert_false(file_exists(test_path(folder, "plots/toy-metrics.svg.tmp")));
    assert_ok(report_run(folder));
    assert_string_equal(first, content("plots/toy-metrics.svg"));
}

/* Names that gnuplot could take for code, and cut-offs that stand from large to small. */
static void plots_bear_any_name(void **state)
{
    (void)state;
    if (system("command -v gnuplot >/dev/null") != 0) {
        print_message("gnuplot is not installed\n");
        skip();
    }
    test_write(
        test_path(folder, "metrics.csv"),
        "dataset,fold,model,label,params,seed,split,candidates,metric,k,dialect,stratum,value,n_users\n"
        "toy,0,ease,\"a \"\"b\"\" 5% d_e \\ `touch x` it's "
        "\u7535\",{},0,random,full,ndcg,20,default,all,0.25,10\n"
        "toy,0,ease,\"a \"\"b\"\" 5% d_e \\ `touch x` it's "
        "\u7535\",{},0,random,full,ndcg,5,default,all,0.125,10\n");
    test_write(test_path(folder, "record.json"),
               "{\"experiment\":\"toy run\",\"cells\":[" CELL(
                   "ease", "a \\\"b\\\" 5% d_e \\\\ `touch x` it's \u7535", "0", "{}", "done",
                   "") "],\"report\":{\"tables\":[],\"plots\":[\"metrics\",\"per_k\"]}}");
    assert_ok(report_run(folder));
    const char *bars = content("plots/toy-metrics.svg"), *lines = content("plots/toy-per_k.svg");
    assert_non_null(strstr(bars, "a \"b\" 5% d_e \\ `touch x` it's \u7535"));
    assert_false(file_exists(test_path(folder, "plots/x")));
    assert_false(file_exists(test_path(folder, "plots/x")));
    assert_non_null(strstr(bars, "0.250"));
    assert_non_null(strstr(lines, "a \"b\" 5% d_e \\ `touch x` it's \u7535"));
    assert_non_null(strstr(content("plots/toy-per_k.gp"), "5 0.125\n20 0.25\n"));
}

/* Intervals, parts, ranks and what differs significantly, each from its file. */
static void further_files_are_shown(void **state)
{
    (void)state;
    test_write(
        test_path(folder, "metrics.csv"),
        "dataset,fold,model,label,params,seed,split,candidates,metric,k,dialect,stratum,value,n_users\n"
        "toy,0,popularity,P,{},0,random,full,ndcg,10,default,all,0.3,10\n"
        "toy,0,popularity,P,{},0,random,full,novelty,10,default,all,2,10\n"
        "toy,0,popularity,P,{},0,random,full,ndcg,10,default,head,0.35,8\n"
        "toy,0,popularity,P,{},0,random,full,ndcg,10,elliot,all,0.9,10\n"
        "toy,0,ease,E,{},0,random,full,ndcg,10,default,all,0.5,10\n"
        "toy,0,ease,E,{},0,random,full,novelty,10,default,all,3,10\n"
        "toy,0,ease,E,{},0,random,full,ndcg,10,default,head,0.45,8\n");
    test_write(
        test_path(folder, "record.json"),
        "{\"experiment\":\"toy run\",\"cells\":[" CELL("popularity", "P", "0", "{}", "done", "") "," CELL(
            "ease", "E", "0", "{}", "done",
            "") "],\"report\":{\"tables\":[\"csv\",\"md\"],\"plots\":[\"metrics\",\"strata\",\"tradeoff\","
                "\"ranks\"]}}");
    test_write(test_path(folder, "intervals.csv"),
               "dataset,label,params,metric,k,dialect,stratum,mean,low,high,n_users,draws\n"
               "toy,E,{},ndcg,10,default,head,0.45,0.4,0.49,8,2000\n"
               "toy,E,{},ndcg,10,default,all,0.5,0.41,0.62,10,2000\n");
    test_write(test_path(folder, "ranks.csv"), "dataset,metric,k,dialect,over,label,grid,mean_rank,n_blocks,"
                                               "chi_square,p,p_f,critical_difference,alpha\n"
                                               "toy,ndcg,10,default,users,P,{},1.7,10,1,0.3,0.3,0.6,0.05\n"
                                               "toy,ndcg,10,default,users,E,{},1.3,10,1,0.3,0.3,0.6,0.05\n");
    test_write(test_path(folder, "significance.csv"),
               "dataset,a,b,metric,k,n_users,mean_a,mean_b,mean_difference,low,high,t,degrees,p,p_holm,cohen_"
               "d,dialect,over,"
               "p_wilcoxon,p_sign,p_randomisation,p_bonferroni,p_bh,cliffs_delta,test,significant\n"
               "toy,E,P,ndcg,10,10,0.5,0.3,0.2,0.1,0.3,5,9,0.001,0.001,1,default,users,0.01,0.01,0.01,0.01,0."
               "01,0.5,t,1\n");
    assert_ok(report_run(folder));
    assert_non_null(strstr(content("tables/toy.md"), "| P | 0.3000\u2020 |"));
    assert_non_null(strstr(content("tables/toy.csv"), ",0.5,,0.41,0.62,"));
    assert_non_null(strstr(content("index.html"), "0.4100 to 0.6200"));
    if (system("command -v gnuplot >/dev/null") != 0)
        return;
    assert_non_null(strstr(content("plots/toy-strata.gp"), "1 0.35 0.45 NaN 0.4 NaN 0.49\n"));
    assert_non_null(
        strstr(content("plots/toy-tradeoff.gp"), "0.5 3 1\n")); /* E beats P in both: it alone is the front */
    assert_non_null(strstr(content("plots/toy-tradeoff.gp"), "0.3 2 0\n"));
    assert_non_null(
        strstr(content("plots/toy-ranks.gp"), "1.3 1.7 0\n")); /* within the critical difference: a bar */
    assert_true(file_exists(test_path(folder, "plots/toy-ranks.svg")));
    test_write(test_path(folder, "ranks.csv"), "dataset,metric\ntoy,ndcg\n");
    test_fails(report_run(folder), STATUS_DATA, "ranks.csv:1", "expected 14", NULL);
}

#define STRATUM(label, stratum, value)                                                                       \
    "toy,0,ease," label ",{},0,random,full,ndcg,10,default," stratum "," value ",8\n"
#define INTERVAL(label, stratum, interval)                                                                   \
    "toy," label ",{},ndcg,10,default," stratum "," interval ",8,2000,bca\n"
/* The corrected p that is to be shown stands between p_holm and p_bh. */
#define PAIR(a, b, means, difference, p, significant)                                                        \
    "toy," a "," b ",ndcg,10,8," means "," difference ",5,9,0.7,0.71,1,default,users," p ",0.72,0.73,0.74,"  \
    "0.041,0.5,wilcoxon," significant "\n"
#define PART(a, b, means, difference, p, significant, stratum)                                               \
    "toy," a "," b ",ndcg,10,8," means "," difference ",5,9,0.7,0.71,1,default,users," p ",0.72,0.73,0.74,"  \
    "0.041,0.5,wilcoxon," significant "," stratum "\n"
static const char PAIRS[] =
    "dataset,a,b,metric,k,n_users,mean_a,mean_b,mean_difference,low,high,t,degrees,p,p_holm,cohen_d,dialect,"
    "over,"
    "p_wilcoxon,p_sign,p_randomisation,p_bonferroni,p_bh,cliffs_delta,test,significant\n";

static void write_compared(const char *pairs)
{
    test_write(test_path(folder, "metrics.csv"),
               "dataset,fold,model,label,params,seed,split,candidates,metric,k,dialect,stratum,value,n_"
               "users\n" STRATUM("E_1 & co", "all", "0.5") STRATUM("E_1 & co", "activity_q1", "0.4")
                   STRATUM("E_1 & co", "activity_q2", "0.6") STRATUM("E_1 & co", "warm_items", "0.5")
                       STRATUM("P", "all", "0.3") STRATUM("P", "activity_q1", "0.45")
                           STRATUM("P", "activity_q2", "0.15") STRATUM("P", "warm_items", "0.3")
                               STRATUM("Q", "all", "0.49") STRATUM("Q", "activity_q1", "0.4")
                                   STRATUM("Q", "activity_q2", "0.58") STRATUM("Q", "warm_items", "0.49"));
    test_write(
        test_path(folder, "record.json"),
        "{\"experiment\":\"toy run\",\"cells\":[" CELL("ease", "E_1 & co", "0", "{}", "done", "") "," CELL(
            "ease", "P", "0", "{}", "done",
            "") "," CELL("ease", "Q", "0", "{}", "done",
                         "") "],\"compare\":{\"pairs\":[{}],\"test\":\"wilcoxon\",\"over\":\"users\","
                             "\"correction\":\"bh\","
                             "\"alpha\":0.05},\"report\":{\"tables\":[\"csv\",\"md\",\"tex\"],\"plots\":["
                             "\"strata\"],"
                             "\"strata\":true}}");
    test_write(test_path(folder, "intervals.csv"),
               "dataset,label,params,metric,k,dialect,stratum,mean,low,high,n_users,draws,method\n" INTERVAL(
                   "E_1 & co", "all", "0.5,0.41,0.62") INTERVAL("E_1 & co", "activity_q1", "0.4,0.31,0.52")
                   INTERVAL("P", "all", "0.3,0.21,0.42"));
    test_write(test_path(folder, "significance.csv"), arena_printf(arena, "%s%s", PAIRS, pairs));
}

static const char *printed(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_ok(report_print(folder, out));
    fclose(out);
    const char *copy = arena_strdup(arena, text);
    free(text);
    return copy;
}

/* A model against two: values and intervals of intervals.csv, differences of significance.csv, p of the declared correction. */
static void comparisons_are_shown(void **state)
{
    (void)state;
    write_compared(PAIR("E_1 & co", "P", "0.5,0.3", "0.2,0.1,0.3", "0.01", "1")
                       PAIR("E_1 & co", "Q", "0.5,0.49", "0.01,-0.02,0.04", "0.6", "0"));
    assert_ok(report_run(folder));
    const char *md = content("tables/toy.md"), *tex = content("tables/toy.tex"),
               *page = content("index.html");
    assert_non_null(strstr(md,
                           "| model | ndcg@10 | difference | p |\n|:--|--:|--:|--:|\n"
                           "| E\\_1 \\& co | 0.5000 (0.4100 to 0.6200) |  |  |\n"
                           "| P | 0.3000 (0.2100 to 0.4200) | +0.2000\u2020 (+0.1000 to +0.3000) | 0.041 |\n"
                           "| Q | 0.4900 | +0.0100 (-0.0200 to +0.0400) | 0.041 |\n"));
    assert_non_null(strstr(md,
                           "Difference: E\\_1 \\& co less the row's model. 95 % intervals; p corrected for 2 "
                           "comparisons: Wilcoxon over users, Benjamini-Hochberg, alpha 0.05; \u2020 "
                           "significant."));
    assert_non_null(strstr(tex, "\\label{tab:toy-compare-ndcg-10}"));
    assert_non_null(strstr(tex, "E\\_1 \\& co & 0.5000 {\\footnotesize [0.4100, 0.6200]} &  &  \\\\\n"));
    assert_non_null(strstr(tex, " & +0.2000$^\\dagger$ {\\footnotesize [+0.1000, +0.3000]} & 0.041 \\\\\n"));
    assert_non_null(strstr(tex, " & +0.0100 {\\footnotesize [$-$0.0200, +0.0400]} & 0.041 \\\\\n"));
    assert_non_null(strstr(page,
                           "<tr><td>P</td><td>0.3000 <small>0.2100 to 0.4200</small></td><td>+0.2000<sup>"
                           "\u2020</sup> <small>+0.1000 to +0.3000</small></td><td>0.041</td></tr>"));
    assert_non_null(strstr(printed(),
                           "\nE_1 & co  0.5000  [0.410, 0.620]\n"
                           "P         0.3000  [0.210, 0.420]  +0.2000\u2020 [+0.1000, +0.3000]  0.041\n"
                           "Q                        0.4900   +0.0100  [-0.0200, +0.0400]  0.041\n"));
    assert_string_equal(
        content("tables/toy-compare.csv"),
        "a,b,metric,k,value_a,low_a,high_a,value_b,low_b,high_b,difference,low,high,p,p_corrected,"
        "significant\n"
        "E_1 & co,P,ndcg,10,0.5,0.41,0.62,0.3,0.21,0.42,0.2,0.1,0.3,0.01,0.041,1\n"
        "E_1 & co,Q,ndcg,10,0.5,0.41,0.62,0.49,,,0.01,-0.02,0.04,0.6,0.041,0\n");
    assert_non_null(strstr(md, "| P | 0.3000\u2020 |")); /* below the best; Q isn't, significantly */
    assert_non_null(strstr(md, "| Q | 0.4900 |"));
}

/* One b in all comparisons; pairs that share none; a dialect that tables do not show. */
static void comparisons_of_any_pairs(void **state)
{
    (void)state;
    write_compared(PAIR("P", "Q", "0.3,0.49", "-0.19,-0.3,-0.1", "0.01", "1")
                       PAIR("E_1 & co", "Q", "0.5,0.49", "0.01,-0.02,0.04", "0.6", "0"));
    assert_non_null(strstr(
        printed(), "\nQ                        0.4900\nP         0.3000  [0.210, 0.420]  -0.1900\u2020"));
    assert_non_null(strstr(printed(), "Difference: the row's model less Q. "));
    write_compared(PAIR("P", "Q", "0.3,0.49", "-0.19,-0.3,-0.1", "0.01", "1") PAIR(
        "E_1 & co", "P", "0.5,0.3", "0.2,0.1,0.3", "0.01",
        "1") "toy,P,Q,ndcg,10,8,0.7,0.8,-0.1,-0.2,0.1,5,9,0.7,0.71,1,elliot,users,0.01,0.72,0.73,"
             "0.74,0.3,0.5,wilcoxon,0\n");
    assert_ok(report_run(folder));
    const char *md = content("tables/toy.md");
    assert_non_null(
        strstr(md, "| P less Q | 0.3000 (0.2100 to 0.4200) | 0.4900 | -0.1900\u2020 (-0.3000 to -0.1000) "
                   "| 0.041 |\n| E\\_1 \\& co less P | 0.5000 (0.4100 to 0.6200) |"));
    assert_non_null(strstr(md, "## Comparisons by ndcg (elliot)@10\n"));
    assert_non_null(
        strstr(md, "| P | 0.7000 |  |  |\n| Q | 0.8000 | -0.1000 (-0.2000 to +0.1000) | 0.3 |\n"));
}

/* By quarters; the part that is the whole (no cold items) makes no table.  Made again, the files are the same. */
static void strata_are_shown(void **state)
{
    (void)state;
    write_compared("");
    assert_ok(report_run(folder));
    const char *md = content("tables/toy.md"), *tex = content("tables/toy.tex"),
               *page = content("index.html"), *csv = content("tables/toy-strata.csv");
    assert_non_null(strstr(md, "## ndcg@10 by user\\_activity\n"));
    assert_non_null(strstr(md, "| model | all | activity\\_q1 | activity\\_q2 |\n|:--|--:|--:|--:|\n"
                               "| E\\_1 \\& co | **0.5000** (0.4100 to 0.6200) | 0.4000 (0.3100 to 0.5200) | "
                               "**0.6000** |\n| P | 0.3000 (0.2100 to 0.4200) | **0.4500** | 0.1500 |\n"));
    assert_null(strstr(md, "warm"));
    assert_null(strstr(md, "Comparisons"));
    assert_non_null(strstr(tex, "activity\\_q1"));
    assert_non_null(strstr(page, "<td class=\"best\">0.5000 <small>0.4100 to 0.6200</small></td>"));
    assert_non_null(strstr(csv, "E_1 & co,ease,{},ndcg,10,activity_q1,0.4,0.31,0.52\n"
                                "E_1 & co,ease,{},ndcg,10,activity_q2,0.6,,\n"));
    assert_non_null(strstr(printed(), "ndcg@10 by user_activity\n"));
    if (system("command -v gnuplot >/dev/null") == 0) /* no line from a quarter to what is of another kind */
        assert_non_null(strstr(content("plots/toy-strata.gp"),
                               "\n1 0.4 0.45 0.4 0.31 NaN NaN 0.52 NaN NaN\n"
                               "2 0.6 0.15 0.58 NaN NaN NaN NaN NaN NaN\n\n3 0.5 0.3 0.49 "));
    assert_ok(report_run(folder));
    assert_string_equal(md, content("tables/toy.md"));
    assert_string_equal(tex, content("tables/toy.tex"));
    assert_string_equal(page, content("index.html"));
    assert_string_equal(csv, content("tables/toy-strata.csv"));
}

/* Significant in one quarter alone: a mark beside its best and at its difference, in no other column. */
static void strata_are_compared(void **state)
{
    (void)state;
    write_compared(PAIR("E_1 & co", "P", "0.5,0.3", "0.2,-0.1,0.5", "0.06", "0"));
    assert_ok(report_run(folder));
    assert_non_null(strstr(content("tables/toy.md"), "Differences in strata are not tested: the run has no "
                                                     "significance-strata.csv"));
    assert_non_null(strstr(printed(), "not tested: the run has no significance-strata.csv"));
    assert_false(file_exists(test_path(folder, "tables/toy-compare-strata.csv")));
    test_write(test_path(folder, "significance-strata.csv"),
               arena_printf(arena, "%.*s,stratum\n%s", (int)strlen(PAIRS) - 1, PAIRS,
                            PART("E_1 & co", "P", "0.4,0.45", "-0.05,-0.2,0.1", "0.5", "0", "activity_q1")
                                PART("E_1 & co", "P", "0.6,0.15", "0.45,0.3,0.6", "0.02", "1", "activity_q2")
                                    PART("E_1 & co", "P", "0.6,0.15", "0.45,0.3,0.6", "0.02", "1", "gone")));
    assert_ok(report_run(folder));
    const char *md = content("tables/toy.md"), *tex = content("tables/toy.tex"),
               *page = content("index.html");
    assert_non_null(strstr(md, "| P | 0.3000 (0.2100 to 0.4200) | **0.4500** | 0.1500\u2020 |\n"));
    assert_non_null(strstr(md, "## Differences in ndcg@10 by user\\_activity\n"));
    assert_non_null(strstr(md, "p corrected for 3 tests in strata, of the whole (all) for 1: Wilcoxon"));
    assert_non_null(strstr(
        md, "| model | all | activity\\_q1 | activity\\_q2 |\n|:--|--:|--:|--:|\n| P | +0.2000 (-0.1000 "
            "to +0.5000) | -0.0500 (-0.2000 to +0.1000) | +0.4500\u2020 (+0.3000 to "
            "+0.6000) |\n"));
    assert_non_null(strstr(tex, "\\label{tab:toy-compare-ndcg-10-activity-q1}"));
    assert_non_null(strstr(tex, "+0.4500$^\\dagger$"));
    assert_null(strstr(tex, "-0.0500$^\\dagger$"));
    assert_non_null(strstr(page, "<td>+0.4500<sup>\u2020</sup> <small>+0.3000 to +0.6000</small></td></tr>"));
    assert_non_null(strstr(printed(), "\nmodel       all  activity_q1  activity_q2\n"
                                      "P      +0.2000      -0.0500      +0.4500\u2020\n"));
    assert_string_equal(
        content("tables/toy-compare-strata.csv"),
        "a,b,metric,k,stratum,n_users,value_a,value_b,difference,low,high,p,p_corrected,significant\n"
        "E_1 & co,P,ndcg,10,activity_q1,8,0.4,0.45,-0.05,-0.2,0.1,0.5,0.041,0\n"
        "E_1 & co,P,ndcg,10,activity_q2,8,0.6,0.15,0.45,0.3,0.6,0.02,0.041,1\n");
    test_write(test_path(folder, "significance-strata.csv"), PAIRS);
    test_fails(report_run(folder), STATUS_DATA, "significance-strata.csv:1", "expected 27", NULL);
}

/* Two tests that only a reader of the file passes, one significant the wrong way round; one of knowledge; another dataset's is not shown. */
static void memory_is_told_below_the_tables(void **state)
{
    static const char head[] =
        "dataset,decoder,data,data_sha256,rows,changed,stratum,n,likelier,difference,low,high,p,p_holm\n";
    static const char lines[] = "toy,ge_mma,ml,0f,ratings,user,head,100,.55,0.09,-.1,.3,0.2,0.9\n"
                                "toy,ge_mma,ml,0f,ratings,item,head,100,.4,-0.9,-1,-.8,0.0001,0.001\n"
                                "toy,ge_mma,ml,0f,items,title,head,100,.7,0.9,.8,1,0.0001,0.001\n"
                                "else,ge_mma,ml,0f,items,id,head,100,.7,0.9,.8,1,0.0001,0.001\n";
    const char *none =
        "true rows likelier than changed ones in 0 of 2 tests; genres by their titles, which the "
        "world knows, in 1 of 1, of at most 100 rows each, so there is no sign that it has read them.";
    (void)state;
    test_write(test_path(folder, "probe.csv"), arena_printf(arena, "%s%s", head, lines));
    assert_ok(report_run(folder));
    assert_non_null(strstr(content("tables/toy.md"), none));
    assert_non_null(strstr(content("tables/toy.md"), "language model ge\\_mma (recfuse probe, rows of ml)"));
    assert_non_null(strstr(content("index.html"), none));
    assert_non_null(strstr(printed(), none));
    assert_non_null(strstr(content("tables/toy.tex"), "in 0 of 2 tests;"));
    test_write(test_path(folder, "probe.csv"),
               arena_printf(arena, "%stoy,ge_mma,ml,0f,items,id,head,100,.9,2,1,3,0.0001,0.001\n", head));
    assert_non_null(strstr(
        printed(),
        "in 1 of 1 tests, of at most 100 rows each, so what its rows reach may be remembered, not found."));
    test_write(test_path(folder, "probe.csv"), "dataset\n");
    test_fails(report_run(folder), STATUS_DATA, "probe.csv:1", NULL);
}

static void names_are_cut_to_columns(void **state)
{
    (void)state;
    assert_int_equal(text_columns("ab\u7535\u5f71"), 6);
    assert_string_equal(text_shortened("ab\u7535\u5f71", 6, arena), "ab\u7535\u5f71");
    assert_string_equal(text_shortened("ab\u7535\u5f71", 5, arena), "ab\u7535\u2026");
    assert_string_equal(text_shortened("ab\u7535\u5f71", 4, arena), "ab\u2026"); /* no half letter */
}

static void bad_records_are_named(void **state)
{
    (void)state;
    test_write(
        test_path(folder, "metrics.csv"),
        "dataset,fold,model,label,params,seed,split,candidates,metric,k,dialect,stratum,value,n_users\n"
        "toy,0,popularity,P,{},0,random,full,ndcg,5,default,all,none,10\n");
    test_fails(report_run(folder), STATUS_DATA, "metrics.csv:2", "'none'", NULL);
    test_write(test_path(folder, "metrics.csv"), "dataset,fold\n");
    test_fails(report_run(folder), STATUS_DATA, "metrics.csv:1", "2 columns", NULL);
    test_write(test_path(folder, "record.json"), "{");
    test_fails(report_run(folder), STATUS_DATA, "record.json", "not valid JSON", NULL);
    unlink(test_path(folder, "record.json"));
    test_fails(report_run(folder), STATUS_DATA, "holds no finished run", NULL);
    assert_false(file_exists(test_path(folder, "tables")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(averages_over_folds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables_escape_and_mark, set_up, tear_down),
        cmocka_unit_test_setup_teardown(page_has_whole_cells, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shares_of_the_oracle, set_up, tear_down),
        cmocka_unit_test(kendall),
        cmocka_unit_test_setup_teardown(multiverse_of_two, set_up, tear_down),
        cmocka_unit_test_setup_teardown(plots_are_drawn_and_repeat, set_up, tear_down),
        cmocka_unit_test_setup_teardown(plots_bear_any_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(further_files_are_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comparisons_are_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comparisons_of_any_pairs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strata_are_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strata_are_compared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_is_told_below_the_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_cut_to_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_records_are_named, set_up, tear_down),
    };
    test_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
