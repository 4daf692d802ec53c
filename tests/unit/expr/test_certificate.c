/*
 * test_certificate.c - what the functions read from certificates of all kinds
 *
 * The examples of the functions' table are checked by test_functions.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "certificate.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

static struct strbuf der = STRBUF_INIT((size_t)1 << 16);

static void has_bytes(const char *name, struct sv bytes)
{
	struct strbuf hex = STRBUF_INIT((size_t)1 << 17);

	strbuf_add_hex(&hex, bytes);
	has(name, VALUE_BINARY, strbuf_cstr(&hex));
	strbuf_release(&hex);
}

static void has_cert(const struct cert_spec *spec)
{
	strbuf_reset(&der);
	cert_make(spec, &der);
	has_bytes("cert", strbuf_sv(&der));
}

static void has_ann(void)
{
	has_cert(&CERT_ANN);
}

static void ecc_key(void **state)
{
	struct cert_spec spec = CERT_ANN;

	(void)state;
	spec.key = EVP_EC_gen("P-256");
	has_cert(&spec);
	gives("CertKeyAlgorithm([cert])", "1.2.840.10045.2.1");
	gives("CertPublicKeyOid([cert])", "1.2.840.10045.2.1");
	gives("CertKeyAlgorithmParams([cert])", "06082A8648CE3D030107");
	gives("CertPublicKeyParametersOid([cert])", "1.2.840.10045.3.1.7");
	gives("CertSignatureAlgorithmOid([cert])", "1.2.840.10045.4.3.2");
}

static void rsa_key(void **state)
{
	struct cert_spec spec = CERT_ANN;

	(void)state;
	spec.key = EVP_RSA_gen(2048);
	has_cert(&spec);
	gives("CertKeyAlgorithm([cert])", "1.2.840.113549.1.1.1");
	gives("CertKeyAlgorithmParams([cert])", "0500");
	gives("CertPublicKeyParametersOid([cert])", "1.2.840.113549.1.1.1");
	gives("CertSignatureAlgorithmOid([cert])", "1.2.840.113549.1.1.11");
}

static void names(void **state)
{
	(void)state;
	has_ann();
	gives("CertNameInfo([cert], \"SimpleName\", False)", "Ann Smith");
	gives("CertNameInfo([cert], \"SimpleName\", True)", "Contoso CA");
	gives("CertNameInfo([cert], \"EmailName\", False)",
	      "ann@mail.contoso.com");
	gives("CertNameInfo([cert], \"EmailName\", True)", "ca@contoso.com");
	gives("CertNameInfo([cert], \"upnname\", False)", "ann@contoso.com");
	gives("CertNameInfo([cert], \"UpnName\", True)", "NULL");
	gives("CertNameInfo([cert], \"DnsName\", False)", "ann.contoso.com");
	gives("CertNameInfo([cert], \"DnsName\", True)", "Contoso CA");
	gives("CertNameInfo([cert], \"DnsFromAlternativeName\", False)",
	      "ann.contoso.com");
	gives("CertNameInfo([cert], \"DnsFromAlternativeName\", True)", "NULL");
	gives("CertNameInfo([cert], \"UrlName\", False)",
	      "https://contoso.com/ann");
	says("CertNameInfo([cert], \"Nickname\", False)", "SimpleName");
	says("CertNameInfo([cert], \"SimpleName\")", "3");
}

/* Without alternative names, what the DN has. */
static void names_of_the_dn(void **state)
{
	struct cert_spec spec = CERT_ANN;
	const struct cert_name mail[] = { { "O", "Contoso" },
					  { "OU", "Upper" },
					  { "OU", "Lower" },
					  { "emailAddress", "ann@x" } };

	(void)state;
	memset(spec.extensions, 0, sizeof(spec.extensions));
	memset(spec.subject, 0, sizeof(spec.subject));
	memcpy(spec.subject, mail, sizeof(mail));
	has_cert(&spec);
	gives("CertNameInfo([cert], \"SimpleName\", False)", "Lower");
	gives("CertNameInfo([cert], \"EmailName\", False)", "ann@x");
	gives("CertNameInfo([cert], \"DnsName\", False)", "NULL");
	gives("CertSubject([cert])",
	      "emailAddress=ann@x, OU=Lower, OU=Upper, O=Contoso");
	gives("CertSubjectNameOid([cert])", "1.2.840.113549.1.9.1");
	gives("CertExtensionOids([cert])", "NULL");
}

static void text_outside_ascii(void **state)
{
	struct cert_spec spec = CERT_ANN;

	(void)state;
	memset(spec.subject, 0, sizeof(spec.subject));
	spec.subject[0].type = "CN";
	spec.subject[0].value = "J\xc3\xb6rg + \xe5\xb1\xb1";
	has_cert(&spec);
	gives("CertSubject([cert])", "CN=J\xc3\xb6rg \\+ \xe5\xb1\xb1");
	gives("CertNameInfo([cert], \"SimpleName\", False)",
	      "J\xc3\xb6rg + \xe5\xb1\xb1");
}

static void nobody(void **state)
{
	struct cert_spec spec = CERT_ANN;

	(void)state;
	memset(spec.subject, 0, sizeof(spec.subject));
	memset(spec.extensions, 0, sizeof(spec.extensions));
	spec.extensions[0] = (struct cert_extension){ NID_subject_alt_name,
						      "critical,email:ann@x" };
	spec.extensions[1] = (struct cert_extension){ NID_basic_constraints,
						      "critical,CA:FALSE" };
	has_cert(&spec);
	gives("IsEmpty(CertSubject([cert]))", "True");
	gives("CertSubjectNameOid([cert])", "NULL");
	gives("CertNameInfo([cert], \"SimpleName\", False)", "ann@x");
	gives("CertExtensionOids([cert])", "2.5.29.17 | 2.5.29.19");
}

