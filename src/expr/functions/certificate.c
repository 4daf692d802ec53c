/*
 * certificate.c - what stands in an X.509 certificate
 *
 * Takes the bytes of a certificate (DER), or their Base64 text with or without
 * the lines BEGIN and END CERTIFICATE. What is no certificate, also no value,
 * is an object error; IsCert asks before. Signatures are not verified: this
 * reads certificates, it does not trust them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr_private.h"

#include "base/clock.h"
#include "base/text.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <limits.h>

#define CERT_MAX     ((size_t)1 << 20)
#define CERT_OID_MAX 256
#define UPN_OID      "1.3.6.1.4.1.311.20.2.3"

/* ---- reading ---- */

/* All of `der` as a certificate, or NULL. */
static X509 *parse_der(struct sv der)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	const unsigned char *end = at + der.len;
	X509 *cert;

	if (!der.len || der.len > CERT_MAX)
		return NULL;
	cert = d2i_X509(NULL, &at, (long)der.len);
	if (cert && at != end) {
		X509_free(cert);
		cert = NULL;
	}
	ERR_clear_error();
	return cert;
}

/* What stands between the lines of a PEM file; other text as it is. */
static struct sv without_lines(struct sv text)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	static const char end[] = "-----END CERTIFICATE-----";

	text = sv_trim(text);
	if (!sv_starts(text, sv_from(begin)) || !sv_ends(text, sv_from(end)) ||
	    text.len < sizeof(begin) + sizeof(end) - 2)
		return text;
	return sv_sub(text, sizeof(begin) - 1, text.len - (sizeof(end) - 1));
}

static X509 *parse_base64(struct sv text)
{
	struct strbuf der = STRBUF_INIT(CERT_MAX);
	X509 *cert = NULL;

	if (strbuf_add_unbase64(&der, without_lines(text)) && !der.overflow)
		cert = parse_der(strbuf_sv(&der));
	strbuf_release(&der);
	return cert;
}

/* To be freed with X509_free; NULL: it is not a certificate. */
static X509 *cert_of(const struct value *v)
{
	X509 *cert = NULL;

	if (v->type == VALUE_BINARY)
		cert = parse_der(v->text);
	if (!cert && (v->type == VALUE_BINARY || v->type == VALUE_STRING))
		cert = parse_base64(v->text);
	return cert;
}

/* The certificate that the call that runs is about; NULL: *e has the error. */
static X509 *cert_open(struct eval *e, const struct datum *args)
{
	X509 *cert = NULL;

	if (arg_null(args, 0)) {
		(void)call_fail(e, "there is no certificate; ask IsCert(...) "
				   "before");
		return NULL;
	}
	cert = cert_of(&args[0].one);
	if (!cert)
		(void)call_fail(e,
				"these %zu bytes are not an X.509 certificate; "
				"ask IsCert(...) before",
				args[0].one.text.len);
	return cert;
}

/* ---- results ---- */

static int give_hex(struct eval *e, const unsigned char *bytes, size_t len,
		    struct datum *out)
{
	static const char digits[] = "0123456789ABCDEF";
	char *text = arena_alloc(e->arena, len * 2 + 1);
	size_t i;

	for (i = 0; i < len; i++) {
		text[i * 2] = digits[bytes[i] >> 4];
		text[i * 2 + 1] = digits[bytes[i] & 15];
	}
	return datum_text(out, sv_make(text, len * 2));
}

static struct sv oid_text(struct eval *e, const ASN1_OBJECT *object)
{
	char text[CERT_OID_MAX];
	int len = OBJ_obj2txt(text, sizeof(text), object, 1);

	if (len <= 0 || (size_t)len >= sizeof(text))
		return SV_NULL;
	return arena_dup(e->arena, sv_make(text, (size_t)len));
}

static int give_oid(struct eval *e, const ASN1_OBJECT *object,
		    struct datum *out)
{
	struct sv text = object ? oid_text(e, object) : SV_NULL;

	return text.len ? datum_text(out, text) : datum_null(out);
}

/* Copies what libcrypto allocated, and frees it; not text: NULL. */
static struct sv take(struct eval *e, unsigned char *bytes, int len)
{
	struct sv text = SV_NULL;

	if (len > 0 && text_is_utf8(sv_make((char *)bytes, (size_t)len)))
		text = arena_dup(e->arena, sv_make((char *)bytes, (size_t)len));
	OPENSSL_free(bytes);
	return text;
}

static struct sv string_text(struct eval *e, const ASN1_STRING *string)
{
	unsigned char *bytes = NULL;
	int len = string ? ASN1_STRING_to_UTF8(&bytes, string) : 0;

