#compdef circus-stack circusctl circusd circusd-stats circus-top circushttpd circus-plugin chaussette
# Completion for zsh. Either, behind compinit:
#   source <(circus-stack completion zsh)
# or as a file _circus-stack in a directory of $fpath.
# The program itself is asked what may come next: of a running stack, the names of its watchers as well.

_circus_stack_complete() {
    local program=${words[1]:t} teller=${words[1]:h}/circus-stack line kind value help
    local -a values shown
    # The circus-stack that stands beside the program; without a path, that of $PATH.
    [[ ${words[1]} == */* && -x ${~teller} ]] || teller=circus-stack
    line="${(j: :)words[1,CURRENT-1]} $PREFIX"
    while IFS=$'\t' read -r kind value help; do
        case $kind in
            plain) values+=("$value"); shown+=("$value${help:+  -- $help}") ;;
            file) _files; return ;;
            dir) _files -/; return ;;
        esac
    done < <(${~teller} completion answer "$program" "$line" 2>/dev/null)
    (( $#values )) || return 1
    [[ $PREFIX == --*=* ]] && compset -P '*='
    # The beginning of a topic: more may follow.
    local -a nospace
    [[ $values[1] == *. ]] && nospace=(-S '')
    compadd -l $nospace -d shown -a values
}

if [[ $funcstack[1] == _circus-stack ]]; then
    _circus_stack_complete "$@"
else
    compdef _circus_stack_complete circus-stack circusctl circusd circusd-stats circus-top circushttpd circus-plugin chaussette
fi
