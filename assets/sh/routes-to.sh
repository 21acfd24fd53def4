#!/bin/sh
# routes-to.sh ADDRESS...
# prints which way the kernel sends packets to each address.
for a; do ip -o route get "$a"; done
