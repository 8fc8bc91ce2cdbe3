/* Two orders into one: see fuse.h. A document counts in each list by its first place there. */
#include "fuse.h"

typedef double (*Share)(const GArray *list, guint i);

/* (s − min) / (max − min), of which the least becomes FUSE_LEAST_SCORE; 1 where all are equal. */
static double share_of_score(const GArray *list, guint i) {
    const Candidate *all = (const Candidate *)list->data;
    double most = all[0].score, least = all[list->len - 1].score;
    if (most == least) return 1;
    double share = (all[i].score - least) / (most - least);
    return share == 0 ? FUSE_LEAST_SCORE : share;
}

static double share_of_rank(const GArray *list, guint i) {
    return 1.0 / (FUSE_RANK_CONSTANT + i + 1);
}

gint candidate_order(gconstpointer a, gconstpointer b) {
    const Candidate *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_score(gconstpointer a, gconstpointer b) {
    const Fused *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void enter(GArray *all, GHashTable *places, const GArray *list, int part, Share share) {
    for (guint i = 0; list && i < list->len; i++) {
        const Candidate *candidate = &g_array_index(list, Candidate, i);
        gpointer place = g_hash_table_lookup(places, &candidate->id);
        if (!place) {
            Fused fresh = {.id = candidate->id};
            g_array_append_val(all, fresh);
            place = GUINT_TO_POINTER(all->len);
            g_hash_table_insert(places, (gpointer)&candidate->id, place);
        }
        Fused *fused = &g_array_index(all, Fused, GPOINTER_TO_UINT(place) - 1);
        if (fused->rank[part]) continue;
        fused->rank[part] = (int)i + 1;
        fused->part[part] = share(list, i);
    }
}

static GArray *fuse(const GArray *const lists[2], const double weights[2], Share share,
                    double divisor) {
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Fused));
    g_autoptr(GHashTable) places = g_hash_table_new(g_int64_hash, g_int64_equal);
    for (int part = 0; part < 2; part++) enter(all, places, lists[part], part, share);
    for (guint i = 0; i < all->len; i++) {
        Fused *fused = &g_array_index(all, Fused, i);
        double sum = weights[0] * fused->part[0] + weights[1] * fused->part[1];
        fused->score = sum / divisor;
    }
    g_array_sort(all, by_score);
    return all;
}

GArray *fuse_minmax(const GArray *const lists[2], const double weights[2]) {
    return fuse(lists, weights, share_of_score, weights[0] + weights[1]);
}

GArray *fuse_rrf(const GArray *const lists[2], const double weights[2]) {
    return fuse(lists, weights, share_of_rank, 1);
}
