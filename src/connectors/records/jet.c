/*
 * jet.c - the pages of an Access file, and the slots of its pages of data
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/jet.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIND_DATA 1

/* A page of data: its kind, the page of its table, slots and where they are. */
#define DATA_TABLE 4
#define DATA_SLOTS 12
#define DATA_FIRST 14
#define SLOT_PLACE 0x1FFF

/* --- the header -------------------------------------------------------- */

#define HEADER_SIGN    4
#define HEADER_VERSION 20
#define HEADER_CODED   24
#define HEADER_CODED_N 128
#define HEADER_KEY     62

/* The bytes of a header behind its version are XORed with RC4 of one key that
 * all files have. */
static void uncode(unsigned char *bytes, size_t n)
{
	static const unsigned char key[] = { 0xC7, 0xDA, 0x39, 0x6B };
	unsigned char box[256];
	unsigned char swap;
	unsigned i;
	unsigned j = 0;
	size_t at;

	for (i = 0; i < sizeof(box); i++)
		box[i] = (unsigned char)i;
	for (i = 0; i < sizeof(box); i++) {
		j = (j + box[i] + key[i % sizeof(key)]) % sizeof(box);
		swap = box[i];
		box[i] = box[j];
		box[j] = swap;
	}
	i = j = 0;
	for (at = 0; at < n; at++) {
		i = (i + 1) % sizeof(box);
		j = (j + box[i]) % sizeof(box);
		swap = box[i];
		box[i] = box[j];
		box[j] = swap;
		bytes[at] ^= box[(box[i] + box[j]) % sizeof(box)];
	}
}

static int read_header(struct jet *jet, struct error *err)
{
	static const char jet_sign[] = "Standard Jet DB";
	static const char ace_sign[] = "Standard ACE DB";
	unsigned char coded[HEADER_CODED_N];
	struct sv page;
	bool ace;

	if (!jet->pages || jet_page(jet, 0, &page, err) < 0)
		return error_set(err, ERR_INVALID,
				 "it is no Access file: it is shorter than one "
				 "page");
	ace = !memcmp(page.ptr + HEADER_SIGN, ace_sign, sizeof(ace_sign));
	if (!ace &&
	    memcmp(page.ptr + HEADER_SIGN, jet_sign, sizeof(jet_sign)) != 0)
		return error_set(err, ERR_INVALID,
				 "it is no Access file, or one that is "
				 "encrypted: it begins otherwise");
	if (!ace && page.ptr[HEADER_VERSION] == 0)
		return error_set(err, ERR_UNSUPPORTED,
				 "it is of Access 97 or older: convert it to a "
				 "later format, or read it by the connector "
				 "sql with the driver MDBTools");
	memcpy(coded, page.ptr + HEADER_CODED, sizeof(coded));
	uncode(coded, sizeof(coded));
	if (coded[HEADER_KEY - HEADER_CODED] |
	    coded[HEADER_KEY - HEADER_CODED + 1] |
	    coded[HEADER_KEY - HEADER_CODED + 2] |
	    coded[HEADER_KEY - HEADER_CODED + 3])
		return error_set(err, ERR_UNSUPPORTED,
				 "it is encrypted: save a copy without a "
				 "password for conjoin to read");
	return 0;
}

/* --- pages ------------------------------------------------------------- */

int jet_open(struct jet *jet, int fd, struct sv memory, struct error *err)
{
	struct stat st;
	uint64_t size = memory.len;

	*jet = (struct jet){ .fd = fd, .memory = memory };
	if (fd >= 0) {
		if (fstat(fd, &st) < 0)
			return error_errno(err, errno, "cannot ask its size");
		size = (uint64_t)st.st_size;
	}
	if (size / JET_PAGE >= 1U << 24)
		return error_set(err, ERR_LIMIT,
				 "it is larger than an Access file can be");
	jet->pages = (uint32_t)(size / JET_PAGE);
	return read_header(jet, err);
}

void jet_close(struct jet *jet)
{
	size_t i;

	for (i = 0; i < JET_CACHE; i++)
		mem_free(jet->cache[i].bytes);
	memset(jet, 0, sizeof(*jet));
}

static int read_page(struct jet *jet, uint32_t page, char *to,
		     struct error *err)
{
	size_t have = 0;

	while (have < JET_PAGE) {
		ssize_t got = pread(jet->fd, to + have, JET_PAGE - have,
				    (off_t)page * JET_PAGE + (off_t)have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, errno, "cannot read page %u",
					   page);
		if (got == 0)
			return error_set(err, ERR_CORRUPT,
					 "it became shorter while it was read");
		have += (size_t)got;
	}
	return 0;
}

int jet_page(struct jet *jet, uint32_t page, struct sv *out, struct error *err)
{
	size_t at = page % JET_CACHE;

	*out = SV_NULL;
	if (page >= jet->pages || (jet->fd < 0 && !jet->memory.ptr)) {
		(void)error_set(err, ERR_CORRUPT,
				"page %u is behind its end: it was cut off, or "
				"is damaged; copy it anew",
				page);
		return -1;
	}
	if (jet->fd < 0) {
		*out = sv_sub(jet->memory, (size_t)page * JET_PAGE,
			      ((size_t)page + 1) * JET_PAGE);
		return 0;
	}
	if (!jet->cache[at].bytes)
		jet->cache[at].bytes = mem_alloc(JET_PAGE);
	if (!page || jet->cache[at].page != page) {
		jet->cache[at].page = 0;
		if (read_page(jet, page, jet->cache[at].bytes, err) < 0)
			return -1;
		jet->cache[at].page = page;
	}
	*out = sv_make(jet->cache[at].bytes, JET_PAGE);
	return 0;
}

/* --- slots ------------------------------------------------------------- */

bool jet_is_of(struct sv page, uint32_t table)
{
	return page.ptr[0] == KIND_DATA && jet_u32(page, DATA_TABLE) == table;
}

unsigned jet_slots(struct sv page)
{
	unsigned count = jet_u16(page, DATA_SLOTS);
	unsigned most = (JET_PAGE - DATA_FIRST) / 2;

	return count < most ? count : most;
}

/* Slots are filled from the page's end. */
int jet_slot(struct sv page, unsigned slot, struct sv *out, unsigned *flags,
	     struct error *err)
{
	unsigned from;
	unsigned to = JET_PAGE;

	if (page.ptr[0] != KIND_DATA || slot >= jet_slots(page))
		return error_set(err, ERR_CORRUPT,
				 "a row lies where there is none: it is "
				 "damaged; have Access compact and repair it");
	from = jet_u16(page, DATA_FIRST + slot * 2);
	*flags = from & (JET_ROW_ELSEWHERE | JET_ROW_HIDDEN);
	from &= SLOT_PLACE;
	if (slot)
		to = jet_u16(page, DATA_FIRST + slot * 2 - 2) & SLOT_PLACE;
	if (from > to || to > JET_PAGE ||
	    from < DATA_FIRST + jet_slots(page) * 2)
		return error_set(err, ERR_CORRUPT,
				 "a row has no place in its page: it is "
				 "damaged; have Access compact and repair it");
	*out = sv_sub(page, from, to);
	return 0;
}

int jet_follow(struct jet *jet, uint32_t pointer, struct arena *arena,
	       struct sv *out, struct error *err)
{
	struct sv page;
	unsigned flags;

	if (jet_page(jet, pointer >> 8, &page, err) < 0 ||
	    jet_slot(page, pointer & 0xFF, out, &flags, err) < 0)
		return -1;
	*out = arena_dup(arena, *out);
	return 0;
}
