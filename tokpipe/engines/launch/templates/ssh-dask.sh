#!/usr/bin/env bash
# Run this on a machine that the others reach by the name below.
# Whoever reaches the scheduler's port can run code there: on a network that is not yours alone,
# add TLS (dask scheduler and worker --tls-ca-file … --tls-cert … --tls-key …, and tls:// below).
set -euo pipefail
here="${TOKPIPE_HOST:-$(hostname)}"
start={{ ("cd " ~ asked.folder|sh ~ (" && source " ~ (asked.environment ~ "/bin/activate")|sh if asked.environment else ""))|sh }}
eval "$start"

dask scheduler --host "$here" --port {{ port }} --no-dashboard &
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
for host in {{ asked.hosts|line }}; do
  ssh -o BatchMode=yes "$host" "$start && exec dask worker tcp://$here:{{ port }} \
    --nworkers {{ asked.processes }} --nthreads 1 --memory-limit {{ asked.mebibytes }}MiB \
    --death-timeout 120 --no-dashboard" &
done

{{ words|line }} \
  --scheduler "$here:{{ port }}" --workers {{ processes }}