	return take(e, bytes, len);
}

/* ---- names ---- */

/* The most specific component first, as RFC 4514 but a blank after commas. */
static int give_name(struct eval *e, const X509_NAME *name, struct datum *out)
{
	unsigned long flags =
		(ASN1_STRFLGS_RFC2253 | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_DN_REV |
		 XN_FLAG_FN_SN | XN_FLAG_DUMP_UNKNOWN_FIELDS) &
		~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;
	struct sv copy = SV_NULL;

	if (bio && X509_NAME_print_ex(bio, name, 0, flags) >= 0)
		len = BIO_get_mem_data(bio, &text);
	if (len > 0 && text_is_utf8(sv_make(text, (size_t)len)))
		copy = arena_dup(e->arena, sv_make(text, (size_t)len));
	(void)BIO_free(bio);
	ERR_clear_error();
	return copy.ptr ? datum_text(out, copy) : datum_text(out, SV_LIT(""));
}

/* The type of the most specific component. */
static int give_name_oid(struct eval *e, const X509_NAME *name,
			 struct datum *out)
{
	int count = X509_NAME_entry_count(name);

	if (!count)
		return datum_null(out);
	return give_oid(e,
			X509_NAME_ENTRY_get_object(
				X509_NAME_get_entry(name, count - 1)),
			out);
}

/* The most specific component of a type, or nothing. */
static struct sv component(struct eval *e, const X509_NAME *name, int nid)
{
	int i = X509_NAME_entry_count(name);

	while (i-- > 0) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);

		if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == nid)
			return string_text(e, X509_NAME_ENTRY_get_data(entry));
	}
	return SV_NULL;
}

static struct sv upn_of(struct eval *e, const OTHERNAME *other)
{
	struct sv oid = oid_text(e, other->type_id);

	if (!sv_eq_str(oid, UPN_OID) || !other->value ||
	    other->value->type != V_ASN1_UTF8STRING)
		return SV_NULL;
	return string_text(e, other->value->value.utf8string);
}

static struct sv general_text(struct eval *e, const GENERAL_NAME *name,
			      int type)
{
	if (name->type != type)
		return SV_NULL;
	if (type == GEN_OTHERNAME)
		return upn_of(e, name->d.otherName);
	return string_text(e, name->d.ia5);
}

/* The first alternative name of a type, or nothing. */
static struct sv alternative(struct eval *e, const X509 *cert, bool issuer,
			     int type)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(
		cert, issuer ? NID_issuer_alt_name : NID_subject_alt_name, NULL,
		NULL);
	struct sv text = SV_NULL;
	int i;

	for (i = 0; names && !text.len && i < sk_GENERAL_NAME_num(names); i++)
		text = general_text(e, sk_GENERAL_NAME_value(names, i), type);
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return text;
}

static struct sv simple_name(struct eval *e, const X509 *cert,
			     const X509_NAME *name, bool issuer)
{
	static const int nids[] = { NID_commonName, NID_organizationalUnitName,
				    NID_organizationName,
				    NID_pkcs9_emailAddress };
	struct sv text = SV_NULL;
	size_t i;

	for (i = 0; !text.len && i < sizeof(nids) / sizeof(*nids); i++)
		text = component(e, name, nids[i]);
	return text.len ? text : alternative(e, cert, issuer, GEN_EMAIL);
}

/* The kinds of names, for the text of the argument. */
static const char *const NAME_TYPES[] = {
	"SimpleName",
	"EmailName",
	"UpnName",
	"DnsName",
	"DnsFromAlternativeName",
	"UrlName",
};

bool cert_name_valid(struct sv text)
{
	size_t i;

	for (i = 0; i < sizeof(NAME_TYPES) / sizeof(*NAME_TYPES); i++)
		if (sv_ieq_str(text, NAME_TYPES[i]))
			return true;
	return false;
}

static struct sv name_of_type(struct eval *e, const X509 *cert, struct sv type,
			      bool issuer)
{
	const X509_NAME *name = issuer ? X509_get_issuer_name(cert)
				       : X509_get_subject_name(cert);
	struct sv text;

	if (sv_ieq_str(type, "SimpleName"))
		return simple_name(e, cert, name, issuer);
	if (sv_ieq_str(type, "UpnName"))
		return alternative(e, cert, issuer, GEN_OTHERNAME);
	if (sv_ieq_str(type, "UrlName"))
		return alternative(e, cert, issuer, GEN_URI);
	if (sv_ieq_str(type, "EmailName")) {
		text = alternative(e, cert, issuer, GEN_EMAIL);
		return text.len ? text
				: component(e, name, NID_pkcs9_emailAddress);
	}
	text = alternative(e, cert, issuer, GEN_DNS);
	if (text.len || sv_ieq_str(type, "DnsFromAlternativeName"))
		return text;
	return component(e, name, NID_commonName);
}