static void serial_numbers(void **state)
{
	struct cert_spec spec = CERT_ANN;

	(void)state;
	spec.serial = "0";
	has_cert(&spec);
	gives("CertSerialNumber([cert])", "00");
	forget();
	spec.serial = "7F00000000000000000000000000000000000001";
	has_cert(&spec);
	gives("CertSerialNumber([cert])",
	      "7F00000000000000000000000000000000000001");
}

static void dates(void **state)
{
	struct cert_spec spec = CERT_ANN;

	(void)state;
	spec.not_before = "19500101000000Z";
	spec.not_after = "99991231235959Z";
	has_cert(&spec);
	gives("CertNotBefore([cert])", "1950-01-01T00:00:00Z");
	gives("CertNotAfter([cert])", "9999-12-31T23:59:59Z");
	gives("CertNotAfter([cert]) > Now()", "True");
	gives("FormatDateTime(CertNotBefore([cert]), \"yyyy-MM-dd\")",
	      "1950-01-01");
}

/* The published sample: certificates that are still good. */
static void several(void **state)
{
	struct strbuf hex = STRBUF_INIT((size_t)1 << 16);
	struct cert_spec spec = CERT_ANN;

	(void)state;
	strbuf_reset(&der);
	cert_make(&spec, &der);
	strbuf_add_hex(&hex, strbuf_sv(&der));
	strbuf_addc(&hex, '|');
	spec.serial = "0D";
	spec.not_after = "20260101000000Z";
	strbuf_reset(&der);
	cert_make(&spec, &der);
	strbuf_add_hex(&hex, strbuf_sv(&der));
	has_multi("cert", VALUE_BINARY, strbuf_cstr(&hex));
	gives("Select($c, Where($item, [cert], CertNotAfter($item) > Now()), "
	      "CertSerialNumber($c))",
	      "00C0FFEE");
	gives("CertSerialNumber([cert])", "00C0FFEE | 0D");
	gives("IsCert([cert])", "True");
	strbuf_release(&hex);
}

static void as_base64(void **state)
{
	struct strbuf text = STRBUF_INIT((size_t)1 << 16);
	struct strbuf pem = STRBUF_INIT((size_t)1 << 16);

	(void)state;
	has_ann();
	strbuf_add_base64(&text, strbuf_sv(&der));
	has("text", VALUE_STRING, strbuf_cstr(&text));
	has_bytes("bytes", strbuf_sv(&text));
	strbuf_addf(&pem,
		    "-----BEGIN CERTIFICATE-----\n" SV_FMT
		    "\n-----END CERTIFICATE-----\n",
		    SV_ARG(strbuf_sv(&text)));
	has("pem", VALUE_STRING, strbuf_cstr(&pem));
	gives("CertSerialNumber([text])", "00C0FFEE");
	gives("CertSerialNumber([bytes])", "00C0FFEE");
	gives("CertSerialNumber([pem])", "00C0FFEE");
	gives("CertThumbprint([pem]) = CertHashString([cert])", "True");
	gives("IsCert([pem])", "True");
	strbuf_release(&text);
	strbuf_release(&pem);
}

static void no_certificate(void **state)
{
	(void)state;
	has_ann();
	strbuf_addc(&der, 'x');
	has_bytes("longer", strbuf_sv(&der));
	has_bytes("shorter", sv_sub(strbuf_sv(&der), 0, der.len - 2));
	has("nothing", VALUE_BINARY, NULL);
	has("text", VALUE_STRING, "Ann");
	has("number", VALUE_INTEGER, "3");
	gives("IsCert([longer])", "False");
	gives("IsCert([shorter])", "False");
	gives("IsCert([nothing])", "False");
	gives("IsCert([text])", "False");
	gives("IsCert([number])", "False");
	says("CertSubject([longer])", "are not an X.509 certificate");
	says("CertVersion([shorter])", "ask IsCert(...) before");
	says("CertNotAfter([nothing])", "there is no certificate");
	says("CertNotAfter(NULL)", "there is no certificate");
	says("CertFormat([text])", "these 3 bytes are not");
	says("CertFormat([number])", "must be text or bytes");
	gives("IIF(IsCert([text]), CertVersion([text]), \"none\")", "none");
}

/* Cut anywhere and with any byte changed: an answer or an error, no harm. */
static void damaged(void **state)
{
	struct strbuf out = STRBUF_INIT((size_t)1 << 20);
	struct expr_function fn;
	size_t at;
	size_t i;

	(void)state;
	strbuf_reset(&der);
	cert_make(&CERT_ANN, &der);
	for (at = 0; at < der.len; at += 3) {
		forget();
		der.ptr[at] ^= 0x55;
		has_bytes("userCertificate", strbuf_sv(&der));
		der.ptr[at] ^= 0x55;
		for (i = 0; i < expr_function_count(); i++) {
			expr_function(i, &fn);
			strbuf_reset(&out);
			if (!strcmp(fn.family, "Certificates"))
				evaluate(sv_from(fn.example), false, &out);
		}
	}
	strbuf_release(&out);
}

static int release_der(void **state)
{
	strbuf_release(&der);
	return release_all(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(ecc_key),        CASE(rsa_key),
		CASE(names),          CASE(names_of_the_dn),
		CASE(nobody),         CASE(text_outside_ascii),
		CASE(serial_numbers), CASE(dates),
		CASE(several),        CASE(as_base64),
		CASE(no_certificate), CASE(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, release_der);
}
