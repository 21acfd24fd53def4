#!/bin/sh
# bird-state.sh
# prints all that BIRD says of its clock and its sessions. -r changes nothing.
birdc -r show status && birdc -r show protocols all
