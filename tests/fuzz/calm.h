/*
 * What every fuzzer has around it: time is virtual, so that a wait costs
 * nothing and a timeout comes at once, and nothing of this host is changed or
 * looked at (the Makefile wraps the calls).
 */
#ifndef FUZZ_CALM_H
#define FUZZ_CALM_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A memory file with this content; calm_path() opens it as a plain file.
 * The descriptor is the caller's to close. */
int calm_file(const void *data, size_t len, char path[32]);

#endif
