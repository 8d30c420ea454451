/*
 * The results of each scenario as a small table for a terminal: at most 80
 * columns, so at most 6 values of a series, or 2 of each where two are
 * compared (struct report), and under it what could not be measured, with its reason.
 */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stdio.h>

#include "base/err.h"

/* Reads DIR/<scenario>.csv, each that is there, and prints to `out`, whose
 * errors are the caller's to check (ferror). */
int table_print(FILE *out, const char *dir, struct err *err);

#endif
