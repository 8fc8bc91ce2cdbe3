/* Hits for other programs. CSV: RFC 4180. M3U: EXTINF lines, and VLC's start-time, which players
 * that do not know it pass over. TREC: the run file of trec_eval. */
#include "hits.h"

#include "app_library.h"
#include "clip_json.h"
#include "csv_write.h"
#include "error.h"

#include <math.h>
#include <string.h>

#define RUN_ID "earshot"

static const struct {
    const char *name;
    void (*print)(const Hits *hits);
} formats[] = {
    {"table", hits_print_table}, {"paths", hits_print_paths}, {"json", hits_print_json},
    {"csv", hits_print_csv},     {"m3u", hits_print_m3u},     {"trec", hits_print_trec},
};

void hits_print(const Hits *hits, const char *format) {
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++)
        if (strcmp(formats[i].name, format) == 0) formats[i].print(hits);
}

static const SearchHit *hit_at(const Hits *hits, guint i) {
    return hits->result->hits->pdata[i];
}

void hits_print_json(const Hits *hits) {
    app_print_document(search_json(hits->result, hits->query, hits->mode, hits->model,
                                   hits->library, hits->options->explain));
}

void hits_print_paths(const Hits *hits) {
    for (guint i = 0; i < hits->result->hits->len; i++) {
        fputs(clip_path(hit_at(hits, i)->clip), stdout);
        putchar(hits->path_end);
    }
}

static void put_number(GPtrArray *row, double value) {
    g_ptr_array_add(row, isfinite(value) ? g_strdup_printf("%.9g", value) : g_strdup(""));
}

static GPtrArray *csv_row(const SearchHit *hit) {
    GPtrArray *row = g_ptr_array_new_with_free_func(g_free);
    put_number(row, hit->rank);
    g_ptr_array_add(row, g_strdup(hit->clip->id));
    g_ptr_array_add(row, g_strdup(clip_path(hit->clip)));
    g_ptr_array_add(row, g_strdup(clip_title(hit->clip)));
    put_number(row, hit->score);
    put_number(row, hit->match);
    put_number(row, hit->cosine);
    put_number(row, hit->bm25);
    put_number(row, hit->span.start);
    put_number(row, hit->span.end);
    put_number(row, hit->clip->duration);
    g_ptr_array_add(row, app_tag_list(hit->clip, ";"));
    return row;
}

void hits_print_csv(const Hits *hits) {
    static const char *const header[] = {"rank",   "id",   "path",  "title", "score",    "match",
                                         "cosine", "bm25", "start", "end",   "duration", "tags"};
    csv_write_row(stdout, header, G_N_ELEMENTS(header));
    for (guint i = 0; i < hits->result->hits->len; i++) {
        g_autoptr(GPtrArray) row = csv_row(hit_at(hits, i));
        csv_write_row(stdout, (const char *const *)row->pdata, (int)row->len);
    }
}

/* A path as a line of a playlist: one that could be taken for something else becomes an address. */
static char *playlist_entry(const char *path) {
    bool plain = path[0] == '/' && !path[strcspn(path, "\r\n")];
    return plain ? g_strdup(path) : g_filename_to_uri(path, NULL, NULL);
}

void hits_print_m3u(const Hits *hits) {
    puts("#EXTM3U");
    for (guint i = 0; i < hits->result->hits->len; i++) {
        const SearchHit *hit = hit_at(hits, i);
        g_autofree char *title = error_printable(clip_title(hit->clip));
        g_autofree char *entry = playlist_entry(clip_path(hit->clip));
        if (!entry) continue;
        printf("#EXTINF:%.0f,%s\n", hit->clip->duration, title);
        if (hit->span.start > 0) printf("#EXTVLCOPT:start-time=%.3f\n", hit->span.start);
        puts(entry);
    }
}

/* trec_eval reads scores as floats and puts equal ones in an order of its own: such a hit is
 * written one step below the hit before it. */
void hits_print_trec(const Hits *hits) {
    float last = INFINITY;
    for (guint i = 0; i < hits->result->hits->len; i++) {
        const SearchHit *hit = hit_at(hits, i);
        bool lower = (float)hit->score < last;
        double score = lower ? hit->score : nextafterf(last, -INFINITY);
        printf("%s Q0 %s %d %.9g " RUN_ID "\n", hits->query_id, hit->clip->id, hit->rank, score);
        last = (float)score;
    }
}
