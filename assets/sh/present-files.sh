#!/bin/sh
# present-files.sh FILE...
# prints those of the files that are there. It is one question, as every run asks it.
for f; do [ ! -e "$f" ] || echo "$f"; done
