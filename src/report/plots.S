/* The plot scripts travel inside the binary; listed in plots.h.  Paths are
 * relative to where make runs. */
#include "report/plots.h"

#define PATH(file) #file
#define EMBED(name)							\
	.global plot_##name;						\
	.type plot_##name, @object;					\
plot_##name:								\
	.incbin PATH(plot/name.gp);					\
	.byte 0;							\
	.size plot_##name, . - plot_##name;

	.section .rodata
PLOTS(EMBED)

	.section .note.GNU-stack, "", %progbits
