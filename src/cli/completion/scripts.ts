/** What a shell has to know: to ask us what fits, and to show it. Each is one small function that calls the hidden `__complete`. */

const BASH = `# boatload completion for bash:  source <(boatload completion bash)
_boatload() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    [[ $line == :files ]] || COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _boatload boatload firectl
`;

const ZSH = `#compdef boatload firectl
# boatload completion for zsh:  source <(boatload completion zsh), or in a folder of your fpath as _boatload
_boatload() {
  local -a lines candidates
  local line
  lines=("\${(@f)$("\${words[1]}" __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${lines[1]} == :files ]]; then
    _files
    return
  fi
  for line in $lines; do
    line="\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}"
    candidates+=("\${line%:}")
  done
  _describe -t values boatload candidates
}
if [[ \${funcstack[1]} == _boatload ]]; then
  _boatload
else
  compdef _boatload boatload firectl
fi
`;

const FISH = `# boatload completion for fish:  boatload completion fish | source
function __boatload
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    test (count $current) -eq 0; and set current ''
    set -l lines ($words[1] __complete $words[2..-1] $current 2>/dev/null)
    if test "$lines[1]" = :files
        __fish_complete_path $current
    else
        printf '%s\\n' $lines
    end
end
complete -c boatload -f -a '(__boatload)'
complete -c firectl -f -a '(__boatload)'
`;

/** The script of each shell that we know. */
export const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
