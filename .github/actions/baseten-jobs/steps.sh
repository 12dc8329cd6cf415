#!/usr/bin/env bash
# The steps of the action, by name. Everything they need is in the environment, so that nothing is pasted into a script.
set -eo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$RUNNER_TEMP/baseten-jobs
tool=$venv/bin/baseten-jobs
plan=$RUNNER_TEMP/baseten-jobs-plan.md

paths=()
options=()
shared=() # the options that every command has
strict=()

read_inputs() {
  local words each
  words=$(printf '%s' "${PATHS:-specs}" | xargs -n 1 printf '%s\n')
  while IFS= read -r each; do [ -z "$each" ] || paths+=("$each"); done <<<"$words"
  words=$(printf '%s' "${CREATE:-}" | xargs -n 1 printf '%s\n')
  while IFS= read -r each; do [ -z "$each" ] || options+=(--create "$each"); done <<<"$words"
  [ -z "${SINCE:-}" ] || options+=(--since "$SINCE")
  words=$(printf '%s' "${ARGS:-}" | xargs -n 1 printf '%s\n')
  while IFS= read -r each; do [ -z "$each" ] || options+=("$each"); done <<<"$words"
  [ "$STRICT" != true ] || strict=(--strict)
  share
}

share() {
  local i
  for ((i = 0; i < ${#options[@]}; i++)); do
    case ${options[i]} in
      --set) shared+=(--set "${options[++i]-}") ;;
      --set=* | --strict) shared+=("${options[i]}") ;;
    esac
  done
}

# Runs a command whose output is not to be read as commands to the runner: it quotes manifests.
unheeded() {
  local token status=0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "::stop-commands::$token"
  "$@" || status=$?
  echo "::$token::"
  return "$status"
}

install() {
  "$PYTHON" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "${INSTALL:-$here/../../..}"
}

mode() {
  local chosen=plan
  rm -f "$plan" # of another target in this job
  if [ -z "$BASETEN_API_KEY" ] && [[ $GITHUB_EVENT_NAME == pull_request* ]]; then
    chosen=render
    echo "::notice title=baseten-jobs::no API key, as in a pull request from a fork: validated and rendered, not planned"
  elif [ "$APPLY" = true ] && [ "$GITHUB_REF" = "refs/heads/$DEFAULT_BRANCH" ]; then
    case $GITHUB_EVENT_NAME in push | workflow_dispatch) chosen=apply ;; esac
  fi
  echo "mode=$chosen" >>"$GITHUB_OUTPUT"
}

validate() {
  read_inputs
  "$tool" validate -o github "${strict[@]}" "${shared[@]}" -- "${paths[@]}"
}

render() {
  read_inputs
  unheeded "$tool" render "${strict[@]}" "${shared[@]}" -- "${paths[@]}"
}

plan() {
  read_inputs
  unheeded write_plan
}

write_plan() {
  local status=0
  "$tool" plan -o markdown "${strict[@]}" "${options[@]}" -- "${paths[@]}" >"$plan" || status=$?
  cat "$plan"
  return "$status"
}

# The comment is found by the plan's first line, among those that the token's owner wrote.
post() {
  local found
  export MARKER GH_HOST=${GITHUB_SERVER_URL#*://}
  MARKER=$(head -n 1 "$plan")
  found=$(gh api graphql --paginate \
    -f owner="${GITHUB_REPOSITORY%%/*}" -f name="${GITHUB_REPOSITORY#*/}" -F number="$PULL_REQUEST" \
    -f query='query($owner: String!, $name: String!, $number: Int!, $endCursor: String) {
      repository(owner: $owner, name: $name) {
        pullRequest(number: $number) {
          comments(first: 100, after: $endCursor) {
            nodes { id body viewerDidAuthor }
            pageInfo { hasNextPage endCursor }
          }
        }
      }
    }' \
    --jq '.data.repository.pullRequest.comments.nodes[]
      | select(.viewerDidAuthor and (.body | startswith(env.MARKER))) | .id' | head -n 1)
  if [ -n "$found" ]; then
    gh api graphql --silent -f id="$found" -F body=@"$plan" \
      -f query='mutation($id: ID!, $body: String!) {
        updateIssueComment(input: {id: $id, body: $body}) { clientMutationId }
      }'
  elif [ "$HAS_CHANGES" = true ]; then
    gh api --silent "repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments" -F body=@"$plan"
  fi
}

comment() {
  if [ ! -s "$plan" ]; then
    echo "there is no plan to post"
  elif ! bash "${BASH_SOURCE[0]}" post; then
    echo "::warning title=baseten-jobs::the plan could not be posted as a comment; it is in the step's summary"
  fi
}

# The token is git's for this one host, in the place of whatever the checkout left there; no command line shows it.
lend_token() {
  local at=${GIT_CONFIG_COUNT:-0} basic
  [ -n "${TOKEN:-}" ] || return 0
  basic=$(printf 'x-access-token:%s' "$TOKEN" | base64 | tr -d '\n')
  export GIT_CONFIG_COUNT=$((at + 2))
  export "GIT_CONFIG_KEY_$at=http.$GITHUB_SERVER_URL/.extraheader" "GIT_CONFIG_VALUE_$at="
  export "GIT_CONFIG_KEY_$((at + 1))=http.$GITHUB_SERVER_URL/.extraheader"
  export "GIT_CONFIG_VALUE_$((at + 1))=AUTHORIZATION: basic $basic"
}

# A pipeline that is run again, or was overtaken, must not submit what is no longer wanted: a newer one does its work.
apply() {
  read_inputs
  lend_token
  unset TOKEN
  unheeded "$tool" apply --yes --if-tip "$DEFAULT_BRANCH" "${strict[@]}" "${options[@]}" -- "${paths[@]}"
  if grep -s -A 1 '^skipped<<' "${GITHUB_OUTPUT:-}" | grep -qx true; then
    echo "::notice title=baseten-jobs::not applied: the default branch has moved on, and its own run applies"
  fi
}

case $1 in
  install | mode | validate | render | plan | post | comment | apply) "$1" ;;
  *) echo "there is no step '$1'" >&2 && exit 64 ;;
esac
