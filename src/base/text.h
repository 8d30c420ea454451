/* Text for people. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdio.h>

enum { TEXT_WIDTH = 79 };

/* Prints words wrapped between column `indent` and TEXT_WIDTH; the cursor is
 * at `indent` already.  Ends the line. */
void text_wrap(FILE *out, const char *text, int indent);

#endif
