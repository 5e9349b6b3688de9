{% include "slurm-asked.sh" %}
#SBATCH --signal=TERM@120
#SBATCH --output=%x-%j.log

# The run folder lies where all machines see it. Two minutes before the time is over the training
# saves where it stands: submit the same script again, and it goes on to the same weights.
set -euo pipefail
cd "$SLURM_SUBMIT_DIR"
{% if asked.environment %}
source {{ (asked.environment ~ "/bin/activate")|sh }}
{% endif %}

# The MPICH of the extra starts its ranks by Slurm. With an MPI of the cluster's own, for which
# mpi4py was built: srun --mpi=pmix in place of the first line.
mpiexec -launcher slurm -n {{ processes }} -ppn {{ asked.processes }} \
  {{ words|line }}
