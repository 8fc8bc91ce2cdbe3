/* Documents about a library as a whole: what it holds, what a run of ingest did, what it could not
 * read. The command line prints them and the server answers with them. */
#pragma once
#include "ingest.h"

#include <jansson.h>

/* {"library","clips","paths","windows","audio_seconds","failed","model","bytes":{"database",
 * "index"},"dim","model_sha256","window_seconds","hop_seconds"}; null for what a library without a
 * model does not have. NULL with an error. */
json_t *library_stats_json(Library *library, GError **error);

/* {"added","changed","moved","copied","unchanged","removed","failed":[{"path","error"}],
 * "failed_before","windows","audio_seconds","seconds"} */
json_t *ingest_report_json(const IngestReport *report);

/* {"path","error"} */
json_t *failure_json(const char *path, const char *why);
