{% include "slurm-asked.sh" %}
#SBATCH --output=%x-%j.log

# Inputs and outputs lie where all machines see them: a shared folder, or a store (s3://…).
# Whoever reaches the scheduler's port can run code there: on a network that is not yours alone,
# add TLS (dask scheduler and worker --tls-ca-file … --tls-cert … --tls-key …, and tls:// below).
set -euo pipefail
cd "$SLURM_SUBMIT_DIR"
{% if asked.environment %}
source {{ (asked.environment ~ "/bin/activate")|sh }}
{% endif %}
scheduler="$(hostname):{{ port }}"

dask scheduler --host "$(hostname)" --port {{ port }} --no-dashboard &
srun dask worker "tcp://$scheduler" --nworkers 1 --nthreads 1 \
  --memory-limit {{ asked.mebibytes }}MiB --death-timeout 120 --no-dashboard &
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

{{ words|line }} \
  --scheduler "$scheduler" --workers {{ processes }}
