/* Hits for people: rank, match as a small bar, time, where it is, title, tags. */
#include "hits.h"

#include "app_library.h"
#include "si.h"
#include "store_words.h"
#include "table.h"

#include <math.h>

#define BAR_CELLS 8
#define NOTE      "      " /* before a line below a hit */

static const TableColumn columns[] = {
    {CUT_NEVER, .right = true, .color = "2"}, /* rank */
    {CUT_NEVER, .color = "36"},               /* match, or the score where there is none */
    {CUT_NEVER, .color = "2"},                /* time */
    {CUT_START},                              /* path */
    {CUT_END, .color = "1"},                  /* title */
    {CUT_END, .color = "33"},                 /* tags */
};

/* "█████▌    69 %", in eighths of a cell. */
static char *match_bar(double match) {
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int filled = (int)lround(CLAMP(match, 0, 1) * BAR_CELLS * 8);
    GString *bar = g_string_new(NULL);
    for (int i = 0; i < filled / 8; i++) g_string_append(bar, "█");
    g_string_append(bar, eighths[filled % 8]);
    int rest = BAR_CELLS - filled / 8 - (filled % 8 > 0);
    g_string_append_printf(bar, "%*s%4.0f %%", rest, "", match * 100);
    return g_string_free(bar, FALSE);
}

static char *match_or_score(const SearchHit *hit) {
    return isnan(hit->match) ? g_strdup_printf("%.3f", hit->score) : match_bar(hit->match);
}

/* "0:10–0:20"; the end is rounded up, so that a short sound has one. */
static char *span_text(const ClipWindow *span) {
    g_autofree char *start = si_clock(span->start);
    g_autofree char *end = si_clock(ceil(span->end - 0.01));
    return g_strdup_printf("%s–%s", start, end);
}

static void append_part(GString *line, const char *name, const Fused *parts, int which) {
    if (parts->rank[which])
        g_string_append_printf(line, "%s: rank %d, gives %.4f", name, parts->rank[which],
                               parts->part[which]);
    else
        g_string_append_printf(line, "%s: not brought", name);
}

/* "vector: rank 3, gives 0.9312, cosine 0.412; words: rank 1, gives 1.0000, bm25 5.20 (title 3.10)"
 */
static char *explanation(const Hits *hits, const SearchHit *hit) {
    GString *line = g_string_new(NOTE);
    if (hits->options->mode != MODE_BM25) append_part(line, "vector", &hit->parts, 0);
    if (!isnan(hit->cosine)) g_string_append_printf(line, ", cosine %.4f", hit->cosine);
    if (hits->options->mode == MODE_HYBRID) g_string_append(line, "; ");
    if (hits->options->mode != MODE_VECTOR) append_part(line, "words", &hit->parts, 1);
    if (hit->bm25 > 0) g_string_append_printf(line, ", bm25 %.3f", hit->bm25);
    for (int i = 0; hit->columns && i < STORE_WORD_COLUMNS; i++)
        if (hit->columns[i] > 0)
            g_string_append_printf(line, ", %s %.3f", store_word_columns[i], hit->columns[i]);
    return g_string_free(line, FALSE);
}

static void add_notes(const Hits *hits, const SearchHit *hit, Table *table) {
    if (hits->options->explain) {
        g_autofree char *note = explanation(hits, hit);
        table_add_note(table, note);
    }
    if (hit->folded && hit->folded->len) {
        g_autofree char *note = g_strdup_printf(NOTE "and %u much like it", hit->folded->len);
        table_add_note(table, note);
    }
}

static void add_hit(const Hits *hits, const SearchHit *hit, const char *folder, Table *table) {
    g_autofree char *rank = g_strdup_printf("%d", hit->rank);
    g_autofree char *match = match_or_score(hit);
    g_autofree char *span = span_text(&hit->span);
    g_autofree char *tags = app_tag_list(hit->clip, ", ");
    const char *title = clip_field(hit->clip, FIELD_TITLE); /* else the path says it */
    table_add(table,
              (const char *const[]){rank, match, span, app_path_from(folder, clip_path(hit->clip)),
                                    title, tags});
    add_notes(hits, hit, table);
}

void hits_print_table(const Hits *hits) {
    g_autofree char *folder = g_get_current_dir();
    g_autoptr(Table) table =
        table_new(columns, G_N_ELEMENTS(columns), table_width_of(stdout), hits->app->color);
    for (guint i = 0; i < hits->result->hits->len; i++)
        add_hit(hits, hits->result->hits->pdata[i], folder, table);
    table_print(table, stdout);
}
