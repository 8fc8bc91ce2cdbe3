/* What the files behind clap.h share. */
#pragma once
#include "clap.h"

const Clap *clap_run_model(const ClapRun *run);