/* ---- the functions: open, ask, close ---- */

/* What a function asks of a certificate that is open. */
#define CERT_FUNCTION(name, expression)                                        \
	static int name(struct eval *e, const struct datum *args, size_t argc, \
			struct datum *out)                                     \
	{                                                                      \
		X509 *cert = cert_open(e, args);                               \
		int ret;                                                       \
                                                                               \
		(void)argc;                                                    \
		if (!cert)                                                     \
			return -1;                                             \
		ret = expression;                                              \
		X509_free(cert);                                               \
		return ret;                                                    \
	}

static int give_extensions(struct eval *e, const X509 *cert, struct datum *out)
{
	struct list list = { 0 };
	int i;

	for (i = 0; i < X509_get_ext_count(cert); i++) {
		X509_EXTENSION *extension = X509_get_ext(cert, i);
		struct value oid;

		if (!X509_EXTENSION_get_critical(extension))
			continue;
		oid = value_string(
			oid_text(e, X509_EXTENSION_get_object(extension)));
		if (oid.text.len && list_add(e, &list, &oid) < 0)
			return -1;
	}
	datum_list(out, list.at, list.len);
	return 0;
}

static int give_digest(struct eval *e, const X509 *cert, struct datum *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!X509_digest(cert, EVP_sha1(), digest, &len)) {
		ERR_clear_error();
		return call_fail(e, "this system's libcrypto has no SHA-1");
	}
	return give_hex(e, digest, len, out);
}

static int give_time(struct eval *e, const ASN1_TIME *time, struct datum *out)
{
	struct civil_time civil = { 0 };
	struct tm tm;
	int64_t value;

	if (!ASN1_TIME_to_tm(time, &tm)) {
		ERR_clear_error();
		return call_fail(e, "the certificate's date cannot be read");
	}
	civil.year = (int64_t)tm.tm_year + 1900;
	civil.month = tm.tm_mon + 1;
	civil.day = tm.tm_mday;
	civil.hour = tm.tm_hour;
	civil.minute = tm.tm_min;
	civil.second = tm.tm_sec;
	if (!clock_from_civil(&civil, &value))
		return call_fail(e, "the certificate's date cannot be read");
	return datum_set(out, value_datetime(value));
}

/* Algorithm of the public key: its OID, and its parameters as they stand. */
static const X509_ALGOR *key_algorithm(const X509 *cert)
{
	X509_ALGOR *algorithm = NULL;

	(void)X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm,
				     X509_get_X509_PUBKEY(cert));
	return algorithm;
}

static int give_key_oid(struct eval *e, const X509 *cert, struct datum *out)
{
	const ASN1_OBJECT *oid = NULL;

	X509_ALGOR_get0(&oid, NULL, NULL, key_algorithm(cert));
	return give_oid(e, oid, out);
}

/* The curve of a key on a named curve, else as the key's own OID. */
static int give_parameters_oid(struct eval *e, const X509 *cert,
			       struct datum *out)
{
	const ASN1_OBJECT *oid = NULL;
	const void *value = NULL;
	int type = V_ASN1_UNDEF;

	X509_ALGOR_get0(&oid, &type, &value, key_algorithm(cert));
	if (type == V_ASN1_OBJECT)
		oid = value;
	return give_oid(e, oid, out);
}

static int give_key_parameters(struct eval *e, const X509 *cert,
			       struct datum *out)
{
	const X509_ALGOR *algorithm = key_algorithm(cert);
	unsigned char *der = NULL;
	int len = 0;
	int ret;

	if (algorithm && algorithm->parameter)
		len = i2d_ASN1_TYPE(algorithm->parameter, &der);
	if (len <= 0)
		return datum_null(out);
	ret = give_hex(e, der, (size_t)len, out);
	OPENSSL_free(der);
	return ret;
}

static int give_signature_oid(struct eval *e, const X509 *cert,
			      struct datum *out)
{
	const X509_ALGOR *algorithm = NULL;
	const ASN1_OBJECT *oid = NULL;

	X509_get0_signature(NULL, &algorithm, cert);
	X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
	return give_oid(e, oid, out);
}

