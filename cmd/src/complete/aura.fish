# Completions of aura for fish. What fits is asked of aura itself, so they never grow old.
function __aura_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l word (commandline --current-token --cut-at-cursor)
    set -l found ($words[1] __complete -- $words[2..-1] "$word" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path "$word"
    end
end
complete --command aura --no-files --keep-order --arguments '(__aura_complete)'
