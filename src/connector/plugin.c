/*
 * plugin.c - a connector from a shared object
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connector/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nobody but root and this account can change it. In a folder like /tmp others
 * cannot take away what is not theirs. */
static bool is_ours(const struct stat *info)
{
	bool shared = S_ISDIR(info->st_mode) && (info->st_mode & S_ISVTX);

	return (info->st_uid == 0 || info->st_uid == geteuid()) &&
	       (!(info->st_mode & (S_IWGRP | S_IWOTH)) || shared);
}

/* The file and all folders above it. */
static int check_owners(const char *path, struct error *err)
{
	char *at = mem_strdup(path);
	struct stat info;
	int ret = 0;
	char *slash;

	for (;;) {
		const char *name = *at ? at : "/";

		if (stat(name, &info) < 0)
			ret = error_errno(err, errno, "cannot look at '%s'",
					  name);
		else if (!is_ours(&info))
			ret = error_set(err, ERR_DENIED,
					"'%s' is not loaded: others may write "
					"'%s'; it must be root's or this "
					"account's alone",
					path, name);
		slash = strrchr(at, '/');
		if (ret < 0 || !slash)
			break;
		*slash = '\0';
	}
	mem_free(at);
	return ret;
}

static const struct connector_ops *take_table(const char *path, void *handle,
					      struct error *err)
{
	const struct connector_ops *ops;
	connector_plugin_fn make;
	void *symbol = dlsym(handle, CONNECTOR_PLUGIN_SYMBOL);

	if (!symbol) {
		(void)error_set(err, ERR_INVALID,
				"'%s' is no connector: it has no function "
				"'" CONNECTOR_PLUGIN_SYMBOL "'",
				path);
		return NULL;
	}
	memcpy(&make, &symbol, sizeof(make));
	ops = make(CONNECTOR_ABI);
	if (!ops || ops->abi != CONNECTOR_ABI) {
		(void)error_set(err, ERR_UNSUPPORTED,
				"'%s' was built for another version of "
				"conjoin's connectors, this is version %u: "
				"build it anew with the header of this one",
				path, (unsigned)CONNECTOR_ABI);
		return NULL;
	}
	if (!ops->name || !*ops->name || !ops->help || !ops->settings ||
	    !ops->open || !ops->close) {
		(void)error_set(err, ERR_INVALID,
				"'%s' is no whole connector: its table lacks "
				"name, help, settings, open or close",
				path);
		return NULL;
	}
	return ops;
}

const struct connector_ops *connector_plugin(const char *path,
					     struct error *err)
{
	char *real = NULL;
	const struct connector_ops *ops = NULL;
	void *handle;

	if (path[0] != '/') {
		(void)error_set(err, ERR_INVALID,
				"'%s' is no absolute path of a plug-in", path);
		return NULL;
	}
	real = realpath(path, NULL);
	if (!real) {
		(void)error_errno(err, errno, "cannot load '%s'", path);
		return NULL;
	}
	if (check_owners(real, err) == 0) {
		/* never closed: its table is used until the program ends */
		handle = dlopen(real, RTLD_NOW | RTLD_LOCAL);
		if (handle)
			ops = take_table(path, handle, err);
		else
			(void)error_set(err, ERR_INVALID, "cannot load %s",
					dlerror());
	}
	free(real);
	return ops;
}
