#!/usr/bin/env bash
#SBATCH --job-name={{ asked.name }}
#SBATCH --nodes={{ asked.nodes }}
#SBATCH --ntasks-per-node={{ asked.processes }}
#SBATCH --cpus-per-task={{ asked.cpus }}
#SBATCH --mem-per-cpu={{ asked.mebibytes // asked.cpus }}M
#SBATCH --time={{ asked.seconds|clock }}
{% if asked.partition %}
#SBATCH --partition={{ asked.partition }}
{% endif %}
{% if asked.account %}
#SBATCH --account={{ asked.account }}
{% endif %}
