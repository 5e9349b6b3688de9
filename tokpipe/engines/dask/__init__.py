"""Work items on the workers of Dask distributed, with the results of one process."""
