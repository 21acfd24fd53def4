#!/bin/sh
# rollback-state.sh FOLDER
# prints "armed" if a change waits for its confirmation, "restoring" if the old
# configuration is being put back, and "rolled-back" with the time if it was and
# nobody has been told. It is one question, as every run asks it.
[ ! -e "$1/armed" ] || echo armed
[ ! -e "$1/restoring" ] || echo restoring
[ ! -e "$1/rolled-back" ] || echo "rolled-back $(date -u -r "$1/rolled-back" +%Y-%m-%dT%H:%M:%SZ)"
