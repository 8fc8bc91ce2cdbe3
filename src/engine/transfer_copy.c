/* One library into another, clip by clip, through the face that every kind of library has. */
#include "error.h"
#include "sha256.h"
#include "transfer.h"
#include "vec.h"

#include <string.h>

#define BATCH_WINDOWS 8192 /* in one transaction */

typedef struct {
    Backend *from, *to;
    const TransferListener *listener;
    const gint *stop;
    TransferReport *report;
    int dim;
    int64_t in_batch; /* windows of the open transaction */
    int64_t copied;   /* clips of it */
    bool open;
} Copy;

/* The model */

static bool check_models(Backend *from, Backend *to, GError **error) {
    const StoreModel *source = from->ops->model(from), *target = to->ops->model(to);
    if (!target) return to->ops->set_model(to, source, error);
    if (source->dim == target->dim && strcmp(source->model_sha256, target->model_sha256) == 0)
        return true;
    return error_fail(error, ERR_CONFLICT, "%s: was made with the model %s, and %s with %s",
                      to->ops->name(to), target->model, from->ops->name(from), source->model);
}

/* Clips */

/* As store_add_clip takes it: nothing of its numbers, and tags as they were said. */
static Clip *clip_to_add(const Clip *clip, GError **error) {
    g_autoptr(Clip) copy = clip_new(clip->hash);
    copy->duration = clip->duration;
    copy->rate = clip->rate;
    copy->channels = clip->channels;
    copy->added = clip->added;
    copy->windows = clip->windows;
    for (guint i = 0; i < clip->paths->len; i++) {
        const ClipPath *path = clip->paths->pdata[i];
        clip_add_path(copy, path->path, &path->stamp);
    }
    for (guint i = 0; i < clip->fields->len; i++) {
        const Field *field = clip->fields->pdata[i];
        if (!clip_set_field(copy, field->name, field->value, field->source, error)) return NULL;
    }
    return g_steal_pointer(&copy);
}

static bool add_clip(Copy *copy, const Clip *clip, GError **error) {
    g_autoptr(Clip) added = clip_to_add(clip, error);
    g_autofree ClipWindow *spans = NULL;
    g_autofree uint16_t *vectors = NULL, *whole = g_new(uint16_t, copy->dim);
    if (!added || !copy->from->ops->vectors(copy->from, clip, &spans, &vectors, error))
        return false;
    vec_to_half(clip->vector, whole, (size_t)copy->dim);
    return copy->to->ops->add_clip(copy->to, added, spans, vectors, whole, error);
}

static bool end_batch(Copy *copy, bool keep, GError **error) {
    if (!copy->open) return true;
    copy->open = false;
    bool ended = copy->to->ops->end(copy->to, keep, error);
    if (ended && keep) copy->report->added += copy->copied;
    copy->in_batch = copy->copied = 0;
    return ended;
}

/* A clip that a repair took its vectors from has none until its file is indexed again. */
static bool has_vectors(const Clip *clip) {
    return clip->vector && clip->windows > 0;
}

static bool pass_over(Copy *copy, const Clip *clip) {
    g_autofree char *line =
        g_strdup_printf("id:%s: its vectors were lost; index its file again", clip->id);
    copy->report->failed++;
    if (copy->listener && copy->listener->fault) copy->listener->fault(copy->listener->user, line);
    return true;
}

static bool copy_clip(void *user, const Clip *clip, GError **error) {
    Copy *copy = user;
    uint64_t known;
    if (copy->stop && g_atomic_int_get(copy->stop))
        return error_fail(error, ERR_CANCELLED, "interrupted");
    if (copy->listener && copy->listener->done) copy->listener->done(copy->listener->user, 1);
    if (copy->to->ops->has(copy->to, clip->hash, &known)) {
        copy->report->unchanged++;
        return true;
    }
    if (!has_vectors(clip)) return pass_over(copy, clip);
    if (!copy->open && !copy->to->ops->begin(copy->to, error)) return false;
    copy->open = true;
    if (!add_clip(copy, clip, error)) return false;
    copy->copied++;
    copy->in_batch += clip->windows;
    return copy->in_batch < BATCH_WINDOWS || end_batch(copy, true, error);
}

