/* Any bytes as vocab.json, a NUL, and merges.txt; or, without a NUL, as tokenizer.json. */
#include "bpe_private.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data, *nul = size ? memchr(text, 0, size) : NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Bpe) bpe = NULL;
    if (nul)
        bpe = bpe_from_vocab(&(BpeFile){"vocab.json", text, nul - text},
                             &(BpeFile){"merges.txt", nul + 1, text + size - nul - 1}, &error);
    else
        bpe = bpe_from_tokenizer(&(BpeFile){"tokenizer.json", text, size}, &error);
    if (!bpe) {
        g_assert_nonnull(error);
        g_assert_null(strchr(error->message, '\n'));
        return 0;
    }
    int count;
    g_autofree int32_t *ids = bpe_encode(bpe, "<s> abcabc <mask>ab  ", -1, 0, &count, NULL, NULL);
    for (int i = 0; i < count; i++) g_assert_nonnull(bpe_token(bpe, ids[i]));
    return 0;
}
