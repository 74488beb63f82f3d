# Completions of easy-bhyve and of its links, for fish(1).
function __easy_bhyve_complete
    set -l current (commandline -ct)
    set -l found (@PROGRAM@ complete --describe -- (commandline -opc) "$current" 2>/dev/null)
    if test "$found[1]" = @files
        __fish_complete_path "$current"
    else
        printf '%s\n' $found
    end
end
complete -c easy-bhyve -f -a '(__easy_bhyve_complete)'
# fish resolves the link that is called by its name.
complete -p '*/easy-bhyve' -f -a '(__easy_bhyve_complete)'
complete -p '*/*-@VERB@' -f -a '(__easy_bhyve_complete)'
