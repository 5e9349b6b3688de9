#!/usr/bin/env bash
# The run folder lies where all machines see it; tokpipe is at the same place on all of them, which
# reach this one by the name below.
set -euo pipefail
cd {{ asked.folder|sh }}
{% if asked.environment %}
source {{ (asked.environment ~ "/bin/activate")|sh }}
{% endif %}

mpiexec -launcher ssh -localhost "${TOKPIPE_HOST:-$(hostname)}" \
  -hosts {{ asked.hosts|join(",")|sh }} -n {{ processes }} -ppn {{ asked.processes }} -wdir "$PWD" \
  {{ words|line }}