/* What is finished stays, whatever ended it. */
static bool copy_clips(Copy *copy, GError **error) {
    GError *fault = NULL;
    bool done = copy->from->ops->each_clip(copy->from, NULL, true, copy_clip, copy, &fault);
    bool stopped = g_error_matches(fault, EARSHOT_ERROR, ERR_CANCELLED);
    bool ended = end_batch(copy, done || stopped, done ? error : NULL);
    if (fault) g_propagate_error(error, fault);
    return done && ended;
}

/* Verification */

typedef struct {
    Backend *backend, *within; /* clips that `within` lacks do not count; NULL: all count */
    const gint *stop;
    int dim;
    int64_t clips;
    uint64_t sum; /* over clips in any order, modulo 2^64 */
} Sum;

static uint64_t sum_of_clip(const Clip *clip, const ClipWindow *spans, const uint16_t *vectors,
                            int dim) {
    g_autoptr(Sha256) sha = sha256_new();
    g_autofree uint16_t *whole = g_new(uint16_t, dim);
    uint8_t hash[SHA256_BYTES];
    uint64_t sum;
    vec_to_half(clip->vector, whole, (size_t)dim);
    sha256_add(sha, clip->hash, CLIP_HASH);
    sha256_add(sha, whole, sizeof *whole * (size_t)dim);
    sha256_add(sha, spans, sizeof *spans * (size_t)clip->windows);
    sha256_add(sha, vectors, sizeof *vectors * (size_t)clip->windows * (size_t)dim);
    sha256_end(sha, hash);
    memcpy(&sum, hash, sizeof sum);
    return sum;
}

static bool sum_clip(void *user, const Clip *clip, GError **error) {
    Sum *sum = user;
    uint64_t known;
    g_autofree ClipWindow *spans = NULL;
    g_autofree uint16_t *vectors = NULL;
    if (sum->stop && g_atomic_int_get(sum->stop))
        return error_fail(error, ERR_CANCELLED, "interrupted");
    if (sum->within && !sum->within->ops->has(sum->within, clip->hash, &known)) return true;
    if (!has_vectors(clip)) return true;
    if (!sum->backend->ops->vectors(sum->backend, clip, &spans, &vectors, error)) return false;
    sum->clips++;
    sum->sum += sum_of_clip(clip, spans, vectors, sum->dim);
    return true;
}

static bool verify(Copy *copy, GError **error) {
    Sum from = {.backend = copy->from, .stop = copy->stop, .dim = copy->dim};
    Sum to = {.backend = copy->to, .within = copy->from, .stop = copy->stop, .dim = copy->dim};
    if (!copy->from->ops->each_clip(copy->from, NULL, true, sum_clip, &from, error) ||
        !copy->to->ops->each_clip(copy->to, NULL, true, sum_clip, &to, error))
        return false;
    const char *name = copy->to->ops->name(copy->to);
    if (from.clips != to.clips)
        return error_fail(error, ERR_CONFLICT,
                          "%s: has %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " clips", name,
                          to.clips, from.clips);
    if (from.sum == to.sum) return true;
    return error_fail(error, ERR_CONFLICT,
                      "%s: has the same clips, but not the same vectors of all of them", name);
}

bool copy_run(Library *from, Library *to, const TransferListener *listener, const gint *stop,
              TransferReport *report, GError **error) {
    Copy copy = {.from = library_backend(from),
                 .to = library_backend(to),
                 .listener = listener,
                 .stop = stop,
                 .report = report};
    const StoreModel *model = copy.from->ops->model(copy.from);
    *report = (TransferReport){0};
    if (!model) return true; /* nothing was ever added */
    copy.dim = model->dim;
    if (!check_models(copy.from, copy.to, error) || !copy_clips(&copy, error)) return false;
    return library_settle(to, error) && verify(&copy, error);
}
