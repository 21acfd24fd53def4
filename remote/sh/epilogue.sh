#!/bin/sh
# epilogue.sh MARKER COMMAND...: the end of every command line. It makes the
# environment the same everywhere, with messages in English and the
# administrator's commands in PATH, and becomes the command.
shift
LC_ALL=C
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export LC_ALL PATH
exec "$@"
