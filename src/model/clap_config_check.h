/* Which values may stand together: what the towers can compute, and what the reference can. */
#pragma once
#include "clap_config.h"

/* Errors name the field, in one of the two files. Every field is within its own range already. */
bool clap_config_check(const ClapConfig *config, const char *model_path, const char *features_path,
                       GError **error);
