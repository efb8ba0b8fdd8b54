# Completion for fish: circus-stack, circusctl, circusd, circusd-stats, circus-top, circushttpd, circus-plugin, chaussette.
#   circus-stack completion fish >~/.config/fish/conf.d/circus-stack.fish
# The program itself is asked what may come next: of a running stack, the names of its watchers as well.

function __circus_stack_complete
    set -l typed (commandline -opc)[1]
    set -l program (string replace -r '.*/' '' -- $typed)
    # The circus-stack that stands beside the program; without a path, that of $PATH.
    set -l teller (string replace -r '[^/]*$' circus-stack -- $typed)
    string match -q '*/*' -- $typed; and test -x $teller; or set teller circus-stack
    # fish wants --option=value whole.
    set -l before (string match -r -- '^--[^=]*=' (commandline -ct))
    for answer in (command $teller completion answer $program (commandline -cp | string collect) 2>/dev/null)
        set -l parts (string split \t -- $answer)
        switch $parts[1]
            case plain
                printf '%s%s\t%s\n' "$before" $parts[2] $parts[3]
            case file
                __fish_complete_path (commandline -ct)
            case dir
                __fish_complete_directories (commandline -ct)
        end
    end
end

for program in circus-stack circusctl circusd circusd-stats circus-top circushttpd circus-plugin chaussette
    complete -c $program -f -a '(__circus_stack_complete)'
end
