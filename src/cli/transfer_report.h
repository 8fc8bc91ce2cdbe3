/* What import and copy do alike: progress, faults, and the counts at the end. */
#pragma once
#include "app.h"
#include "transfer.h"

typedef struct {
    App *app;
    Progress *progress;
    TransferListener listener;
} Transfer;

/* `what`: "importing". The listener is bound to `transfer`, which must stay where it is. */
void transfer_begin(Transfer *transfer, App *app, const char *what);

/* Prints the counts, also of what was interrupted, and sets what makes the exit status. */
void transfer_end(Transfer *transfer, const TransferReport *report, bool well);
