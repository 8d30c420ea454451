/* Text for people. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stdio.h>

enum { TEXT_WIDTH = 79, TEXT_WIDTH_MIN = 59, TEXT_WIDTH_MAX = 99 };

/* Columns that a line may fill: one less than COLUMNS in the environment says,
 * or else than the terminal `out` has; TEXT_WIDTH if neither is known.  From
 * TEXT_WIDTH_MIN, below which nothing is readable, to TEXT_WIDTH_MAX, above
 * which it is not either. */
int text_width(FILE *out);

/* Prints words wrapped between column `indent` and text_width; the cursor is
 * at `indent` already.  A newline in the text ends a line; a word that is too
 * long for any is cut behind a comma, if it has one, or at the edge, if it is
 * no path.  Ends the line. */
void text_wrap(FILE *out, const char *text, int indent);

/* Letters to insert, delete or exchange until one word is the other
 * (Levenshtein's distance); of words longer than TEXT_NEAR_MAX, UINT_MAX. */
enum { TEXT_NEAR_MAX = 31 };
unsigned text_distance(const char *a, const char *b);

/* Is `word` what somebody may have typed who meant `name`?  A letter in three
 * may be wrong, and two of a short word, for two that are exchanged. */
bool text_meant(const char *word, const char *name);

#endif
