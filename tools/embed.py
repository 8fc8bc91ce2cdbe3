#!/usr/bin/env python3
"""A file as a C source: embed.py schema.sql schema_sql.c makes `const char schema_sql[]`, ended by a zero byte, and
`const unsigned long schema_sql_size` without it. Run by the build."""
import pathlib
import re
import sys

source, target = map(pathlib.Path, sys.argv[1:])
name = re.sub(r"\W", "_", source.name)
data = source.read_bytes()
rows = "\n".join("    " + " ".join(f"{byte}," for byte in data[at:at + 20]) for at in range(0, len(data), 20))
target.write_text(f"/* {source.name}, made by the build. */\n"
                  f"extern const char {name}[];\nextern const unsigned long {name}_size;\n"
                  f"const char {name}[] = {{\n{rows}\n    0}};\nconst unsigned long {name}_size = {len(data)};\n")
