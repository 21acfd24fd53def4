#!/bin/sh
# bird-state.sh
# asks BIRD for all that it says of its sessions, without changing anything.
birdc -r show status && birdc -r show protocols all
