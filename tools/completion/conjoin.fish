# fish completion of conjoin: asks the program itself what a word may be
#
# SPDX-License-Identifier: Apache-2.0
function __conjoin_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':folders'
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c conjoin -f -a '(__conjoin_complete)'
