# bash completion for outagectl(1).
#
# The program itself says what it knows: commands come from `outagectl help`, options and what they take from the --help of each command.
# Names of incidents come from the store that the configuration on the line names, within two seconds.

__outagectl_commands()
{
	local line

	{ "$1" help; "$1" help admin; } 2>/dev/null | while IFS= read -r line; do
		[[ $line =~ ^'  '([a-z]+)(\ |$) ]] && printf '%s\n' "${BASH_REMATCH[1]}"
	done
}

# What the option $3 of command $2 takes: "FILE", "P1|P2|P3", ...; nothing where it takes nothing.
__outagectl_takes()
{
	local line

	"$1" "$2" --help 2>/dev/null | while read -r line; do
		[[ $line =~ ^((-[a-z]),\ )?(--[a-z-]+)(=([^ ]+))? ]] || continue
		[[ ${BASH_REMATCH[2]} == "$3" || ${BASH_REMATCH[3]} == "$3" ]] && printf '%s\n' "${BASH_REMATCH[5]}"
	done
}

__outagectl_options()
{
	local line

	"$1" "$2" --help 2>/dev/null | while read -r line; do
		[[ $line =~ ^(-[a-z],\ )?(--[a-z-]+)(=)? ]] && printf '%s\n' "${BASH_REMATCH[2]}${BASH_REMATCH[3]}"
	done
}

# The arguments of command $2, as its usage line has them.
__outagectl_arguments()
{
	local line

	"$1" "$2" --help 2>/dev/null | while read -r line; do
		[[ $line == *"outagectl $2 "*'] '* ]] || continue
		line=${line#*'] '}
		printf '%s\n' "${line%% - *}"
		break
	done
}

__outagectl_incidents()
{
	timeout 2 "$@" status --json 2>/dev/null | grep -o '"name":"[a-z0-9_-]*","id"' | cut -d'"' -f4
}

# Completes $cur by a description such as "FILE|DIR", "[NAME] P1|P2|P3" or "statuspage|json FILE". The rest: the program and its -c.
__outagectl_describe()
{
	local description=$1 word files=
	shift

	for word in ${description//[|\[\]]/ }; do
		word=${word%...}
		case $word in
		FILE | DIR | PATH)
			[[ -z $files ]] || continue
			files=yes
			compopt -o filenames 2>/dev/null
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
			;;
		NAME) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$(__outagectl_incidents "$@")" -- "$cur") ;;
		P[1-9] | [a-z0-9]*) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$word" -- "$cur") ;;
		esac
	done
}

_outagectl()
{
	local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' config=() i takes

	COMPREPLY=()
	# bash takes "=" for a word of its own.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $previous == = ]]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c | --config)
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
			((i++))
			config=(-c "${COMP_WORDS[i]}")
			;;
		-* | =) ;;
		*) [[ -n $command ]] || command=${COMP_WORDS[i]} ;;
		esac
	done

	case $previous in
	-c | --config) takes=FILE ;;
	-*) [[ -z $command ]] || takes=$(__outagectl_takes "$program" "$command" "$previous") ;;
	esac
	if [[ -n $takes && $takes == NAME ]]; then
		: # of an account or an offer: not to be known here
	elif [[ -n $takes ]]; then
		__outagectl_describe "$takes" "$program" "${config[@]}"
	elif [[ -z $command && $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '--config= --help --version' -- "$cur")
	elif [[ -z $command ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(__outagectl_commands "$program")" -- "$cur")
	elif [[ $command == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W admin -- "$cur")
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(__outagectl_options "$program" "$command")" -- "$cur")
	else
		__outagectl_describe "$(__outagectl_arguments "$program" "$command")" "$program" "${config[@]}"
	fi
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
}

complete -F _outagectl outagectl
