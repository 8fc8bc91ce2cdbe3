/* Any bytes as text for our small vocabulary; what is cut must be the beginning of the whole. */
#include "bpe.h"

#include <string.h>

static gpointer open_once(gpointer data) {
    const char *source = g_getenv("EARSHOT_SOURCE");
    g_autofree char *dir = g_build_filename(source ? source : ".", "tests", "ref", "vocab", NULL);
    g_autoptr(GError) error = NULL;
    Bpe *bpe = bpe_open(dir, &error);
    if (!bpe) g_error("%s", error->message);
    return bpe;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static GOnce once = G_ONCE_INIT;
    const Bpe *bpe = g_once(&once, open_once, NULL);
    g_autoptr(GError) error = NULL;
    const char *text = size ? (const char *)data : "";
    int count, few;
    bool cut;
    g_autofree int32_t *ids = bpe_encode(bpe, text, size, 0, &count, NULL, &error);
    if (!ids) {
        g_assert_nonnull(error);
        return 0;
    }
    g_autofree int32_t *head = bpe_encode(bpe, text, size, 5, &few, &cut, NULL);
    g_assert_true(cut == (count > 5) && few == MIN(count, 5));
    g_assert_cmpmem(head, (few - 1) * sizeof *ids, ids, (few - 1) * sizeof *ids);
    g_assert_cmpint(head[few - 1], ==, ids[count - 1]);
    return 0;
}