/* The bytes of the number as they stand in the certificate. */
static int give_serial(struct eval *e, const X509 *cert, struct datum *out)
{
	unsigned char *der = NULL;
	int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &der);
	int head = len > 1 && der[1] & 0x80 ? 2 + (der[1] & 0x7f) : 2;
	int ret;

	if (len <= head)
		ret = datum_null(out);
	else
		ret = give_hex(e, der + head, (size_t)(len - head), out);
	OPENSSL_free(der);
	return ret;
}

static int give_version(struct eval *e, const X509 *cert, struct datum *out)
{
	return datum_text(out,
			  sv_from(arena_printf(e->arena, "%ld",
					       X509_get_version(cert) + 1)));
}

static int give_one_name(struct eval *e, const X509 *cert,
			 const struct datum *args, struct datum *out)
{
	struct sv text = name_of_type(e, cert, arg_text(args, 1),
				      arg_number(args, 2) != 0);

	return text.len ? datum_text(out, text) : datum_null(out);
}

CERT_FUNCTION(fn_extensions, give_extensions(e, cert, out))
CERT_FUNCTION(fn_format, datum_text(out, SV_LIT("X509")))
CERT_FUNCTION(fn_friendly_name, datum_text(out, SV_LIT("")))
CERT_FUNCTION(fn_digest, give_digest(e, cert, out))
CERT_FUNCTION(fn_issuer, give_name(e, X509_get_issuer_name(cert), out))
CERT_FUNCTION(fn_issuer_oid, give_name_oid(e, X509_get_issuer_name(cert), out))
CERT_FUNCTION(fn_key_oid, give_key_oid(e, cert, out))
CERT_FUNCTION(fn_key_parameters, give_key_parameters(e, cert, out))
CERT_FUNCTION(fn_name_info, give_one_name(e, cert, args, out))
CERT_FUNCTION(fn_not_after, give_time(e, X509_get0_notAfter(cert), out))
CERT_FUNCTION(fn_not_before, give_time(e, X509_get0_notBefore(cert), out))
CERT_FUNCTION(fn_parameters_oid, give_parameters_oid(e, cert, out))
CERT_FUNCTION(fn_serial, give_serial(e, cert, out))
CERT_FUNCTION(fn_signature_oid, give_signature_oid(e, cert, out))
CERT_FUNCTION(fn_subject, give_name(e, X509_get_subject_name(cert), out))
CERT_FUNCTION(fn_subject_oid,
	      give_name_oid(e, X509_get_subject_name(cert), out))
CERT_FUNCTION(fn_version, give_version(e, cert, out))

static int fn_is_cert(struct eval *e, const struct datum *args, size_t argc,
		      struct datum *out)
{
	size_t i;

	(void)e;
	(void)argc;
	for (i = 0; i < args[0].len; i++) {
		X509 *cert = cert_of(datum_at(&args[0], i));

		X509_free(cert);
		if (!cert)
			return datum_boolean(out, false);
	}
	return datum_boolean(out, args[0].len > 0);
}

#define CERT                                                                   \
	{                                                                      \
		"certificate", KIND_STR_OR_BIN, PARAM_NULL                     \
	}

