# shellcheck shell=bash disable=SC2154
# server.sh - what the scripts that start private servers share; they source it
#
# They set `dir`, the server's folder, whose file `pid` names its process, and
# `ours`, a pattern that only that process's command line matches.
#
# SPDX-License-Identifier: Apache-2.0

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# Sets `pid`; fails when the server does not run. A zombie has no command line.
running() {
	[ -s "$dir/pid" ] && read -r pid <"$dir/pid" &&
		tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" |
		grep -q "$ours"
}

# stop_server SIGNAL: that, and a hard end twenty seconds later.
stop_server() {
	local tries

	running || {
		rm -f "$dir/pid"
		return
	}
	kill "-$1" "$pid"
	kill -CONT "$pid" # a test may have halted it
	for ((tries = 0; tries < 1000; tries++)); do
		running || break
		sleep 0.02
	done
	running && kill -KILL "$pid"
	rm -f "$dir/pid"
}

# ldap_answers ADDRESS[:PORT]
ldap_answers() {
	LDAPNOINIT=1 ldapsearch -x -o nettimeout=2 -H "ldap://$1" \
		-s base -b '' 1.1 >/dev/null 2>&1
}

# make_keys NAME ADDRESS: in dir/tls a CA of our own, and a certificate for
# localhost and that address signed by it.
make_keys() {
	mkdir -p "$dir/tls"
	(
		set -e
		cd "$dir/tls"
		printf 'subjectAltName=DNS:localhost,DNS:%s,IP:%s\n' "$1" "$2" \
			>server.ext
		openssl ecparam -name prime256v1 -genkey -noout -out ca.key
		openssl ecparam -name prime256v1 -genkey -noout -out server.key
		openssl req -x509 -new -key ca.key -days 30 \
			-subj '/CN=conjoin test CA' -out ca.pem
		openssl req -new -key server.key -subj "/CN=$1" -out server.csr
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key \
			-CAcreateserial -days 30 -extfile server.ext \
			-out server.pem
		chmod 600 server.key
	) >"$dir/tls/log" 2>&1
	[ -s "$dir/tls/server.pem" ] || die "openssl failed: see $dir/tls/log"
}
