/* Clips in order, and counts of values. See store_list.h. */
#include "store_list.h"

#include "store_private.h"

/* -- clips in order -- */

#define FIRST_PATH "FROM path WHERE clip = c.number ORDER BY number LIMIT 1"

static const char *const keys[] = {
    [ORDER_ADDED] = "c.added",
    [ORDER_TITLE] = "coalesce((SELECT folded FROM value WHERE clip = c.number AND name = 'title'),"
                    " (SELECT fold(stem(name)) " FIRST_PATH "), '')",
    [ORDER_DURATION] = "c.duration",
    [ORDER_PATH] = "coalesce((SELECT path " FIRST_PATH "), x'')",
    [ORDER_ID] = "c.id",
};

/* Binds the last parameters, as many as there are numbers. */
static void bind_last(sqlite3_stmt *statement, const int *numbers, int count) {
    int first = sqlite3_bind_parameter_count(statement) - count + 1;
    for (int i = 0; i < count; i++) sqlite3_bind_int(statement, first + i, numbers[i]);
}

static const char *sql_of(const StoreWhere *where) {
    return where ? where->sql : "1";
}

static bool count_clips(Store *store, const StoreWhere *where, int64_t *total, GError **error) {
    g_autofree char *text =
        g_strdup_printf("SELECT count(*) FROM clip c WHERE (%s)", sql_of(where));
    sqlite3_stmt *row = store_prepare(store, text, where, 1, error);
    Step step = row ? sql_step(store, row, error) : STEP_ERROR;
    if (step == STEP_ROW) *total = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return step == STEP_ROW;
}

static bool visit_page(Store *store, const StoreList *list, StoreEachClip each, void *user,
                       GError **error) {
    g_autofree char *text = g_strdup_printf(
        "SELECT c.number FROM clip c WHERE (%s) ORDER BY %s %s, c.number LIMIT ? OFFSET ?",
        sql_of(list->where), keys[list->order], list->falling ? "DESC" : "ASC");
    sqlite3_stmt *row = store_prepare(store, text, list->where, 1, error);
    if (!row) return false;
    bind_last(row, (const int[]){MAX(list->n, 0), MAX(list->from, 0)}, 2);
    bool ok = store_visit_clips(store, row, list->with_vector, each, user, error);
    sqlite3_finalize(row);
    return ok;
}

bool store_list(Store *store, const StoreList *list, int64_t *total, StoreEachClip each, void *user,
                GError **error) {
    if (!snapshot_begin(store, error)) return false;
    bool ok =
        count_clips(store, list->where, total, error) && visit_page(store, list, each, user, error);
    snapshot_end(store);
    return ok;
}

/* -- counts of values -- */

/* Over clip c: what to show and to group by, from where, in which order. */
typedef struct {
    const char *field, *shown, *from, *group, *order;
} Facet;

#define MOST_FIRST "count(*) DESC, "

static const Facet facets[] = {
    {"tags", "max(t.tag)", "tag t JOIN clip c ON c.number = t.clip", "t.folded",
     MOST_FIRST "t.folded"},
    {"folder", "p.folder",
     "clip c JOIN path p ON p.number = (SELECT min(number) FROM path WHERE clip = c.number)",
     "p.folder", MOST_FIRST "p.folder"},
    {"duration",
     "CASE WHEN c.duration < 1 THEN '<1' WHEN c.duration < 5 THEN '1-5'"
     " WHEN c.duration < 15 THEN '5-15' WHEN c.duration <= 60 THEN '15-60' ELSE '>60' END",
     "clip c", "1", "min(c.duration)"},
};

static const Facet said = {NULL, "max(v.value)",
                           "value v JOIN clip c ON c.number = v.clip AND v.name = ?", "v.folded",
                           MOST_FIRST "v.folded"};

static const Facet *facet_of(const char *field) {
    if (g_ascii_strcasecmp(field, "tag") == 0) field = FIELD_TAGS;
    for (size_t i = 0; i < G_N_ELEMENTS(facets); i++)
        if (g_ascii_strcasecmp(field, facets[i].field) == 0) return &facets[i];
    return &said;
}

static bool visit_facets(Store *store, sqlite3_stmt *row, StoreEachFacet each, void *user,
                         GError **error) {
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        GError *why = NULL;
        if (!each(user, sql_text(row, 0), sqlite3_column_int64(row, 1), &why))
            return stopped(why, error);
    }
    return step == STEP_DONE;
}

bool store_facets(Store *store, const char *field, const StoreWhere *where, int n,
                  StoreEachFacet each, void *user, GError **error) {
    const Facet *facet = facet_of(field);
    g_autofree char *text =
        g_strdup_printf("SELECT %s, count(*) FROM %s WHERE (%s) GROUP BY %s ORDER BY %s LIMIT ?",
                        facet->shown, facet->from, sql_of(where), facet->group, facet->order);
    sqlite3_stmt *row = store_prepare(store, text, where, facet == &said ? 2 : 1, error);
    if (!row) return false;
    if (facet == &said) sqlite3_bind_text(row, 1, field, -1, SQLITE_STATIC);
    bind_last(row, (const int[]){MAX(n, 0)}, 1);
    bool ok = visit_facets(store, row, each, user, error);
    sqlite3_finalize(row);
    return ok;
}
