#!/bin/sh
# stat-files.sh FILE...
# prints "MODE OWNER:GROUP SHA256" for each file, or "absent".
for f; do if [ -e "$f" ]; then echo "$(stat -L -c '%a %U:%G' -- "$f") $(sha256sum <"$f" | cut -c1-64)"; else echo absent; fi; done
