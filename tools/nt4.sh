#!/bin/bash
# A private domain controller in the style of NT 4 for tests (Samba, classic):
# users and groups in its own database, on one loopback address, since the port
# is fixed. A domain controller of that kind wants a Unix account for each of
# its own: libnss_wrapper gives it files of ours for the system's, and the
# system's are not touched. Needs root for the port.
#
#	tools/nt4.sh start DIR ADDRESS [DOMAIN]
#	tools/nt4.sh env DIR		what `start` printed
#	tools/nt4.sh stop DIR		the data stay; `start DIR` goes on
#
# `start` prints KEY=VALUE lines: NT4_SERVER, NT4_DOMAIN, NT4_USER,
# NT4_PASSWORD, NT4_PID.
#
# SPDX-License-Identifier: Apache-2.0
set -u
# shellcheck source=tools/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

show() {
	echo "NT4_SERVER=$address"
	echo "NT4_DOMAIN=$domain"
	echo "NT4_USER=Administrator"
	echo "NT4_PASSWORD=$password"
	echo "NT4_PID=$(cat "$dir/pid" 2>/dev/null)"
}

# within COMMAND...: with our accounts in the place of the system's.
within() {
	LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD=$dir/unix/passwd \
		NSS_WRAPPER_GROUP=$dir/unix/group "$@"
}

# The Unix accounts behind those of the domain, kept by the server's scripts.
make_unix() {
	mkdir -p "$dir/unix"
	printf '%s\n' 'root:x:0:0::/root:/bin/sh' \
		'nobody:x:65534:65534::/nonexistent:/bin/false' \
		'Administrator:x:20000:20000::/nonexistent:/bin/false' \
		>"$dir/unix/passwd"
	printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' 'users:x:20000:' \
		'admins:x:20001:Administrator' >"$dir/unix/group"
	cat >"$dir/unix/account" <<'SCRIPT'
#!/bin/bash
# account user|nouser|group|nogroup|join|leave|rename NAME [GROUP|NEWNAME]
unset LD_PRELOAD
cd "${0%/*}" && exec 9>lock && flock 9
what=$1 name=$2 group=${3:-}
case $what in user | nouser | rename) file=passwd ;; *) file=group ;; esac
awk -F: -v OFS=: -v what="$what" -v name="$name" -v group="$group" '
	{ mine = tolower($1) == tolower(name) }
	$3 > last && $3 < 60000 { last = $3 }
	mine { there = $3 }
	mine && what == "rename" { $1 = group }
	mine && (what == "nouser" || what == "nogroup") { next }
	tolower($1) == tolower(group) && (what == "join" || what == "leave") {
		count = split($4, member, ",")
		left = ""
		for (i = 1; i <= count; i++)
			if (tolower(member[i]) != tolower(name))
				left = left "," member[i]
		if (what == "join")
			left = left "," name
		$4 = substr(left, 2)
	}
	{ print }
	END {
		number = there ? there : last + 1
		if (!there && what == "user")
			print name, "x", number, 20000, "", "/nonexistent",
				"/bin/false"
		if (!there && what == "group")
			print name, "x", number, ""
		print number >"/dev/stderr"
	}' "$file" 2>number >"$file.new" && mv "$file.new" "$file"
[ "$what" != group ] || cat number
[ "$what" = rename ] && awk -F: -v OFS=: -v name="$name" -v new="$group" '
	{
		count = split($4, member, ",")
		left = ""
		for (i = 1; i <= count; i++)
			left = left "," (member[i] == name ? new : member[i])
		$4 = substr(left, 2)
		print
	}' group >group.new && mv group.new group
exit 0
SCRIPT
	chmod 755 "$dir/unix/account"
}

