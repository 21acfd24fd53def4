#!/bin/sh
# settle-file.sh USER:GROUP FILE
# gives the file its owner and, where SELinux is, the label that the policy has
# for its path: the file was made under another name.
chown "$1" "$2" && { ! command -v restorecon >/dev/null || restorecon "$2"; }
