#!/bin/sh
# has-command.sh COMMAND
# prints where the command is, and ends with 0 if there is such a command.
command -v "$1"
