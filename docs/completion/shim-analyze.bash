# SPDX-License-Identifier: MIT
# Bash completion of shim-analyze. `make lint` compares the lists with the program's own.

_shim_analyze() {
	local current=$2 previous=$3
	local commands='summary leaks peak allocs temporary sizes lifetimes threads timeline flamegraph info dump repair'
	local options='--output --format --sites --stacks --thread --from --to --include --exclude --suppressions
		--no-builtin-suppressions --cost --title --sysroot --debug-path --debuginfod --jobs --color --progress
		--quiet --help --version -o -n -s -I -X -q -h'

	case $previous in
	--format) mapfile -t COMPREPLY < <(compgen -W 'text json folded svg html' -- "$current") && return ;;
	--cost)
		mapfile -t COMPREPLY < <(compgen -W 'allocated allocations peak leaked temporary' -- "$current")
		return
		;;
	--color | --progress) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$current") && return ;;
	--sysroot | --debug-path) mapfile -t COMPREPLY < <(compgen -d -- "$current") && return ;;
	-n | --sites | -s | --stacks | -I | --include | -X | --exclude | --thread | --from | --to | --jobs | --title) return ;;
	-o | --output | --suppressions) mapfile -t COMPREPLY < <(compgen -f -- "$current") && return ;;
	esac
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -f -X '!*.zst' -- "$current"; compgen -d -S / -- "$current")
	if ((COMP_CWORD == 1)); then
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$commands" -- "$current")
	fi
}
complete -o nospace -F _shim_analyze shim-analyze
