#!/bin/sh
# present-files.sh FILE...
# present prints those files that are there: a question that every run asks.
for f; do [ ! -e "$f" ] || echo "$f"; done
