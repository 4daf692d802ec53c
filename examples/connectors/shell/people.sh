#!/bin/sh
# A connector in POSIX shell: people of a file with a line for each,
# id:surname:title:phone,phone. It reads all of it; there are no deltas.
#
# The messages that it is asked are told by how they begin; of `open` the one
# option that it has is cut out with sed.
#
# SPDX-License-Identifier: Apache-2.0
set -u
file=people.txt

# text TEXT: as a JSON string; without a program of its own where it can
text() {
	case $1 in
	*[[:cntrl:]\\\"]*)
		printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037\177' |
			sed 's/[\\"]/\\&/g')"
		;;
	*) printf '"%s"' "$1" ;;
	esac
}

# attribute NAME VALUE
attribute() {
	[ -n "$2" ] || return 0
	printf ',"%s":' "$1"
	text "$2"
}

# phones NUMBER,NUMBER
phones() {
	[ -n "$1" ] || return 0
	printf ',"telephoneNumber":['
	text "${1%%,*}"
	while :; do
		case $1 in
		*,*) set -- "${1#*,}" ;;
		*) break ;;
		esac
		printf ','
		text "${1%%,*}"
	done
	printf ']'
}

person() {
	printf '{"msg":"object","type":"person","anchor":'
	text "$1"
	printf ',"attrs":{"uid":'
	text "$1"
	attribute sn "$2"
	attribute title "$3"
	phones "$4"
	printf '}}\n'
}

# All of the file was there before the first line is given.
read_people() {
	count=0
	echo '{"msg":"ok"}'
	while IFS=: read -r id sn title numbers; do
		[ -n "$id" ] || continue
		person "$id" "$sn" "$title" "$numbers"
		count=$((count + 1))
	done <"$file"
	echo "{\"msg\":\"end\",\"count\":$count}"
}

while IFS= read -r ask; do
	case $ask in
	'{"msg":"hello"'*)
		echo '{"msg":"hello","protocol":1,"name":"people in shell","can":["import","schema"]}'
		;;
	'{"msg":"open"'*)
		file=$(printf '%s\n' "$ask" |
			sed -n 's/.*"options":{[^}]*"file":"\([^"]*\)".*/\1/p')
		if [ -r "$file" ]; then
			echo '{"msg":"ok"}'
		else
			echo '{"msg":"error","code":"invalid","message":"the option file names no file that can be read"}'
		fi
		;;
	'{"msg":"schema"'*)
		echo '{"msg":"schema","types":[{"name":"person","attributes":[{"name":"uid","identifies":true,"required":true},{"name":"sn"},{"name":"title"},{"name":"telephoneNumber","multi":true}]}]}'
		;;
	'{"msg":"import"'*) read_people ;;
	'{"msg":"bye"'*) exit 0 ;;
	*)
		echo '{"msg":"error","code":"unsupported","message":"only imports are known here"}'
		;;
	esac
done
