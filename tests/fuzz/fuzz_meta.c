/* Label files: CSV in all its spellings, JSON Lines, and what is looked up in them. */
#include "meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(Meta) meta = meta_parse("/d/labels", (const char *)data, size, NULL);
    if (!meta) return 0;
    meta_add_root(meta, "/r");
    meta_see(meta, "/r/a.wav");
    meta_see(meta, "/r/b/a.wav");
    meta_find(meta, "/r/b/a.wav");
    meta_find(meta, "/d/a.wav");
    if (meta_unused(meta) > meta_rows(meta)) __builtin_trap();
    return 0;
}
