#include "run/conditions.h"

void conditions_pack(const struct conditions *c, struct writer *w)
{
	put_u32(w, (uint32_t)c->numa_node);
	put_str(w, c->numa_why);
	put_u32(w, c->idle_held);
	put_str(w, c->idle_why);
}

void conditions_unpack(struct conditions *c, struct reader *r)
{
	c->numa_node = (int)get_u32(r);
	get_str(r, c->numa_why, sizeof(c->numa_why));
	c->idle_held = get_u32(r) != 0;
	get_str(r, c->idle_why, sizeof(c->idle_why));
}
