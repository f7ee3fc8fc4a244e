# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
# shellcheck shell=bash
#
# Completion of evpnctl's command lines: what may stand there evpnctl itself knows. Words are what stands between blanks,
# while readline breaks them at colons, too, and replaces what is behind the last one.
_evpnctl() {
	local line=${COMP_LINE:0:COMP_POINT} typed word words
	read -ra words <<<"$line"
	[[ $line != *[[:blank:]] ]] || words+=('')
	typed=${words[-1]}
	COMPREPLY=()
	while read -r word; do
		[[ $word != "$typed"* ]] || COMPREPLY+=("$word")
	done < <("${words[0]}" --complete "${words[@]:1}" 2>/dev/null)
	[[ $typed != *:* ]] || COMPREPLY=("${COMPREPLY[@]#"${typed%:*}:"}")
}
complete -o default -F _evpnctl evpnctl
