/* What the files behind clap.h share. */
#pragma once
#include "clap.h"
#include "weights.h"

const Clap *clap_run_model(const ClapRun *run);

/* A model of this configuration whose weights are zero; never run. NULL only on error. */
Clap *clap_blank(const ClapConfig *config, GError **error);
Weights *clap_weights(Clap *clap); /* borrowed */
