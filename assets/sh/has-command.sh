#!/bin/sh
# has-command.sh COMMAND
# ends with 0 if there is such a command.
command -v "$1"
