/* schema.sql as a text, made at build time. */
#pragma once

extern const char schema_sql[];
