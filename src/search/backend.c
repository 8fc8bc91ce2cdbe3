/* What is the same for every backend. */
#include "backend.h"

void backend_close(Backend *backend) {
    if (backend) backend->ops->close(backend);
}

void candidates_clear(Candidates *candidates) {
    g_clear_pointer(&candidates->vector, g_array_unref);
    g_clear_pointer(&candidates->words, g_array_unref);
}

uint64_t clip_number_of_id(const char id[CLIP_ID + 1]) {
    return g_ascii_strtoull(id, NULL, 16);
}

void clip_id_of_number(uint64_t number, char id[CLIP_ID + 1]) {
    g_snprintf(id, CLIP_ID + 1, "%016" G_GINT64_MODIFIER "x", number);
}
