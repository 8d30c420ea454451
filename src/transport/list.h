/* Every transport, in the order of `list` and of the CSV. */
TRANSPORT(transport_tcp)
TRANSPORT(transport_rdma)
TRANSPORT(transport_loop)
