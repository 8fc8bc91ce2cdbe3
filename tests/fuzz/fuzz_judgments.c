/* Judgments in every format, and runs. The first byte chooses. What is read is written in every
 * format. */
#include "judgments.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    if (!g_utf8_validate(text, -1, NULL)) return 0;
    if (data[0] % 6 == 5) {
        g_autoptr(GArray) hits = run_parse("run", text, NULL);
        return 0;
    }
    g_autoptr(Judgments) judgments =
        judgments_parse("judgments", text, strlen(text), (JudgedFormat)(data[0] % 6), NULL);
    if (!judgments) return 0;
    FILE *nowhere = fopen("/dev/null", "w");
    for (int format = JUDGED_TREC; nowhere && format <= JUDGED_JSONL; format++)
        judgments_write(judgments, nowhere, (JudgedFormat)format, NULL);
    if (nowhere) fclose(nowhere);
    return 0;
}
