/*
 * certificate.h - certificates made in the test, by libcrypto
 *
 * The keys are Ed25519 from a fixed seed unless the test gives another, so the
 * bytes of a certificate, and its thumbprint, are the same each time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_EXPR_CERTIFICATE_H
#define TESTS_UNIT_EXPR_CERTIFICATE_H

#include "base/arena.h"
#include "base/strbuf.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

struct cert_name {
	const char *type;
	const char *value;
};

struct cert_extension {
	int nid;
	const char *value;
};

struct cert_spec {
	struct cert_name subject[8]; /* least specific first */
	struct cert_name issuer[8];
	struct cert_extension extensions[8];
	const char *serial; /* hex */
	const char *not_before;
	const char *not_after;
	EVP_PKEY *key; /* NULL: the fixed one; else freed here */
};

static inline X509_NAME *cert_make_name(const struct cert_name *parts)
{
	X509_NAME *name = X509_NAME_new();

	for (; parts->type; parts++)
		assert_true(X509_NAME_add_entry_by_txt(
			name, parts->type, MBSTRING_UTF8,
			(const unsigned char *)parts->value, -1, -1, 0));
	return name;
}

static inline void cert_set_names(X509 *cert, const struct cert_spec *spec)
{
	X509_NAME *subject = cert_make_name(spec->subject);
	X509_NAME *issuer = cert_make_name(spec->issuer);

	assert_true(X509_set_subject_name(cert, subject));
	assert_true(X509_set_issuer_name(cert, issuer));
	X509_NAME_free(subject);
	X509_NAME_free(issuer);
}

static inline void cert_set_serial(X509 *cert, const char *hex)
{
	BIGNUM *number = NULL;

	assert_true(BN_hex2bn(&number, hex));
	assert_non_null(
		BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)));
	BN_free(number);
}

static inline void cert_add_extensions(X509 *cert, const struct cert_spec *spec)
{
	const struct cert_extension *e;

	for (e = spec->extensions; e->nid; e++) {
		X509_EXTENSION *extension =
			X509V3_EXT_conf_nid(NULL, NULL, e->nid, e->value);

		assert_non_null(extension);
		assert_true(X509_add_ext(cert, extension, -1));
		X509_EXTENSION_free(extension);
	}
}

static inline EVP_PKEY *cert_fixed_key(void)
{
	static const unsigned char seed[32] = "a key for tests, known to all!!";

	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
}

/* The certificate's DER, appended to `der`. */
static inline void cert_make(const struct cert_spec *spec, struct strbuf *der)
{
	X509 *cert = X509_new();
	EVP_PKEY *key = spec->key ? spec->key : cert_fixed_key();
	unsigned char *bytes = NULL;
	int len;

	assert_true(X509_set_version(cert, 2));
	cert_set_serial(cert, spec->serial);
	cert_set_names(cert, spec);
	assert_true(ASN1_TIME_set_string_X509(X509_getm_notBefore(cert),
					      spec->not_before));
	assert_true(ASN1_TIME_set_string_X509(X509_getm_notAfter(cert),
					      spec->not_after));
	assert_true(X509_set_pubkey(cert, key));
	cert_add_extensions(cert, spec);
	assert_true(X509_sign(cert, key,
			      EVP_PKEY_get_id(key) == EVP_PKEY_ED25519
				      ? NULL
				      : EVP_sha256()));
	len = i2d_X509(cert, &bytes);
	assert_true(len > 0);
	strbuf_add(der, bytes, (size_t)len);
	OPENSSL_free(bytes);
	EVP_PKEY_free(key);
	X509_free(cert);
}

/* Ann's: what the examples of the functions are about. */
static const struct cert_spec CERT_ANN = {
	.subject = { { "O", "Contoso, Ltd" },
		     { "OU", "Staff" },
		     { "CN", "Ann Smith" } },
	.issuer = { { "C", "IT" },
		    { "O", "Contoso, Ltd" },
		    { "CN", "Contoso CA" } },
	.extensions = { { NID_key_usage, "critical,digitalSignature" },
			{ NID_subject_alt_name,
			  "email:ann@mail.contoso.com,"
			  "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:"
			  "ann@contoso.com,"
			  "DNS:ann.contoso.com,DNS:other.contoso.com,"
			  "URI:https://contoso.com/ann" },
			{ NID_issuer_alt_name, "email:ca@contoso.com" } },
	.serial = "C0FFEE",
	.not_before = "20250102030405Z",
	.not_after = "20351231235959Z",
};

/* Ann's certificate in hex, in the arena. */
static inline const char *cert_ann(struct arena *arena)
{
	struct strbuf der = STRBUF_INIT(8192);
	struct strbuf hex = STRBUF_INIT(16384);
	const char *text;

	cert_make(&CERT_ANN, &der);
	strbuf_add_hex(&hex, strbuf_sv(&der));
	text = arena_cstr(arena, strbuf_sv(&hex));
	strbuf_release(&der);
	strbuf_release(&hex);
	return text;
}

#endif
