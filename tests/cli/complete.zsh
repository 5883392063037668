# What zsh offers for an unfinished line: zsh -f complete.zsh COMPLETION_FILE LINE
#
# Completion lives in the line editor, so an interactive zsh runs on a pseudo terminal. There
# compadd prints every match on a line of its own, and the first completion ends the shell.
if [[ $1 == inside ]]; then
  autoload -Uz compinit && compinit -u -D
  source $2
  bindkey '^I' complete-word
  compadd() {
    if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
      local -a hits
      builtin compadd -A hits "$@"
      (( $#hits )) && printf '\nMATCH %s\n' $hits
    fi
    builtin compadd "$@"
  }
  finish() { print '\nALL MATCHES'; exit }
  comppostfuncs=(finish)
  print READY
  return
fi

zmodload zsh/zpty || exit 1
zpty inner zsh -f -i
zpty -w inner "PS1= PS2= RPS1= ; source ${(q)0:a} inside ${(q)1}"
until zpty -r inner text && [[ $text == READY* ]]; do :; done
zpty -w -n inner "$2"$'\t'
while zpty -r inner text && [[ $text != ALL\ MATCHES* ]]; do
  text=${text//[$'\r\n']/}
  [[ $text == MATCH\ * ]] && print -r -- ${text#MATCH }
done
zpty -d inner
