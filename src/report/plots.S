/* The plot scripts (listed in plots.h) and the style sheet of report.html
 * travel inside the binary.  Paths are
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

	.global html_css
	.type html_css, @object
html_css:
	.incbin "src/report/html.css"
	.byte 0
	.size html_css, . - html_css

	.section .note.GNU-stack, "", %progbits
