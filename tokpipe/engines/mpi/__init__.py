"""Training by processes that MPI has started: the same bits as by one."""
