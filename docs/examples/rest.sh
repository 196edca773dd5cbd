#!/bin/sh
# What is new to pull, the slip of the first of it, and what came of that. ILL_URL, ILL_TOKEN and LIBRARY are given.
set -eu
here="$ILL_URL/api/v1/libraries/$LIBRARY"
call() { curl --silent --show-error --fail-with-body --header "Authorization: Bearer $ILL_TOKEN" "$@"; }

number=$(call "$here/requests?side=lending&state=new" | sed -n 's/^{"items":\[{"number":\([0-9]*\),.*/\1/p')

# The key makes it safe to send the same again after a time-out: it is done once, and answered alike.
call --header "Content-Type: application/json" --header "Idempotency-Key: print-$number" --data '{}' \
    "$here/requests/$number/actions/print_slip"
echo
call "$here/requests/$number/history"
echo
