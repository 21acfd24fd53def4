#!/bin/sh
# skip-password.sh MARKER COMMAND...: stands between prologue.sh and epilogue.sh
# where the command reads standard input and sudo may have asked for a password.
# It reads up to the marker's line. Before that comes the password's line, if
# sudo has not read it because it needed no password.
while read -r ipf_s && [ "$ipf_s" != "$1" ]; do :; done
