/* The parts of `earshot eval` about ranked lists: relevance, and judgments convert. */
#pragma once
#include "app.h"

typedef struct {
    char *queries, *judgments, *mode, *like, **metrics, *run, *run_out, *from, *to;
    gboolean sweep;
} RelevanceOptions;

bool eval_relevance(App *app, const RelevanceOptions *o, GError **error);

/* args: IN, OUT; "-" is stdout. */
bool eval_convert(const RelevanceOptions *o, char **args, GError **error);
