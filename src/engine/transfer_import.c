/* Reading an export back. Lines go in by batches, each one transaction; when one of a batch is
 * refused, the batch goes in line by line, so that only that one is left out. */
#include "error.h"
#include "transfer.h"
#include "transfer_record.h"

#include <errno.h>
#include <string.h>

#define BATCH_LINES 256
#define BATCH_BYTES (32 << 20)

typedef struct {
    Backend *backend;
    const char *path;
    const TransferListener *listener;
    const gint *stop;
    TransferReport *report;
    GPtrArray *batch; /* of Record * */
    gsize bytes;      /* of the batch */
} Import;

typedef enum { FAILED, ADDED, UPDATED, UNCHANGED } Outcome;

static void tell_fault(Import *import, gint64 line, const char *message) {
    g_autofree char *text =
        g_strdup_printf("%s:%" G_GINT64_FORMAT ": %s", import->path, line, message);
    g_autofree char *shown = error_printable(text);
    import->report->failed++;
    import->listener->fault(import->listener->user, shown);
}

static bool check_model(const Import *import, const Record *record, GError **error) {
    const StoreModel *model = import->backend->ops->model(import->backend);
    if (!model)
        return error_fail(error, ERR_FORMAT, "the library has no model, and the line names none");
    if (record->dim == model->dim &&
        (!record->has_model || strcmp(record->model.model_sha256, model->model_sha256) == 0))
        return true;
    return error_fail(error, ERR_FORMAT, "made with another model (%s) than the library's (%s)",
                      record->has_model ? record->model.model : "unnamed", model->model);
}

static Outcome add(Import *import, const Record *record, GError **error) {
    Backend *backend = import->backend;
    if (!record->has_windows) {
        error_fail(error, ERR_FORMAT, "a new clip without vectors (export --vectors writes them)");
        return FAILED;
    }
    bool added = check_model(import, record, error) &&
                 backend->ops->add_clip(backend, record->clip, record->spans, record->vectors,
                                        record->clip_vector, error);
    return added ? ADDED : FAILED;
}

/* Update */

static const Field *find_field(const Clip *clip, const Field *like) {
    for (guint i = 0; i < clip->fields->len; i++) {
        const Field *field = clip->fields->pdata[i];
        if (field->source == like->source && g_ascii_strcasecmp(field->name, like->name) == 0)
            return field;
    }
    return NULL;
}

static Outcome update_paths(Backend *backend, uint64_t id, const Clip *from, GError **error) {
    Outcome outcome = UNCHANGED;
    for (guint i = 0; i < from->paths->len; i++) {
        const ClipPath *path = from->paths->pdata[i];
        uint64_t holds = 0;
        if (backend->ops->path_state(backend, path->path, &path->stamp, &holds) == PATH_SAME &&
            holds == id)
            continue;
        if (!backend->ops->set_path(backend, id, path->path, &path->stamp, error)) return FAILED;
        outcome = UPDATED;
    }
    return outcome;
}

static Outcome update_fields(Backend *backend, uint64_t id, const Clip *now, const Clip *from,
                             GError **error) {
    g_autofree Field *changed = g_new(Field, from->fields->len + 1);
    int count = 0;
    for (guint i = 0; i < from->fields->len; i++) {
        const Field *field = from->fields->pdata[i], *known = find_field(now, field);
        if (!known || g_strcmp0(known->value, field->value) != 0) changed[count++] = *field;
    }
    if (count == 0) return UNCHANGED;
    return backend->ops->set_fields(backend, id, changed, count, error) ? UPDATED : FAILED;
}

static Outcome update(Import *import, uint64_t id, const Record *record, GError **error) {
    Backend *backend = import->backend;
    g_autoptr(Clip) now = backend->ops->clip(backend, id, false, error);
    Outcome paths = now ? update_paths(backend, id, record->clip, error) : FAILED;
    Outcome fields =
        paths == FAILED ? FAILED : update_fields(backend, id, now, record->clip, error);
    if (fields == FAILED) return FAILED;
    return paths == UPDATED || fields == UPDATED ? UPDATED : UNCHANGED;
}

static Outcome take(Import *import, const Record *record, GError **error) {
    uint64_t id;
    bool there = import->backend->ops->has(import->backend, record->clip->hash, &id);
    return there ? update(import, id, record, error) : add(import, record, error);
}

/* Batches */

/* records[count] in one transaction, and what became of them into `counts`. */
static bool take_some(Import *import, Record *const *records, guint count,
                      int64_t counts[UNCHANGED + 1], GError **error) {
    Backend *backend = import->backend;
    memset(counts, 0, sizeof *counts * (UNCHANGED + 1));
    if (!backend->ops->begin(backend, error)) return false;
    for (guint i = 0; i < count; i++) {
        Outcome outcome = take(import, records[i], error);
        if (outcome == FAILED) {
            backend->ops->end(backend, false, NULL);
            return false;
        }
        counts[outcome]++;
    }
    return backend->ops->end(backend, true, error);
}