static const struct function CERTIFICATE[] = {
	{ .name = "IsCert",
	  .result = KIND_BOOL,
	  .params = { { "value", KIND_VAR, PARAM_WHOLE | PARAM_NULL } },
	  .call = fn_is_cert,
	  .help = "it is an X.509 certificate; the functions below fail on "
		  "anything else",
	  .example = "IsCert([userCertificate])",
	  .gives = "True" },
	{ .name = "CertExtensionOids",
	  .result = KIND_STR,
	  .flags = FN_LIST,
	  .params = { CERT },
	  .call = fn_extensions,
	  .help = "the OIDs of its critical extensions",
	  .example = "CertExtensionOids([userCertificate])",
	  .gives = "2.5.29.15" },
	{ .name = "CertFormat",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_format,
	  .help = "the word X509",
	  .example = "CertFormat([userCertificate])",
	  .gives = "X509" },
	{ .name = "CertFriendlyName",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_friendly_name,
	  .help = "the empty text: a certificate of a directory carries no "
		  "name of a Windows certificate store",
	  .example = "Len(CertFriendlyName([userCertificate]))",
	  .gives = "0" },
	{ .name = "CertHashString",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_digest,
	  .help = "the SHA-1 of the certificate in hex, as CertThumbprint",
	  .example = "CertHashString([userCertificate])",
	  .gives = "C4BDB8A151E7CE1A2F1DE0D409C3106EBB1273A9" },
	{ .name = "CertIssuer",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_issuer,
	  .help = "the DN of its issuer, as CertIssuerDN",
	  .example = "CertIssuer([userCertificate])",
	  .gives = "CN=Contoso CA, O=Contoso\\, Ltd, C=IT" },
	{ .name = "CertIssuerDN",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_issuer,
	  .help = "the DN of its issuer: most specific component first, "
		  "special characters escaped as in any DN",
	  .example = "CertIssuerDN([userCertificate])",
	  .gives = "CN=Contoso CA, O=Contoso\\, Ltd, C=IT" },
	{ .name = "CertIssuerOid",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_issuer_oid,
	  .help = "the OID of the type of the first component of its issuer's "
		  "DN",
	  .example = "CertIssuerOid([userCertificate])",
	  .gives = "2.5.4.3" },
	{ .name = "CertKeyAlgorithm",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_key_oid,
	  .help = "the OID of the algorithm of its public key",
	  .example = "CertKeyAlgorithm([userCertificate])",
	  .gives = "1.3.101.112" },
	{ .name = "CertKeyAlgorithmParams",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_key_parameters,
	  .help = "the parameters of that algorithm, DER in hex; NULL when "
		  "there are none",
	  .example = "IsNull(CertKeyAlgorithmParams([userCertificate]))",
	  .gives = "True" },
	{ .name = "CertNameInfo",
	  .result = KIND_STR,
	  .params = { CERT,
		      { "type", KIND_CERT_NAME, 0 },
		      { "issuer", KIND_BOOL, 0 } },
	  .call = fn_name_info,
	  .help = "one name of its subject, or of its issuer; NULL when it has "
		  "none of that type",
	  .example = "CertNameInfo([userCertificate], \"UpnName\", False)",
	  .gives = "ann@contoso.com" },
	{ .name = "CertNotAfter",
	  .result = KIND_DATE,
	  .params = { CERT },
	  .call = fn_not_after,
	  .help = "when its validity ends",
	  .example = "CertNotAfter([userCertificate])",
	  .gives = "2035-12-31T23:59:59Z" },
	{ .name = "CertNotBefore",
	  .result = KIND_DATE,
	  .params = { CERT },
	  .call = fn_not_before,
	  .help = "when its validity begins",
	  .example = "CertNotBefore([userCertificate])",
	  .gives = "2025-01-02T03:04:05Z" },
	{ .name = "CertPublicKeyOid",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_key_oid,
	  .help = "the OID of its public key, as CertKeyAlgorithm",
	  .example = "CertPublicKeyOid([userCertificate])",
	  .gives = "1.3.101.112" },
	{ .name = "CertPublicKeyParametersOid",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_parameters_oid,
	  .help = "the OID of the curve of its public key; without a named "
		  "curve the OID of the key",
	  .example = "CertPublicKeyParametersOid([userCertificate])",
	  .gives = "1.3.101.112" },
	{ .name = "CertSerialNumber",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_serial,
	  .help = "its serial number in hex",
	  .example = "CertSerialNumber([userCertificate])",
	  .gives = "00C0FFEE" },
	{ .name = "CertSignatureAlgorithmOid",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_signature_oid,
	  .help = "the OID of the algorithm of its signature",
	  .example = "CertSignatureAlgorithmOid([userCertificate])",
	  .gives = "1.3.101.112" },
	{ .name = "CertSubject",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_subject,
	  .help = "the DN of its subject, as CertSubjectNameDN",
	  .example = "CertSubject([userCertificate])",
	  .gives = "CN=Ann Smith, OU=Staff, O=Contoso\\, Ltd" },
	{ .name = "CertSubjectNameDN",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_subject,
	  .help = "the DN of its subject, written as CertIssuerDN",
	  .example = "CertSubjectNameDN([userCertificate])",
	  .gives = "CN=Ann Smith, OU=Staff, O=Contoso\\, Ltd" },
	{ .name = "CertSubjectNameOid",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_subject_oid,
	  .help = "the OID of the type of the first component of its subject's "
		  "DN",
	  .example = "CertSubjectNameOid([userCertificate])",
	  .gives = "2.5.4.3" },
	{ .name = "CertThumbprint",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_digest,
	  .help = "the SHA-1 of the certificate in hex",
	  .example = "CertThumbprint([userCertificate])",
	  .gives = "C4BDB8A151E7CE1A2F1DE0D409C3106EBB1273A9" },
	{ .name = "CertVersion",
	  .result = KIND_STR,
	  .params = { CERT },
	  .call = fn_version,
	  .help = "its version",
	  .example = "CertVersion([userCertificate])",
	  .gives = "3" },
};

FAMILY(certificate_family, "Certificates", CERTIFICATE);
