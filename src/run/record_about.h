/* What the columns mean that belong to no option, metric or counter: for the
 * manual. */
#ifndef RUN_RECORD_ABOUT_H
#define RUN_RECORD_ABOUT_H

struct record_about {
	const char *column, *help;
};

/* <scenario>.csv (and those of <scenario>.points.csv that it shares), in the
 * order of the file; then what points.csv alone has.  To a NULL column. */
extern const struct record_about record_about_row[];
extern const struct record_about record_about_points[];

#endif
