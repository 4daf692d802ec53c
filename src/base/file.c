/*
 * file.c - read whole files, replace them atomically
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(const char *path, struct strbuf *out, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char part[16384];
	ssize_t n;
	int ret = 0;

	if (fd < 0)
		return error_errno(err, errno, "cannot read '%s'", path);
	while ((n = read(fd, part, sizeof(part))) > 0 && !out->overflow)
		strbuf_add(out, part, (size_t)n);
	if (n < 0)
		ret = error_errno(err, errno, "cannot read '%s'", path);
	else if (out->overflow)
		ret = error_set(err, ERR_LIMIT, "'%s' is larger than %zu bytes",
				path, out->max);
	(void)close(fd);
	return ret;
}

bool file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int file_make_dirs(const char *path, struct error *err)
{
	char *copy = mem_strdup(path);
	char *slash = copy;
	int ret = 0;

	for (;;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST) {
			ret = error_errno(err, errno,
					  "cannot make the folder '%s'", copy);
			break;
		}
		if (!slash)
			break;
		*slash = '/';
		if (!slash[1])
			break;
	}
	mem_free(copy);
	return ret;
}

int file_make_parent(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int ret;

	if (!slash || slash == path)
		return 0;
	parent = mem_strdup(path);
	parent[slash - path] = '\0';
	ret = file_make_dirs(parent, err);
	mem_free(parent);
	return ret;
}

static int sync_folder_of(const char *path, struct error *err)
{
	char *folder = mem_strdup(path);
	char *slash = strrchr(folder, '/');
	const char *name = ".";
	int fd;
	int ret = 0;

	if (slash == folder) {
		name = "/";
	} else if (slash) {
		*slash = '\0';
		name = folder;
	}
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		ret = error_errno(err, errno, "cannot sync the folder of '%s'",
				  path);
	if (fd >= 0)
		(void)close(fd);
	mem_free(folder);
	return ret;
}

int file_make_private(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, errno, "cannot open '%s'", path);
	(void)close(fd);
	return 0;
}

int file_sync(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0 || fsync(fd) < 0)
		ret = error_errno(err, errno, "cannot sync '%s'", path);
	if (fd >= 0)
		(void)close(fd);
	return ret < 0 ? -1 : sync_folder_of(path, err);
}

static int copy_bytes(int from, int to, const char *path, struct error *err)
{
	const size_t size = (size_t)1 << 20;
	char *part = mem_alloc(size);
	ssize_t n;
	int ret = 0;

	while (ret == 0 && (n = read(from, part, size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || write(to, part, (size_t)n) != n)
			ret = error_errno(err, n < 0 ? errno : ENOSPC,
					  "cannot copy to '%s'", path);
	}
	mem_free(part);
	return ret;
}

int file_copy(const char *from, const char *to, struct error *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out;
	int ret;

	if (in < 0)
		return error_errno(err, errno, "cannot read '%s'", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0) {
		ret = error_errno(err, errno, "cannot write '%s'", to);
	} else {
		ret = copy_bytes(in, out, to, err);
		if (close(out) < 0 && ret == 0)
			ret = error_errno(err, errno, "cannot write '%s'", to);
		if (ret < 0)
			(void)unlink(to);
	}
	(void)close(in);
	return ret;
}

int file_replace_open(struct file_replace *file, const char *path, mode_t mode,
		      struct error *err)
{
	size_t size = strlen(path) + 32;
	int fd;

	memset(file, 0, sizeof(*file));
	file->path = mem_strdup(path);
	file->temporary = mem_alloc(size);
	(void)snprintf(file->temporary, size, "%s.%ld.tmp", path,
		       (long)getpid());
	fd = open(file->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		  mode);
	if (fd < 0) {
		(void)error_errno(err, errno, "cannot write '%s'",
				  file->temporary);
		file_replace_abort(file);
		return -1;
	}
	file->stream = fdopen(fd, "w");
	if (!file->stream) {
		(void)error_errno(err, errno, "cannot write '%s'", path);
		(void)close(fd);
		file_replace_abort(file);
		return -1;
	}
	return 0;
}

int file_replace_commit(struct file_replace *file, struct error *err)
{
	int ret = 0;

	if (fflush(file->stream) != 0 || fsync(fileno(file->stream)) < 0)
		ret = error_errno(err, errno, "cannot write '%s'", file->path);
	if (fclose(file->stream) != 0 && ret == 0)
		ret = error_errno(err, errno, "cannot write '%s'", file->path);
	file->stream = NULL;
	if (ret == 0 && rename(file->temporary, file->path) < 0)
		ret = error_errno(err, errno, "cannot replace '%s'",
				  file->path);
	if (ret == 0) {
		mem_free(file->temporary);
		file->temporary = NULL;
		ret = sync_folder_of(file->path, err);
	}
	file_replace_abort(file);
	return ret;
}

void file_replace_abort(struct file_replace *file)
{
	if (file->stream)
		(void)fclose(file->stream);
	if (file->temporary)
		(void)unlink(file->temporary);
	mem_free(file->temporary);
	mem_free(file->path);
	memset(file, 0, sizeof(*file));
}