static void count_up(Import *import, const int64_t counts[UNCHANGED + 1], guint lines) {
    import->report->added += counts[ADDED];
    import->report->updated += counts[UPDATED];
    import->report->unchanged += counts[UNCHANGED];
    if (import->listener->done) import->listener->done(import->listener->user, lines);
}

/* The disk is full, or the like: every other line would fail the same way. */
static bool ends_all(const GError *error) {
    return g_error_matches(error, EARSHOT_ERROR, ERR_IO) ||
           g_error_matches(error, EARSHOT_ERROR, ERR_DENIED) ||
           g_error_matches(error, EARSHOT_ERROR, ERR_NET);
}

static bool take_one_by_one(Import *import, GError **error) {
    for (guint i = 0; i < import->batch->len; i++) {
        Record *record = import->batch->pdata[i];
        int64_t counts[UNCHANGED + 1];
        GError *fault = NULL;
        bool taken = take_some(import, &record, 1, counts, &fault);
        if (taken)
            count_up(import, counts, 1);
        else if (ends_all(fault)) {
            g_propagate_error(error, fault);
            return false;
        } else
            tell_fault(import, record->line, fault->message);
        g_clear_error(&fault);
    }
    return true;
}

static bool take_batch(Import *import, GError **error) {
    int64_t counts[UNCHANGED + 1];
    guint lines = import->batch->len;
    bool taken = true;
    if (lines == 0) return true;
    if (take_some(import, (Record *const *)import->batch->pdata, lines, counts, NULL))
        count_up(import, counts, lines);
    else
        taken = take_one_by_one(import, error);
    g_ptr_array_set_size(import->batch, 0);
    import->bytes = 0;
    return taken;
}

/* Lines */

typedef enum { LINE, LINE_TOO_LONG, LINE_END } LineKind;

static LineKind read_line(FILE *in, GString *line) {
    LineKind kind = LINE;
    int c;
    g_string_truncate(line, 0);
    while ((c = getc_unlocked(in)) != EOF && c != '\n') {
        if (line->len < IMPORT_MAX_LINE)
            g_string_append_c(line, (char)c);
        else
            kind = LINE_TOO_LONG;
    }
    return c == EOF && line->len == 0 ? LINE_END : kind;
}

/* The first line with vectors gives a library without a model its own; between batches, for what is
 * taken back of one must not be the model. */
static bool bind_model(Import *import, const Record *record, GError **error) {
    Backend *backend = import->backend;
    return !record->has_model || backend->ops->model(backend) ||
           (take_batch(import, error) && backend->ops->set_model(backend, &record->model, error));
}

static bool take_line(Import *import, const GString *line, gint64 number, GError **error) {
    g_autoptr(GError) fault = NULL;
    Record *record = record_parse(line->str, line->len, &fault);
    if (!record) {
        tell_fault(import, number, fault->message);
        return true;
    }
    bool bound = bind_model(import, record, error);
    record->line = number;
    import->bytes += record->bytes;
    g_ptr_array_add(import->batch, record);
    if (import->batch->len < BATCH_LINES && import->bytes < BATCH_BYTES) return bound;
    return bound && take_batch(import, error);
}

static bool is_blank(const GString *line) {
    return strspn(line->str, " \t\r") == line->len;
}

static bool take_lines(Import *import, FILE *in, GError **error) {
    g_autoptr(GString) line = g_string_new(NULL);
    LineKind kind;
    for (gint64 number = 1; (kind = read_line(in, line)) != LINE_END; number++) {
        if (import->stop && g_atomic_int_get(import->stop))
            return take_batch(import, error) && error_fail(error, ERR_CANCELLED, "interrupted");
        if (kind == LINE_TOO_LONG)
            tell_fault(import, number, "a line of more than 256 MB");
        else if (!is_blank(line) && !take_line(import, line, number, error))
            return false;
    }
    if (ferror(in)) return error_fail_errno(error, import->path, errno);
    return take_batch(import, error);
}

static void free_record(void *record) {
    record_free(record);
}

bool import_run(Library *library, const char *path, const TransferListener *listener,
                const gint *stop, TransferReport *report, GError **error) {
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(path, "rb");
    if (!in) return error_fail_errno(error, path, errno);
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func(free_record);
    Import import = {.backend = library_backend(library),
                     .path = is_stdin ? "stdin" : path,
                     .listener = listener,
                     .stop = stop,
                     .report = report,
                     .batch = batch};
    *report = (TransferReport){0};
    bool done = take_lines(&import, in, error);
    if (!is_stdin) fclose(in);
    GError *unsettled = NULL;
    if (!library_settle(library, done ? error : &unsettled)) done = false;
    g_clear_error(&unsettled);
    return done;
}
