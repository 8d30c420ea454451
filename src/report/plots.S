/* The plot scripts travel inside the binary; declared in plots.h.  Paths are
 * relative to where make runs. */
#define PLOT(name, path)						\
	.global name;							\
	.type name, @object;						\
name:	.incbin path;							\
	.byte 0;							\
	.size name, . - name

	.section .rodata
	PLOT(plot_style, "plot/style.gp")
	PLOT(plot_sendrecv_latency, "plot/sendrecv_latency.gp")
	PLOT(plot_sendrecv_gain, "plot/sendrecv_gain.gp")

	.section .note.GNU-stack, "", %progbits
