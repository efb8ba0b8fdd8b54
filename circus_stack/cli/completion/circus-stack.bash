# Completion for bash: circus-stack, circusctl, circusd, circusd-stats, circus-top, circushttpd, circus-plugin, chaussette.
#   source <(circus-stack completion bash)
# The program itself is asked what may come next: of a running stack, the names of its watchers as well.

_circus_stack_complete() {
    local program=${1##*/} teller line=${COMP_LINE:0:COMP_POINT} word colon='' kind value help
    COMPREPLY=()
    # The circus-stack that stands beside the program; without a path, that of PATH.
    teller=${1%"$program"}circus-stack
    [[ $1 == */* && -x $teller ]] || teller=circus-stack
    word=${line##*[[:space:]]}
    [[ $word == --*=* ]] && word=${word#*=}
    # bash takes what stands before a colon for a word of its own (plugin:flapping).
    if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then colon=${word%"${word##*:}"}; fi
    while IFS=$'\t' read -r kind value help; do
        case $kind in
            plain)
                value=${value#"$colon"}
                [[ $word == [\"\']* ]] || printf -v value %q "$value"
                COMPREPLY+=("$value")
                # The beginning of a topic: more may follow.
                [[ $value == *. ]] && compopt -o nospace
                ;;
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
        esac
    done < <("$teller" completion answer "$program" "$line" 2>/dev/null)
}

complete -F _circus_stack_complete circus-stack circusctl circusd circusd-stats circus-top circushttpd circus-plugin chaussette
