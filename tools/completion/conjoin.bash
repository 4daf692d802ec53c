# bash completion of conjoin: asks the program itself what a word may be
#
# SPDX-License-Identifier: Apache-2.0
_conjoin() {
	local line words=() word=${COMP_WORDS[COMP_CWORD]}

	COMPREPLY=()
	words=("${COMP_WORDS[@]:1:COMP_CWORD}")
	while IFS= read -r line; do
		case $line in
		:files)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			;;
		:folders)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -d -- "$word")
			;;
		*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
}
complete -F _conjoin conjoin
