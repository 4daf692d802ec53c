/*
 * error.h - what went wrong, for the program and for a person
 *
 * One struct, owned by the caller, filled by the callee, passed last.
 * 0 is success and -1 means "err is set"; iterators and look-ups return
 * 1 found, 0 nothing, -1 error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum err_code {
	ERR_NONE = 0,
	ERR_NOTFOUND,    /* what was named does not exist */
	ERR_INVALID,     /* the input is wrong: fix it, then try again */
	ERR_CONFLICT,    /* something else stands in the way */
	ERR_DENIED,      /* no right to do it */
	ERR_UNAVAILABLE, /* a system does not answer; the only one retried */
	ERR_LIMIT,       /* a guard or a limit stopped it */
	ERR_UNSUPPORTED, /* the other side cannot do it */
	ERR_CORRUPT,     /* stored data is damaged */
	ERR_INTERNAL,    /* a mistake of this program */
};

struct error {
	enum err_code code;
	char msg[512]; /* outermost context first; never a secret */
};

#define ERROR_INIT                                                             \
	{                                                                      \
		ERR_NONE, ""                                                   \
	}

/* Sets code and message; always returns -1. `err` may be NULL. */
int error_set(struct error *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_set, with ": " and the text of errno `errnum` behind. */
int error_errno(struct error *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "FMT: " before the message that is there; returns -1. */
int error_context(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void error_clear(struct error *err);

/* "not-found", "invalid" ...: the stable name of a code */
const char *err_code_name(enum err_code code);

#endif
