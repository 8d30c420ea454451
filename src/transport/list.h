/* Every transport_*, by its name, in the order of `list` and of the CSV. */
TRANSPORT(tcp)
TRANSPORT(rdma)
TRANSPORT(loop)
