/*
 * error.c - fill and extend struct error
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, enum err_code code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -1;
	err->code = code;
	va_start(args, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	return -1;
}

static enum err_code code_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
		return ERR_NOTFOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case EEXIST:
		return ERR_CONFLICT;
	default:
		return ERR_UNAVAILABLE;
	}
}

int error_errno(struct error *err, int errnum, const char *fmt, ...)
{
	va_list args;
	size_t len;

	if (!err)
		return -1;
	err->code = code_of_errno(errnum);
	va_start(args, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	len = strlen(err->msg);
	(void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %s",
		       strerror(errnum));
	return -1;
}

int error_context(struct error *err, const char *fmt, ...)
{
	char old[sizeof(err->msg)];
	va_list args;
	size_t len;

	if (!err)
		return -1;
	memcpy(old, err->msg, sizeof(old));
	va_start(args, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	len = strlen(err->msg);
	(void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", old);
	return -1;
}

void error_clear(struct error *err)
{
	if (!err)
		return;
	err->code = ERR_NONE;
	err->msg[0] = '\0';
}

const char *err_code_name(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return "none";
	case ERR_NOTFOUND:
		return "not-found";
	case ERR_INVALID:
		return "invalid";
	case ERR_CONFLICT:
		return "conflict";
	case ERR_DENIED:
		return "denied";
	case ERR_UNAVAILABLE:
		return "unavailable";
	case ERR_LIMIT:
		return "limit";
	case ERR_UNSUPPORTED:
		return "unsupported";
	case ERR_CORRUPT:
		return "corrupt";
	case ERR_INTERNAL:
		return "internal";
	}
	return "internal";
}
