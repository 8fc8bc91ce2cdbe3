/* The hub's answer about a model: any bytes end in an error of one line or in plain file names of
 * bounded sizes. */
#include "error.h"
#include "hub_answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static void check_file(const HubFile *file) {
    require(hub_plain_name(file->name));
    require(file->size <= HUB_MAX_WEIGHTS);
    require(strlen(file->sha256) == 64 || strlen(file->blob) == 40);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(GError) error = NULL;
    g_autoptr(HubAnswer) answer = hub_answer_parse((const char *)data, size, "owner/name", &error);
    require((answer == NULL) == (error != NULL));
    if (error) require(error->domain == EARSHOT_ERROR && !strchr(error->message, '\n'));
    if (!answer) return 0;
    require(strlen(answer->commit) == 40 && answer->files->len <= HUB_MAX_FILES);
    for (guint i = 0; i < answer->files->len; i++) check_file(g_ptr_array_index(answer->files, i));
    return 0;
}
