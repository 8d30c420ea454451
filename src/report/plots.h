/* The scripts of plot/, embedded: strings that end in NUL (plots.S). */
#ifndef REPORT_PLOTS_H
#define REPORT_PLOTS_H

extern const char plot_style[];
extern const char plot_sendrecv_latency[];
extern const char plot_sendrecv_gain[];

#endif