# Each worker answers lists from a cache of ten seconds, which only its own
# changes refresh: there is one.
make_conf() {
	cat >"$dir/smb.conf" <<END
[global]
	netbios name = PDC
	workgroup = $domain
	server role = classic primary domain controller
	domain logons = yes
	passdb backend = tdbsam
	interfaces = $address/8
	bind interfaces only = yes
	smb ports = 445
	disable netbios = yes
	private dir = $dir/private
	state directory = $dir/state
	cache directory = $dir/cache
	lock directory = $dir/lock
	pid directory = $dir/run
	ncalrpc dir = $dir/run/ncalrpc
	winbindd socket directory = $dir/run/winbindd
	log file = $dir/log
	log level = 0
	load printers = no
	printcap name = /dev/null
	disable spoolss = yes
	rpc start on demand helpers = yes
	rpcd_lsad:num_workers = 1
	idmap config * : backend = tdb
	idmap config * : range = 30000-39999
	add user script = $dir/unix/account user "%u"
	delete user script = $dir/unix/account nouser "%u"
	rename user script = $dir/unix/account rename "%uold" "%unew"
	add machine script = $dir/unix/account user "%u"
	add group script = $dir/unix/account group "%g"
	delete group script = $dir/unix/account nogroup "%g"
	add user to group script = $dir/unix/account join "%u" "%g"
	delete user from group script = $dir/unix/account leave "%u" "%g"
END
}

provision() {
	local sid

	mkdir -p "$dir"/{private,state,cache,lock,run}
	make_unix
	make_conf
	printf '%s\n%s\n' "$password" "$password" |
		within smbpasswd -c "$dir/smb.conf" -s -a Administrator &&
		sid=$(within net -s "$dir/smb.conf" getdomainsid |
			awk '/for domain/ { print $NF; exit }') &&
		within pdbedit -s "$dir/smb.conf" -u Administrator \
			-U "$sid-500" &&
		within net -s "$dir/smb.conf" groupmap add rid=512 type=d \
			ntgroup="Domain Admins" unixgroup=admins &&
		within net -s "$dir/smb.conf" groupmap add rid=513 type=d \
			ntgroup="Domain Users" unixgroup=users
}

answers() {
	printf 'username = Administrator\npassword = %s\ndomain = %s\n' \
		"$password" "$domain" >"$dir/sign-in"
	chmod 600 "$dir/sign-in"
	rpcclient "$address" -A "$dir/sign-in" -c querydominfo \
		>"$dir/probe" 2>&1
}

start() {
	local tool tries

	for tool in smbd smbpasswd pdbedit net rpcclient; do
		command -v $tool >/dev/null ||
			die "$tool is not installed: apt-get install samba" \
				"samba-common-bin smbclient libnss-wrapper"
	done
	[ "$(id -u)" -eq 0 ] || die "needs root: the port is fixed"
	running && return
	[ -f "$dir/ready" ] || provision >"$dir/output" 2>&1 || {
		tail -n 5 "$dir/output" >&2
		die "cannot make the domain $domain in $dir"
	}
	rm -f "$dir"/run/*.pid
	within setsid smbd -F --no-process-group --debug-stdout \
		-s "$dir/smb.conf" </dev/null >>"$dir/output" 2>&1 &
	echo $! >"$dir/pid"
	for ((tries = 0; tries < 300; tries++)); do
		answers && touch "$dir/ready" && return
		kill -0 "$(cat "$dir/pid")" 2>/dev/null || break
		sleep 0.05
	done
	cat "$dir/probe" >&2
	tail -n 5 "$dir/output" >&2
	die "smbd did not start with $dir/smb.conf"
}

# What it started for itself goes by the files with their numbers.
stop() {
	local file helper

	stop_server TERM
	for file in "$dir"/run/*.pid; do
		[ -s "$file" ] || continue
		read -r helper <"$file"
		tr '\0' ' ' 2>/dev/null <"/proc/$helper/cmdline" |
			grep -q "$dir/smb.conf" && kill "$helper"
	done
}

[ $# -ge 2 ] || die "usage: nt4.sh start|stop|env DIR [ADDRESS [DOMAIN]]"
verb=$1
mkdir -p "$2" || exit 1
dir=$(cd "$2" && pwd)
address=${3:-127.0.0.41}
domain=${4:-NT4DOM}
# shellcheck source=/dev/null
[ -f "$dir/params" ] && . "$dir/params"
password='Passw0rd!x'
ours='smbd'

case $verb in
start)
	printf 'address=%q\ndomain=%q\n' "$address" "$domain" >"$dir/params"
	start
	show
	;;
stop) stop ;;
env) show ;;
*) die "no verb '$verb'" ;;
esac
